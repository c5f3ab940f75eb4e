"""Incidents on the pages and in the API: who sees, who may answer, what the second one reads, who is on duty."""

import json
from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from alert_cases import rest
from web_client import PASSWORD, browser, csrf_on, log_in
from web_hub import XSS, rising_water, running
from web_incidents import BUDI, LURAH, POSKO, staff, water_rises

from siaga.core.clock import ManualClock
from siaga.core.types import Event, new_id

EVENING = datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc)  # Sunday, 19.05 WIB


@pytest.fixture
async def inside(tmp_path):
    async with running(tmp_path, ManualClock(EVENING)) as (hub, engine, app), browser() as client:
        await staff(hub)
        await app.accounts.add("rina", PASSWORD, role="operator")
        await log_in(client, app.url, "rina")
        yield hub, engine, app, client


async def read(client, url, status=200):
    async with client.get(url) as answer:
        assert answer.status == status, await answer.text()
        return await answer.text()


async def press(client, app, path, status=303, **form):
    token = await csrf_on(client, app.url)
    async with client.post(app.url + path, data={"csrf": token, **form}, allow_redirects=False) as answer:
        assert answer.status == status, await answer.text()
        return answer.headers.get("Location", ""), await answer.text()


async def audit(hub):
    return [(entry.who, entry.what, entry.subject) for entry in await hub.audit.find(limit=20)]


async def test_an_open_incident_stands_first_at_home_with_its_picture_and_a_button(inside):
    hub, _, app, client = inside
    event, incident = await water_rises(hub)
    html = await read(client, app.url)
    assert html.index("SIAGA 2: Kali Ciliwung 213 cm") < html.index('id="cameras"')
    assert f'src="/media/{event.snapshot}"' in html and "Belum ditanggapi" in html and "sejak 19.05 WIB" in html
    assert f'action="/incidents/{incident.id}/acknowledge"' in html


async def test_an_answer_on_the_page_is_told_to_all_and_kept_in_the_audit(inside):
    hub, _, app, client = inside
    _, incident = await water_rises(hub)
    back, _ = await press(client, app, f"/incidents/{incident.id}/acknowledge", next="/")
    assert back == "/"
    answered = await hub.alerts.incident(incident.id)
    assert (answered.state, answered.acknowledged_by, answered.acknowledged_via) == ("acknowledged", "rina", "web")
    await rest(hub)
    told = [notice.to for notice in await hub.notices.all() if "rina menanggapi" in notice.text]
    assert sorted(told) == sorted([POSKO, LURAH])
    assert ("rina", "incident.acknowledge", incident.id) in await audit(hub)
    html = await read(client, app.url)
    assert "rina menanggapi" in html and f"/incidents/{incident.id}/acknowledge" not in html


async def test_who_presses_second_reads_who_was_first(inside):
    hub, _, app, client = inside
    _, incident = await water_rises(hub)
    await hub.alerts.acknowledge(incident.id, "Bu Lurah", "wa")
    _, html = await press(client, app, f"/incidents/{incident.id}/acknowledge", 409)
    assert "sudah ditanggapi Bu Lurah pukul 19.05" in html
    assert (await hub.alerts.incident(incident.id)).acknowledged_by == "Bu Lurah"


async def test_an_incident_is_closed_with_a_note(inside):
    hub, _, app, client = inside
    _, incident = await water_rises(hub)
    where, _ = await press(client, app, f"/incidents/{incident.id}/close", note=" Pintu air\n sudah dibuka ")
    assert where == f"/incidents/{incident.id}"
    closed = await hub.alerts.incident(incident.id)
    assert (closed.state, closed.closed_by, closed.note) == ("closed", "rina", "Pintu air sudah dibuka")
    html = await read(client, app.url + where)
    assert "rina menutup" in html and "Pintu air sudah dibuka" in html and "/close" not in html
    assert ("rina", "incident.close", incident.id) in await audit(hub)
    _, html = await press(client, app, where + "/close", 409)
    assert "sudah ditutup rina" in html


async def test_a_button_leads_back_to_our_own_pages_only(inside):
    hub, _, app, client = inside
    _, incident = await water_rises(hub)
    back, _ = await press(client, app, f"/incidents/{incident.id}/acknowledge", next="//jahat.example/")
    assert back == f"/incidents/{incident.id}"


