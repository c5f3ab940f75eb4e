"""What the pages show: escaped, in one language, with evidence that only those who are in may fetch."""

import ast
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import msgspec
import pytest
from web_client import PASSWORD, browser, csrf_on, log_in
from web_hub import GREY, XSS, rising_water, running
from yarl import URL

from siaga.core.texts import catalogue
from siaga.web.event_words import severity_of

WEB = Path(__file__).resolve().parents[2] / "web"
TEMPLATES = sorted((WEB / "templates").glob("*.html"))


@pytest.fixture
async def inside(tmp_path):
    async with running(tmp_path) as (hub, engine, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD)
        await log_in(client, app.url)
        yield hub, engine, app, client


async def text_of(client, url, status=200):
    async with client.get(url) as answer:
        assert answer.status == status, await answer.text()
        return await answer.text()


async def test_what_a_stranger_wrote_is_shown_and_never_run(inside):
    hub, engine, app, client = inside
    event, _ = await rising_water(hub, engine)
    bad = await hub.happen("object.person", "sekolah", data={"label": XSS, "reason": XSS}, zone=XSS)
    for path in (
        "/",
        "/cameras/sekolah",
        "/events",
        f"/events/{bad.id}",
        "/rules",
        "/rules/malam",
        "/plugins",
        "/health",
    ):
        html = await text_of(client, app.url + path)
        assert "<script>alert" not in html and "<img src=x" not in html, path
    assert "&lt;script&gt;" in await text_of(client, f"{app.url}/events/{bad.id}")
    assert event.id in await text_of(client, app.url)


async def test_a_camera_with_a_mistake_is_shown_off_with_file_and_line(inside):
    _, _, app, client = inside
    html = await text_of(client, app.url)
    assert "gang-mawar" in html and "config.yaml:41" in html and "Salah sandi" in html


async def test_an_event_tells_value_clip_notice_and_the_run_of_its_rule(inside):
    hub, engine, app, client = inside
    event, run_id = await rising_water(hub, engine)
    clip = await hub.cut(event, keys=(f"{run_id}:actions[1]",))
    html = await text_of(client, f"{app.url}/events/{event.id}")
    for said in ("213,4 cm", "38 cm/jam", f"/media/{clip.path}", "Posko RW 05", "Sampai", "kata sandi ditolak"):
        assert said in html


async def test_a_clip_is_given_in_ranges_and_its_view_stands_once_in_the_audit(inside):
    hub, engine, app, client = inside
    clip = await hub.cut((await rising_water(hub, engine))[0], bytes(range(200)) * 50)
    for start in (100, 300):
        headers = {"Range": f"bytes={start}-{start + 49}"}
        async with client.get(f"{app.url}/media/{clip.path}", headers=headers) as answer:
            assert answer.status == 206
            assert answer.headers["Content-Type"] == "video/mp4" and "private" in answer.headers["Cache-Control"]
            assert await answer.read() == (bytes(range(200)) * 50)[start : start + 50]
    async with client.get(f"{app.url}/media/{clip.path}?download=1") as answer:
        assert "attachment" in answer.headers["Content-Disposition"]
    seen = [entry.what for entry in await hub.audit.find()]
    assert seen.count("clip.view") == 1 and seen.count("clip.download") == 1


@pytest.mark.parametrize(
    "path",
    ["siaga.db", "../config.yaml", "snapshots/../siaga.db", "snapshots/%2e%2e/siaga.db", "/etc/passwd",
     "clips/x.mp4%00.jpg",     "snapshots/..%2f..%2fetc%2fpasswd.jpg", "geheim.jpg", "clips/link.jpg"],
)  # fmt: skip
async def test_no_path_leads_out_of_the_pictures_and_clips(inside, path):
    hub, _, app, client = inside
    (hub.storage / "geheim.jpg").write_bytes(GREY)
    (hub.storage / "clips").mkdir()
    (hub.storage / "clips" / "link.jpg").symlink_to(hub.storage / "geheim.jpg")
    async with client.get(URL(f"{app.url}/media/{path}", encoded=True)) as answer:
        assert answer.status in {400, 404}


