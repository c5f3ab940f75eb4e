"""The pages in a real browser: an alert appears by itself, nothing comes from elsewhere, nothing breaks the CSP."""

import re
import shutil

import msgspec
import pytest
from playwright.async_api import async_playwright, expect
from web_client import PASSWORD
from web_hub import rising_water, running

from siaga.core.event_log import Committed
from siaga.core.notice_book import NoticeChanged
from siaga.core.notice_states import NoticeRecord
from siaga.core.types import Event, Notice

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: apt-get install chromium"),
]


@pytest.fixture
async def screen(tmp_path):
    """Give hub, engine, app and a page of Chromium that has logged in; told complaints fail the test."""
    async with running(tmp_path) as (hub, engine, app), async_playwright() as driver:
        await app.accounts.add("petugas", PASSWORD)
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await chromium.new_page(viewport={"width": 390, "height": 844})
        complaints, asked = [], []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(app.url)
        await page.fill("#name", "petugas")
        await page.fill("#password", PASSWORD)
        await page.press("#password", "Enter")
        await expect(page.locator("body[data-live=yes]")).to_be_visible()
        yield hub, engine, app, page
        await chromium.close()
        assert complaints == []
        assert [url for url in asked if not url.startswith((app.url, "blob:" + app.url))] == []


async def test_an_alert_appears_with_its_picture_and_no_reload(screen):
    hub, engine, _, page = screen
    await page.evaluate("window.stayed = true")
    event, _ = await rising_water(hub, engine)
    alert = page.locator(".alerts .alert.danger")
    await expect(alert).to_contain_text("Siaga 2")
    await expect(alert).to_contain_text("Kali Ciliwung")
    await expect(alert.locator("img")).to_have_attribute("src", f"/media/{event.snapshot}")
    await expect(page.locator(f".events [data-event='{event.id}']")).to_be_visible()
    await expect(page).to_have_title(re.compile(r"^\(1\) "))
    assert await page.locator(".alerts").get_attribute("aria-live") == "assertive"
    assert await page.evaluate("window.stayed")
    await alert.get_by_role("button", name="Tutup").click()
    await expect(alert).to_have_count(0)


async def test_what_a_rule_tells_somebody_stands_on_the_screen_too(screen):
    hub, _, _, page = screen
    event = await hub.happen("object.person", "ptz", data={"label": "person"})
    await expect(page.locator(f".events [data-event='{event.id}']")).to_be_visible()
    await expect(page.locator(".alert")).to_have_count(0)
    at = hub.clock.now()
    notice = Notice(
        id="n", key="k", notifier="wa", to="+62812", text="Ada orang", created_at=at, expires_at=at, event_id=event.id
    )
    for _ in range(2):
        hub.bus.publish(NoticeChanged(notice=notice, state="waiting", at=at))
    await expect(page.locator(".alert")).to_have_count(1)
    await expect(page.locator(".alert")).to_contain_text("Terlihat: orang")


async def test_what_was_told_while_the_line_was_away_appears_when_it_is_back(screen):
    hub, _, app, page = screen
    (followed,) = app._live.pages
    await followed.socket.close()
    event = await hub.happen("object.person", "ptz", data={"label": "person"})
    at = hub.clock.now()
    notice = Notice(
        id="n", key="k", notifier="wa", to="+62812", text="Ada orang", created_at=at, expires_at=at, event_id=event.id
    )
    hub.outbox.records.append(NoticeRecord(notice=notice, state="delivered", next_at=at, updated_at=at))
    await expect(page.locator(".alert")).to_contain_text("Terlihat: orang", timeout=10_000)
    await expect(page.locator("[data-line]")).to_be_hidden()


async def test_a_screen_that_stays_open_remembers_the_newest_events_alone(screen):
    hub, _, _, page = screen
    happened = [Event(id=f"e{n}", site="s", kind="flood.blind", at=hub.clock.now(), camera="kali") for n in range(520)]
    for seq, event in enumerate(happened, 1000):
        hub.bus.publish(Committed(seq=seq, event=event))
        if seq % 50 == 9:
            await expect(page.locator(f"[data-event={event.id}]")).to_be_visible()
    first = page.locator("[data-event=e0]")
    await expect(first).to_have_count(0)
    for event in (happened[519], happened[0]):
        hub.bus.publish(Committed(seq=2000, event=event))
    await expect(first).to_be_visible()
    await expect(page.locator("[data-event=e519]")).to_have_count(1)


async def test_a_level_and_a_lost_camera_change_on_the_page_by_themselves(screen):
    hub, _, _, page = screen
    card = page.locator("[data-camera=kali]")
    lost = page.locator("[data-count=bad]")
    await expect(lost).to_have_text("1 putus")
    await expect(card.locator("img")).to_be_visible()
    hub.read(213.4, 2)
    await expect(card.locator(".reading.stage2")).to_contain_text("213 cm · Siaga 2")
    for role in ("main", "sub"):
        hub.report("kali", role, "lost", "kamera tidak menjawab")
    await expect(card.locator("[data-state]")).to_have_text("Putus")
    await expect(card.locator("[data-reason]")).to_have_text("kamera tidak menjawab")
    await expect(lost).to_have_text("2 putus")
    # Its last picture stays, but says how old it is.
    await expect(card.locator(".picture.old .age")).to_contain_text("lalu", timeout=15_000)


async def test_every_page_fits_a_phone_and_a_screen_in_both_languages(screen):
    hub, engine, app, page = screen
    event, run_id = await rising_water(hub, engine)
    await hub.cut(event, keys=(f"{run_id}:actions[1]",))
    paths = [
        "/",
        "/cameras/ptz",
        "/events",
        f"/events/{event.id}",
        "/rules",
        "/rules/kali-siaga-2",
        "/plugins",
        "/health",
    ]
    for language in ("en", "id"):
        await page.goto(f"{app.url}/language/{language}")
        for width in (390, 1280):
            await page.set_viewport_size({"width": width, "height": 844})
            for path in paths:
                await page.goto(app.url + path)
                assert await page.locator("html").get_attribute("lang") == language
                assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("link", name="Rules")).to_be_visible()


async def test_a_clip_and_a_receipt_come_to_an_open_event_by_themselves(screen):
    hub, engine, app, page = screen
    event, run_id = await rising_water(hub, engine)
    await page.goto(f"{app.url}/events/{event.id}")
    await expect(page.locator("body[data-live=yes]")).to_be_visible()
    await expect(page.locator("video")).to_have_count(0)
    clip = await hub.cut(event, keys=(f"{run_id}:actions[1]/kali",))
    await hub.happen("clip.done", jpeg=None, data={"clip": clip.id, "seconds": 25.0})
    await expect(page.locator("video")).to_have_attribute("src", f"/media/{clip.path}")
    record = msgspec.structs.replace(hub.outbox.records[0], state="read")
    hub.outbox.records[0] = record
    hub.bus.publish(NoticeChanged(notice=record.notice, state="read", at=hub.clock.now()))
    await expect(page.locator(".told .tag")).to_have_text("Dibaca")


async def test_a_page_whose_session_was_ended_elsewhere_goes_to_the_login(screen):
    _, _, app, page = screen
    await page.goto(app.url + "/events")
    await page.evaluate(
        "fetch('/logout', {method: 'POST', headers: {'X-CSRF-Token': document.querySelector('[name=csrf]').value}})"
    )
    await page.goto(app.url + "/events")
    await expect(page.locator("#password")).to_be_visible()
    assert "next=" in page.url