async def test_a_viewer_sees_but_cannot_answer_and_no_form_goes_without_its_token(tmp_path):
    async with running(tmp_path) as (hub, _, app), browser() as client:
        await staff(hub)
        _, incident = await water_rises(hub, to=("+6281298765432",), notifier="wa")
        await app.accounts.add("tamu", PASSWORD, role="viewer")
        await app.accounts.add("rina", PASSWORD)
        await log_in(client, app.url, "tamu")
        html = await read(client, f"{app.url}/incidents/{incident.id}")
        assert "hanya melihat" in html and "/acknowledge" not in html and "98765432" not in html
        shown = await read(client, f"{app.url}/api/v1/incidents/{incident.id}")
        assert "98765432" not in shown and POSKO not in shown
        assert POSKO not in await read(client, app.url + "/duty")
        for what in ("acknowledge", "close"):
            await press(client, app, f"/incidents/{incident.id}/{what}", 403)
            async with client.post(f"{app.url}/api/v1/incidents/{incident.id}/{what}") as answer:
                assert answer.status == 403
        assert (await hub.alerts.incident(incident.id)).state == "open"
        assert ("tamu", "incident.refused", incident.id) in await audit(hub)
        await log_in(client, app.url, "rina")
        async with client.post(f"{app.url}/incidents/{incident.id}/acknowledge", data={}) as answer:
            assert answer.status == 403
        assert (await hub.alerts.incident(incident.id)).state == "open"


async def test_the_page_tells_who_was_told_what_became_of_it_and_who_answered_in_the_order_of_time(inside):
    hub, _, app, client = inside
    _, incident = await water_rises(hub)
    await rest(hub)
    hub.notices.state = "delivered"
    hub.notices.states = {f"run:actions[0]:wa/{LURAH}": "failed"}
    await hub.clock.advance(120)
    await hub.alerts.acknowledge(incident.id, "Posko RW 05", "wa")
    html = await read(client, f"{app.url}/incidents/{incident.id}")
    said = html[html.index('id="told"') : html.index('id="lines"')]
    assert "Posko RW 05" in said and "Menanggapi" in said and "Gagal" in said and "Bu Lurah" in said
    lines = html[html.index('id="lines"') :]
    places = [lines.index(word) for word in ("Insiden dibuka", "Peringatan ke", "Ditanggapi oleh", "Kabar siapa")]
    assert places == sorted(places)
    assert lines.count("Periksa pintu air") == 1, "what all were sent stands there once"


async def test_an_incident_shows_its_events_and_their_clips_and_an_event_names_its_incident(inside):
    hub, engine, app, client = inside
    event, incident = await water_rises(hub)
    await hub.clock.advance(60)
    again, same = await water_rises(hub, "run2:actions[0]")
    clip = await hub.cut(event)
    assert same.id == incident.id and same.events == 2
    html = await read(client, f"{app.url}/incidents/{incident.id}")
    assert clip.path in html and "2 kejadian" in html
    assert html.index(f'data-event="{again.id}"') < html.index(f'data-event="{event.id}"')
    await rest(hub)
    opened = await hub.events.find(kind="incident.opened")
    assert f"/incidents/{incident.id}" in await read(client, f"{app.url}/events/{opened[0].event.id}")
    told, _ = await rising_water(hub, engine)
    record = hub.outbox.records[0]
    notice = msgspec.structs.replace(record.notice, incident_id=incident.id)
    hub.outbox.records[0] = msgspec.structs.replace(record, notice=notice)
    html = await read(client, f"{app.url}/events/{told.id}")
    assert "Bagian dari insiden" in html and f"/incidents/{incident.id}" in html


async def test_the_list_shows_what_waits_first_and_pages_through_what_is_over(inside):
    hub, _, app, client = inside
    for number in range(32):
        _, incident = await water_rises(hub, f"r{number}:actions[0]", incident=f"hal-{number}", text=f"Hal {number:02}")
        await hub.alerts.close(incident.id, "rina")
    _, taken = await water_rises(hub, "t:actions[0]", incident="t", text="Sedang ditangani")
    await hub.alerts.acknowledge(taken.id, "rina", "web")
    await water_rises(hub, "o:actions[0]", incident="o", text="Masih menunggu")
    html = await read(client, app.url + "/incidents")
    assert html.index("Masih menunggu") < html.index("Sedang ditangani") < html.index("Hal 31")
    assert "Hal 01" not in html
    older = html[html.index("/incidents?before=") :].partition('"')[0]
    html = await read(client, app.url + older)
    assert "Hal 01" in html and "Hal 31" not in html and "Masih menunggu" not in html
    await read(client, app.url + "/incidents/tidak-ada", 404)


async def test_what_a_stranger_wrote_into_an_incident_is_shown_and_never_run(inside):
    hub, _, app, client = inside
    _, incident = await water_rises(hub, text=XSS)
    await hub.alerts.acknowledge(incident.id, XSS, "wa")
    await hub.alerts.close(incident.id, XSS, XSS)
    for path in ("/", "/incidents", f"/incidents/{incident.id}", "/duty"):
        html = await read(client, app.url + path)
        assert "<script>alert" not in html and "<img src=x" not in html, path