async def test_a_preset_turns_the_camera_for_an_operator_and_not_for_a_viewer(inside):
    hub, _, app, client = inside
    form = {"csrf": await csrf_on(client, app.url + "/cameras/ptz"), "preset": "pintu-air"}
    async with client.post(app.url + "/cameras/ptz/ptz", data=form) as answer:
        assert "diarahkan ke pintu-air" in await answer.text()
    hub.turning.is_dead = True
    async with client.post(app.url + "/cameras/ptz/ptz", data=form) as answer:
        assert answer.status == 502 and "tidak menjawab" in await answer.text()
    await app.accounts.add("tamu", PASSWORD, role="viewer")
    async with browser() as guest:
        await log_in(guest, app.url, "tamu")
        form["csrf"] = await csrf_on(guest, app.url + "/cameras/ptz")
        async with guest.post(app.url + "/cameras/ptz/ptz", data=form) as answer:
            assert answer.status == 403
    assert hub.turning.went_to == ["pintu-air"]
    seen = [entry.what for entry in await hub.audit.find() if entry.what.startswith("ptz.")]
    assert seen == ["ptz.refused", "ptz.failed", "ptz.goto", "ptz.done", "ptz.goto"], "before the move, and after it"


async def test_a_camera_whose_plugin_breaks_keeps_its_page_and_its_line_in_the_audit(inside):
    hub, _, app, client = inside
    form = {"csrf": await csrf_on(client, app.url + "/cameras/ptz"), "preset": "pintu-air"}
    hub.turning.is_broken = True
    html = await text_of(client, app.url + "/cameras/ptz")
    assert "pluginnya gagal (KeyError)" in html and "rahasia" not in html and "PTZ Jembatan" in html
    async with client.post(app.url + "/cameras/ptz/ptz", data=form) as answer:
        assert answer.status == 502 and "pluginnya gagal (ZeroDivisionError)" in await answer.text()
    failed, before = [entry for entry in await hub.audit.find() if entry.what.startswith("ptz.")]
    assert (before.what, failed.what) == ("ptz.goto", "ptz.failed") and failed.detail["preset"] == "pintu-air"


async def test_no_picture_is_given_of_a_camera_that_is_lost(inside):
    hub, _, app, client = inside
    async with client.get(app.url + "/cameras/kali/picture.jpg") as answer:
        assert answer.status == 200 and await answer.read() == GREY and answer.headers["Cache-Control"] == "no-store"
    for role in ("main", "sub"):
        hub.report("kali", role, "stalled", "tidak ada gambar selama 10 detik")
    async with client.get(app.url + "/cameras/kali/picture.jpg") as answer:
        assert answer.status == 503 and "tidak ada gambar" in (await answer.json())["error"]


async def test_events_are_found_by_kind_camera_and_day_a_page_at_a_time(inside):
    hub, _, app, client = inside
    for _ in range(35):
        await hub.happen("object.person", "ptz", jpeg=None, data={"label": "person"})
    await hub.happen("flood.stage", "kali", jpeg=None, data={"from": 4, "to": 3})
    html = await text_of(client, app.url + "/events")
    assert html.count("data-event=") == 30
    older = re.search(r'href="(/events\?before=\d+)"', html).group(1)
    assert (await text_of(client, app.url + older)).count("data-event=") == 6
    assert (await text_of(client, app.url + "/events?group=flood&camera=kali")).count("data-event=") == 1
    assert (await text_of(client, app.url + "/events?day=2001-01-01")).count("data-event=") == 0
    assert await text_of(client, app.url + "/events?day=9999-12-31&before=x&group='&camera=../..")


async def test_a_person_seen_and_then_in_a_zone_is_one_row_and_the_next_day_another(inside):
    hub, _, app, client = inside
    now = hub.clock.now()
    for hours, seconds in ((24, 0), (0, 0)):
        for kind, later in (("object.person", 0), ("zone.enter", 2)):
            at = now - timedelta(hours=hours) + timedelta(seconds=seconds + later)
            await hub.happen(kind, "ptz", at=at, zone="halaman", data={"label": "person", "track": 1}, jpeg=None)
    html = await text_of(client, app.url + "/cameras/ptz")
    assert html.count('data-thing="ptz 1"') == 2 and html.count("Orang memasuki halaman") == 2


