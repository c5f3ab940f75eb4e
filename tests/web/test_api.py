"""What the API and the figures give to other programs: raw values, found without looking through everything."""

from datetime import timedelta

import msgspec
import pytest
from web_client import PASSWORD, browser, log_in
from web_hub import rising_water, running

from siaga.core.types import TraceStep, new_id
from siaga.rules.run_log import Decided, Drop, RunLog, RunRow


@pytest.fixture
async def inside(tmp_path):
    async with running(tmp_path) as (hub, engine, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD)
        await log_in(client, app.url)

        async def ask(path, status=200):
            async with client.get(app.url + path) as answer:
                assert answer.status == status
                return await answer.json()

        yield hub, engine, ask


async def test_an_event_tells_runs_clips_and_notices_as_they_are_kept(inside):
    hub, engine, ask = inside
    event, run_id = await rising_water(hub, engine)
    clip = await hub.cut(event, keys=(f"{run_id}:actions[1]/kali",))
    told = await ask(f"/api/v1/events/{event.id}")
    assert told["event"]["data"]["to"] == 2 and told["words"]["title"] == "Siaga 2"
    (trace,) = told["traces"]
    assert trace["state"] == "finished"
    assert {step["path"]: step["outcome"] for step in trace["steps"]}["actions[0]"] == "done"
    assert trace["steps"][2]["values"] == {"camera": "ptz", "preset": "pintu-air"}
    assert told["clips"][0]["path"] == clip.path and told["clips"][0]["start"] < told["event"]["at"]
    assert told["notices"][0]["state"] == "delivered" and told["notices"][0]["notice"]["to"] == "+62812"


async def test_a_viewer_sees_of_a_persons_number_only_its_end(tmp_path):
    async with running(tmp_path) as (hub, engine, app), browser() as client:
        await app.accounts.add("tamu", PASSWORD, role="viewer")
        await app.accounts.add("petugas", PASSWORD)
        event, _ = await rising_water(hub, engine)
        number = "+6281298765432"
        notice = msgspec.structs.replace(hub.outbox.records[0].notice, to=number, key=f"run:actions[2]:wa/{number}")
        hub.outbox.records[0] = msgspec.structs.replace(hub.outbox.records[0], notice=notice)
        (run,) = engine.runs["kali-siaga-2"]
        step = msgspec.structs.replace(run.steps[4], values={"to": [f"wa:{number}"], "already": [f"wa:{number}"]})
        engine.runs["kali-siaga-2"] = [msgspec.structs.replace(run, steps=(*run.steps[:4], step))]
        failed = await hub.happen("notice.failed", jpeg=None, data={"to": number, "reason": "ditolak"})
        reply = await hub.happen("notice.reply", jpeg=None, data={"sender": number, "text": "Siap"})
        paths = ["/api/v1/events", "/api/v1/rules/kali-siaga-2", *(f"/events/{e.id}" for e in (event, failed, reply))]
        paths += [f"/api/v1/events/{e.id}" for e in (event, failed, reply)]
        seen = {}
        for name in ("tamu", "petugas"):
            await log_in(client, app.url, name)
            for path in paths:
                async with client.get(app.url + path) as answer:
                    seen[name, path] = await answer.text()
    for path in paths:
        assert "8765432" not in seen["tamu", path] and "…432" in seen["tamu", path], path
        assert number in seen["petugas", path].replace("&#43;", "+"), path
    assert '"to":2' in seen["tamu", f"/api/v1/events/{event.id}"], "a stage is no number of a person"


async def test_a_camera_tells_its_state_streams_and_readings_in_figures(inside):
    hub, _, ask = inside
    hub.read(187.5, 3)
    cameras = {camera["id"]: camera for camera in (await ask("/api/v1/cameras"))["cameras"]}
    assert cameras["kali"]["state"] == "live" and cameras["sekolah"]["state"] == "auth_failed"
    assert cameras["kali"]["readings"][0]["data"] == {"level_cm": 187.5, "stage": 3}
    assert cameras["kali"]["streams"][0]["bits_per_s"] == 1_842_000
    assert cameras["gang-mawar"]["state"] == "off" and "config.yaml:41" in cameras["gang-mawar"]["reason"]


