"""The report of an incident: who was told, when, by what, and what became of it; and how long it is kept."""

import json
from datetime import timedelta

import pytest
from alert_cases import NIGHT, advance, after, alert, rest, site
from hub_for_rules import EVENING, close_hub, open_hub

from siaga.core.clock import ManualClock


@pytest.fixture
async def hub(tmp_path):
    clock = ManualClock(EVENING + timedelta(hours=4))
    hub = await open_hub(tmp_path / "siaga.db", clock, site=site(quiet=[NIGHT]))
    yield hub
    await close_hub(hub)


async def test_the_report_tells_everything_in_the_order_of_time(hub):
    outcome = await hub.alert(alert(escalate=(after(300, contact="budi"),)))
    await advance(hub, 320)
    await hub.acknowledge(outcome.incident_id, "Pak Budi", "web")
    await hub.clock.advance(60)
    await hub.close_incident(outcome.incident_id, "Bu Sari", "surut")
    await rest(hub)
    report = await hub.alerts.report(outcome.incident_id)
    assert json.loads(json.dumps(report)) == report
    lines = [(line["what"], line["who"], line["message"], line["why"]) for line in report["lines"]]
    assert lines == [
        ("opened", "", "", ""),
        ("told", "Posko RW 05", "alert", ""),
        ("told", "Posko RW 05", "alert", ""),
        ("held", "Lurah", "alert", "jam tenang sampai 05.00"),
        ("escalated", "", "", ""),
        ("told", "Pak Budi", "escalation", ""),
        ("acknowledged", "Pak Budi", "", "web"),
        ("dropped", "Lurah", "alert", "sudah ditanggapi Pak Budi sebelum dikirim"),
        ("told", "Posko RW 05", "answer", ""),
        ("told", "Posko RW 05", "answer", ""),
        ("told", "Pak Budi", "answer", ""),
        ("closed", "Bu Sari", "", "surut"),
    ]
    assert report["incident"]["acknowledged_by"] == "Pak Budi"
    assert await hub.alerts.report("tidak-ada") is None


async def test_what_is_closed_goes_after_its_time_and_what_is_open_stays(hub):
    for key in ("tutup", "buka", "tanggap"):
        await hub.alert(alert(key, incident=key))
    await hub.alert(alert("kabar", incident=""))
    await hub.close_incident("tutup", "Bu Sari")
    await hub.acknowledge("tanggap", "Bu Sari", "web")
    await advance(hub, 90_000)
    soon = hub.clock.now() - timedelta(days=30)
    assert await hub.alerts.prune(soon, 500, counted_before=soon) == 0
    answered = await hub.alerts.incident("tanggap")
    assert (answered.state, answered.closed_by, answered.note) == (
        "closed", "Siaga", "ditanggapi, dan sehari tidak ada kejadian lagi"
    )  # fmt: skip
    assert await hub.alerts.prune(hub.clock.now() + timedelta(days=1), 500, counted_before=soon) == 3
    assert [incident.key for incident in await hub.alerts.incidents()] == ["buka"]
    kept = await hub.journal.read(
        lambda db: [db.conn.execute(f"select count(*) from {t}").fetchone()[0] for t in ("alerts", "alert_tellings")]
    )
    assert kept == [1, 3]


async def test_events_that_only_counted_leave_no_more_than_their_number(hub):
    await hub.alert(alert("a"))
    for n in range(20):
        assert (await hub.alert(alert(f"b{n}"))).is_grouped
    assert await hub.alerts.prune(EVENING, 500, counted_before=EVENING) == 0
    await hub.clock.advance(90_000)
    assert await hub.alerts.prune(EVENING, 500, counted_before=hub.clock.now()) == 20
    incident = await hub.alerts.incident("banjir/kali")
    assert (incident.state, incident.events) == ("open", 21)