async def test_an_hour_of_motion_pushes_no_flood_off_the_first_page(inside):
    hub, _, app, client = inside
    flood = await hub.happen("flood.stage", jpeg=None, data={"from": 3, "to": 2})
    for _ in range(70):
        await hub.happen("motion.start", jpeg=None)
        await hub.happen("clip.done", jpeg=None)
        await hub.happen("flood.level", jpeg=None)
    for path in ("/", "/cameras/kali"):
        assert flood.id in await text_of(client, app.url + path), path


async def test_a_clip_whose_time_was_over_is_told_as_removed(inside):
    hub, engine, app, client = inside
    event, run_id = await rising_water(hub, engine)
    clip = await hub.cut(event, keys=(f"{run_id}:actions[1]",))
    (run,) = engine.runs["kali-siaga-2"]
    asked = msgspec.structs.replace(run.steps[1], values={"clips": {"kali": clip.id}})
    engine.runs["kali-siaga-2"] = [msgspec.structs.replace(run, steps=(run.steps[0], asked))]
    assert "<video" in await text_of(client, f"{app.url}/events/{event.id}")
    (hub.storage / clip.path).unlink()
    html = await text_of(client, f"{app.url}/events/{event.id}")
    assert "Jembatan Tongtek sudah dihapus (masa simpan)" in html
    assert "<video" not in html and "Sedang direkam" not in html and "Tidak ada cuplikan" not in html


async def test_a_rise_too_steep_for_an_hour_is_said_by_the_minute(inside):
    hub, _, app, client = inside
    for rise, said in ((38.0, "38 cm/jam"), (14_000.0, "233 cm/menit"), (-1_200.0, "-20 cm/menit")):
        event = await hub.happen("flood.stage", jpeg=None, data={"to": 2, "rise_cm_h": rise})
        assert said in await text_of(client, f"{app.url}/events/{event.id}")


async def test_the_api_gives_the_same_reads_as_json(inside):
    hub, engine, app, client = inside
    event, _ = await rising_water(hub, engine)
    async with client.get(app.url + "/api/v1/cameras") as answer:
        assert [camera["id"] for camera in (await answer.json())["cameras"]] == ["kali", "ptz", "sekolah", "gang-mawar"]
    async with client.get(app.url + "/api/v1/events?kind=flood.") as answer:
        assert (await answer.json())["events"][0]["event"]["id"] == event.id
    for path in ("rules", "health", f"events/{event.id}"):
        async with client.get(f"{app.url}/api/v1/{path}") as answer:
            assert answer.status == 200 and await answer.json()
    async with client.get(app.url + "/api/v1/events?limit=x") as answer:
        assert answer.status == 400


async def test_a_changed_password_opens_the_figures_no_more(inside):
    _, _, app, _ = inside
    headers = {"Authorization": aiohttp.encode_basic_auth("petugas", PASSWORD)}

    async def status():
        async with aiohttp.ClientSession() as scraper, scraper.get(app.url + "/metrics", headers=headers) as answer:
            return answer.status

    assert await status() == 200
    await app.accounts.switch("petugas", is_on=False)
    assert await status() == 401
    await app.accounts.switch("petugas", is_on=True)
    assert await status() == 200
    await app.accounts.set_password("petugas", PASSWORD + " baru")
    assert await status() == 401


async def test_prometheus_reads_with_an_account_and_nobody_without(inside):
    _, _, app, _ = inside

    def login(password):
        return {"Authorization": aiohttp.encode_basic_auth("petugas", password)}

    async with aiohttp.ClientSession() as scraper:
        async with scraper.get(app.url + "/metrics") as answer:
            assert answer.status == 401 and "Basic" in answer.headers["WWW-Authenticate"]
        for password, status in (("salah sekali", 401), (PASSWORD, 200), (PASSWORD, 200)):
            async with scraper.get(app.url + "/metrics", headers=login(password)) as answer:
                assert answer.status == status
                figures = await answer.text()
        assert 'siaga_stream_live{camera="kali",stream="main"} 1.0' in figures
        for dropped in (
            "siaga_pages_let_go_total 0.0",
            'siaga_stream_ring_dropped_total{camera="kali",stream="main"} 0.0',
        ):
            assert dropped in figures, "what is dropped is counted where it can be seen"
        assert "siaga_eye_size_gate{" in figures
        async with scraper.get(app.url + "/", headers=login(PASSWORD), allow_redirects=False) as answer:
            assert answer.status == 303, "Basic opens the figures alone"