async def test_a_rule_tells_its_runs_and_why_it_did_not_run(inside):
    hub, engine, ask = inside
    await rising_water(hub, engine)
    told = await ask("/api/v1/rules/kali-siaga-2")
    assert told["rule"]["runs"] == 3 and told["traces"][0]["state"] == "finished"
    assert told["near_misses"][0]["reason"] == "to: 3, diminta 2"
    await ask("/api/v1/rules/tidak-ada", 404)


async def test_the_clips_of_an_event_are_those_its_runs_asked_for_and_those_that_hold_its_moment(inside):
    hub, engine, ask = inside
    event, run_id = await rising_water(hub, engine)
    other = await hub.happen("object.person", "ptz", at=event.at + timedelta(minutes=5), jpeg=None)
    far = await hub.cut(other, keys=(f"{run_id}:actions[1]/ptz",))
    moment = await hub.cut(event, keys=("another-run:actions[0]/kali",))
    early = await hub.happen("object.person", "kali", at=event.at - timedelta(minutes=5), jpeg=None)
    await hub.cut(early)
    found = [clip["id"] for clip in (await ask(f"/api/v1/events/{event.id}"))["clips"]]
    assert found == [far.id, moment.id]


async def test_what_an_event_began_is_found_by_the_event_alone(inside):
    hub, _, _ = inside
    log = await RunLog.open(hub.journal)
    at = hub.clock.now()

    def run(rule_id, event_id):
        return RunRow(
            run_id=new_id(), rule_id=rule_id, event_id=event_id, trigger_id="0", trigger_path="triggers[0]",
            late_s=0.0, state="running", fingerprint="x", started_at=at,
        )  # fmt: skip

    step = TraceStep(path="triggers[0]", what="event", at=at, outcome="true")
    runs = [run("a", "e1"), run("b", "e1"), run("a", "e2")]
    drop = Drop(rule_id="a", after_run=runs[0].run_id, reason="cooldown", event_id="e2", at=at)
    opened = [(row, [step]) for row in runs]
    await log.commit(Decided(until_seq=3, opened=opened, cut=[], drops=[drop], at=at))
    assert [trace.rule_id for trace in await log.traces_of_event("e1")] == ["a", "b"]
    began, dropped = await log.traces_of_event("e2")
    assert began.steps == (step,) and (dropped.state, dropped.rule_id) == ("dropped", "a")
    plan = await hub.journal.read(
        lambda db: [row[3] for row in db.execute("explain query plan select * from rule_runs where event_id = 'e1'")]
    )
    assert "rule_runs_event" in plan[0]


async def test_the_figures_hold_what_a_watcher_of_the_hub_needs(tmp_path):
    async with running(tmp_path) as (hub, engine, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD)
        await log_in(client, app.url)
        await rising_water(hub, engine)
        async with client.get(app.url + "/metrics") as answer:
            figures = await answer.text()
    for line in (
        'siaga_stream_live{camera="sekolah",stream="main"} 0.0',
        'siaga_eye_skipped_total{camera="kali"} 3.0',
        'siaga_eye_decode_errors_total{camera="kali"} 1.0',
        'siaga_process_resident_bytes{process="recorder"} 7.1e+07',
        'siaga_process_restarts_total{process="eye-1"} 1.0',
        'siaga_process_resident_bytes{process="hub"}',
        'siaga_bus_dropped_total{reader="web"} 0.0',
        'siaga_notices{state="delivered"} 1.0',
        "siaga_receipts_unknown_total 2.0",
        "siaga_journal_under_way",
    ):
        assert line in figures, line