async def test_the_api_reads_acknowledges_and_closes(inside):
    hub, _, app, client = inside
    event, incident = await water_rises(hub)
    api = app.url + "/api/v1/incidents"
    listed = json.loads(await read(client, api + "?state=open"))
    assert [one["incident"]["id"] for one in listed["incidents"]] == [incident.id]
    headers = {"X-CSRF-Token": listed["csrf"]}

    async def post(what, status, **more):
        async with client.post(f"{api}/{incident.id}/{what}", headers=headers, **more) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    told = json.loads(await read(client, f"{api}/{incident.id}"))
    assert [one["id"] for one in told["events"]] == [event.id]
    assert {one["to"] for one in told["told"]} == {POSKO, LURAH}
    assert told["lines"][0]["what"] == "opened"
    taken = await post("acknowledge", 200)
    assert (taken["incident"]["state"], taken["incident"]["acknowledged_by"]) == ("acknowledged", "rina")
    assert taken["incident"]["acknowledged_via"] == "api"
    late = await post("acknowledge", 409)
    assert "sudah ditanggapi rina" in late["error"] and late["incident"]["state"] == "acknowledged"
    closed = await post("close", 200, json={"note": "aman"})
    assert (closed["incident"]["state"], closed["incident"]["note"]) == ("closed", "aman")
    await read(client, api + "?state=apa", 400)
    await read(client, api + "?limit=-1", 400)
    await read(client, api + "/tidak-ada", 404)


async def test_who_is_on_duty_now_and_in_the_next_day(inside):
    _, _, app, client = inside
    html = await read(client, app.url + "/duty")
    now = html[html.index("Jaga posko banjir") :]
    assert now.index("Pak Budi (Satpol PP), Posko RW 05") < now.index("sampai 07.00 WIB")
    assert now.index("mulai 07.00 WIB") < now.index("mulai 19.00 WIB")
    assert "jam tenang 22.00 sampai 05.00" in html and "Satgas banjir" in html and BUDI in html


async def test_a_run_of_a_rule_is_downloaded_whole_as_json(inside):
    hub, engine, app, client = inside
    _, run_id = await rising_water(hub, engine)
    address = f"/rules/kali-siaga-2/traces/{run_id}"
    assert f'href="{address}"' in await read(client, app.url + "/rules/kali-siaga-2")
    async with client.get(app.url + address) as answer:
        assert answer.headers["Content-Disposition"] == f'attachment; filename="trace-{run_id}.json"'
        trace = await answer.json()
    assert trace["steps"][0]["values"] == {"to": 2, "from": 3}
    await read(client, app.url + "/rules/kali-siaga-2/traces/lain", 404)


async def test_a_viewers_download_of_a_run_holds_no_number_of_a_person(tmp_path):
    async with running(tmp_path) as (hub, engine, app), browser() as client:
        await app.accounts.add("tamu", PASSWORD, role="viewer")
        await log_in(client, app.url, "tamu")
        _, run_id = await rising_water(hub, engine)
        (run,) = engine.runs["kali-siaga-2"]
        step = msgspec.structs.replace(run.steps[4], values={"to": [f"wa:{LURAH}"], "contact": "posko"})
        engine.runs["kali-siaga-2"] = [msgspec.structs.replace(run, steps=(*run.steps[:4], step))]
        shown = await read(client, f"{app.url}/rules/kali-siaga-2/traces/{run_id}")
        assert "posko" in shown and LURAH not in shown and LURAH[-3:] in shown


async def test_pages_speak_english_too(inside):
    hub, _, app, client = inside
    _, incident = await water_rises(hub)
    await read(client, app.url + "/language/en")
    html = await read(client, f"{app.url}/incidents/{incident.id}")
    assert "Not answered" in html and "I take it" in html and "Who was told" in html
    assert "On duty" in await read(client, app.url + "/duty")


async def test_open_pages_are_told_when_an_incident_opens_and_when_it_is_answered(inside):
    hub, _, app, client = inside
    async with client.ws_connect(f"{app.url}/api/v1/stream", headers={"Origin": app.url}) as socket:

        async def told():
            while True:
                message = await socket.receive_json(timeout=5)
                if message["type"] == "incident":
                    return message["incident"], message["open"]

        assert (await socket.receive_json(timeout=5))["open"] == 0
        _, incident = await water_rises(hub)
        assert await told() == (incident.id, 1)
        await hub.alerts.acknowledge(incident.id, "Bu Lurah", "wa")
        assert await told() == (incident.id, 0)


async def test_an_events_words_hide_a_number_that_stands_for_a_person_from_a_viewer(tmp_path):
    async with running(tmp_path) as (hub, _, app), browser() as client:
        await app.accounts.add("tamu", PASSWORD, role="viewer")
        await log_in(client, app.url, "tamu")
        at = hub.clock.now() - timedelta(minutes=1)
        data = {"incident": "i", "title": "Air naik", "by": "+6281298765432", "via": "wa", "told": ["+6281298765433"]}
        event = Event(id=new_id(), site="kebon-baru", kind="incident.acknowledged", at=at, camera="kali", data=data)
        await hub.emit(event)
        for path in (f"/events/{event.id}", f"/api/v1/events/{event.id}"):
            assert "98765432" not in await read(client, app.url + path), path