async def test_a_signed_call_brings_receipts_and_a_reply_once(inside):
    hub, _, app, _ = inside
    async with aiohttp.ClientSession() as caller:
        async with caller.post(app.url + "/hooks/wa", data=b"{}") as answer:
            assert answer.status == 401
        for _ in range(2):
            async with caller.post(app.url + "/hooks/wa", data=b"{}", headers={"X-Signature": "right"}) as answer:
                assert answer.status == 200
        async with caller.post(app.url + "/hooks/siapa", data=b"{}") as answer:
            assert answer.status == 404
        async with caller.post(app.url + "/hooks/wa", data=b"x" * 3_300_000) as answer:
            assert answer.status == 413
        statuses = []
        for _ in range(130):
            async with caller.post(app.url + "/hooks/wa", data=b"{}") as answer:
                statuses.append(answer.status)
        assert 429 in statuses
    assert len(await hub.events.find(kind="notice.reply")) == 1
    assert hub.outbox.received[0].key == "run:actions[0]"


async def test_every_answer_carries_the_safe_headers(inside):
    _, _, app, client = inside
    for path in (
        "/",
        "/login",
        "/healthz",
        "/not/there",
        "/cameras/kali/picture.jpg",
        "/api/v1/cameras",
        "/language/en",
    ):
        async with client.get(app.url + path, allow_redirects=False) as answer:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_fault_of_the_program_shows_kind_words_and_no_traceback(inside):
    _, engine, app, client = inside
    engine.states = [object()]
    html = await text_of(client, app.url + "/rules", 500)
    assert "Ada kesalahan di Siaga" in html and "Traceback" not in html and "AttributeError" not in html


async def test_a_flood_stage_is_worse_the_smaller_it_is(inside):
    hub, *_ = inside
    said = [severity_of(await hub.happen("flood.stage", jpeg=None, data={"to": stage})) for stage in (4, 3, 2, 1, None)]
    assert said == ["info", "warning", "danger", "danger", "info"]


class BareText(HTMLParser):
    """Collect every word that stands in a template and not in the catalogue."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        shown = {"alt", "title", "placeholder", "aria-label"}
        self.found += [value for name, value in attrs if name in shown and value and re.search(r"[^\W\d_]", value)]

    def handle_data(self, data):
        if re.search(r"[^\W\d_]", data):
            self.found.append(data.strip())


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_no_template_holds_a_text_of_its_own(file):
    bare = BareText()
    bare.feed(
        re.sub(r"{% block page %}.*?{% endblock %}|{#.*?#}|{%.*?%}|{{.*?}}", "", file.read_text("utf-8"), flags=re.S)
    )
    assert bare.found == []


def test_every_text_a_page_asks_for_stands_in_the_catalogue():
    asked = set()
    for file in TEMPLATES:
        asked |= set(re.findall(r"""["']((?:web|product)\.[a-z0-9_.]+[a-z0-9])["']""", file.read_text("utf-8")))
    for file in WEB.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                asked |= set(re.findall(r"^web\.[a-z0-9_]+(?:\.[a-z0-9_]+)+$", node.value))
    asked -= {"web.accounts", "web.sessions"}
    assert len(asked) > 80 and asked <= set(catalogue()), sorted(asked - set(catalogue()))


async def test_a_camera_says_how_often_each_detector_really_looks_and_what_keeps_it(inside):
    _, _, app, client = inside
    page = await text_of(client, f"{app.url}/cameras/kali")
    cells = r"<td>([^<]*)</td><td>([^<]*)</td>"
    row = rf'<tr><th scope="row">(\w+)</th>{cells}<td><span class="tag (\w+)">([^<]+)</span>([^<]*)'
    assert re.findall(row, page) == [
        ("flood", "0,2/detik", "0,2/detik", "good", "Bekerja", ""),
        ("objects", "1,5/detik", "5/detik", "warning", "Terlalu lambat", ""),
        ("crowd", "0/detik", "", "bad", "Mati", " zona “x” tidak ada"),
    ]
    assert "Pendeteksi" not in await text_of(client, f"{app.url}/cameras/sekolah")
