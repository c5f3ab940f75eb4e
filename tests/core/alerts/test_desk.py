"""The alert desk, on a real journal: whom an alert reaches, what becomes of its incident, who answered."""

import pytest
from alert_cases import alert, kinds, rest
from hub_for_rules import EVENING, close_hub, event, open_hub

from siaga.core.errors import ActionFailed
from siaga.core.types import Escalation


@pytest.fixture
async def hub(tmp_path):
    hub = await open_hub(tmp_path / "siaga.db")
    yield hub
    await close_hub(hub)


async def test_an_alert_opens_an_incident_and_goes_to_every_address(hub):
    outcome = await hub.alert(alert())
    assert outcome.told == ("wa:+62812", "catatan:posko", "wa:+62813")
    (incident,) = await hub.alerts.incidents("open")
    assert (incident.key, incident.title, incident.events) == ("banjir/kali", "Air naik di Kali Ciliwung", 1)
    notices = await hub.outbox.all()
    assert {notice.incident_id for notice in notices} == {incident.id}
    assert all(notice.asks_answer and notice.since == EVENING for notice in notices)
    assert await kinds(hub) == ["incident.opened"]


async def test_the_same_alert_asked_for_again_tells_nobody_twice(hub):
    asked = alert()
    first = await hub.alert(asked)
    again = await hub.alert(asked)
    assert (again.told, again.known, again.incident_id) == ((), first.told, first.incident_id)
    assert len(await hub.outbox.all()) == 3
    assert (await hub.alerts.incidents())[0].events == 1


async def test_later_events_of_an_open_incident_count_and_tell_nobody_until_the_window_is_over(hub):
    await hub.alert(alert("a"))
    later = await hub.alert(alert("b"))
    assert later.is_grouped and later.told == ()
    await hub.clock.advance(301)
    assert len((await hub.alert(alert("c"))).told) == 3
    (incident,) = await hub.alerts.incidents()
    assert incident.events == 3


async def test_a_higher_priority_is_told_at_once(hub):
    await hub.alert(alert("a"))
    assert (await hub.alert(alert("b", priority="high"))).told
    assert (await hub.alert(alert("c"))).is_grouped
    assert (await hub.alerts.incidents())[0].priority == "high"


async def test_everybody_who_was_told_learns_who_answered_once_and_the_next_learns_he_is_late(hub):
    await hub.alert(alert())
    incident = await hub.acknowledge("banjir/kali", "Bu Sari", "web")
    assert (incident.state, incident.acknowledged_by, incident.acknowledged_via) == ("acknowledged", "Bu Sari", "web")
    await rest(hub)
    answers = [notice for notice in await hub.outbox.all() if ":answer:" in notice.key]
    assert len(answers) == 3
    assert {notice.text for notice in answers} == {"Bu Sari menanggapi: Air naik di Kali Ciliwung (pukul 19.05)"}
    with pytest.raises(ActionFailed, match=r"sudah ditanggapi Bu Sari pukul 19\.05"):
        await hub.acknowledge(incident.id, "Pak Budi", "web")
    assert await kinds(hub) == ["incident.opened", "incident.acknowledged"]


async def test_an_event_of_an_answered_incident_is_silent_and_much_later_a_new_incident(hub):
    await hub.alert(alert("a"))
    first = await hub.acknowledge("banjir/kali", "Bu Sari", "web")
    assert (await hub.alert(alert("b"))).is_grouped
    await hub.clock.advance(3601)
    assert (await hub.alert(alert("c"))).told
    new, old = await hub.alerts.incidents()
    assert (old.id, old.state, new.state) == (first.id, "closed", "open")


async def test_another_step_still_reaches_its_people_after_the_answer_and_asks_for_none(hub):
    await hub.alert(alert("a", target={"contact": ("posko",)}))
    await hub.acknowledge("banjir/kali", "Bu Sari", "web")
    assert (await hub.alert(alert("b", step="actions[2]", target={"contact": ("lurah",)}))).told == ("wa:+62813",)
    (to_lurah,) = [notice for notice in await hub.outbox.all() if notice.key.startswith("b:")]
    assert not to_lurah.asks_answer


async def test_a_graver_step_of_another_event_asks_for_an_answer_of_its_own(hub):
    steps = (Escalation(after_s=300),)
    first = await hub.alert(alert("a", run_id="satu", escalate=steps))
    await hub.acknowledge("banjir/kali", "Bu Sari", "web")
    same = await hub.alert(alert("b", run_id="satu", step="actions[1]", escalate=steps))
    assert same.incident_id == first.incident_id, "who answered the run need not answer its next step"
    graver = await hub.alert(alert("c", run_id="dua", step="actions[2]", escalate=steps))
    new = await hub.alerts.incident(graver.incident_id)
    assert (new.id != first.incident_id, new.state) == (True, "open")
    assert (await hub.alerts.incident(first.incident_id)).state == "closed"


@pytest.mark.parametrize(("seconds", "is_new"), [(890, False), (910, True)])
async def test_what_begins_again_after_a_quarter_of_an_hour_is_a_new_matter(hub, seconds, is_new):
    await hub.alert(alert("a"))
    await hub.acknowledge("banjir/kali", "Bu Sari", "web")
    await hub.clock.advance(600)
    assert (await hub.alert(alert("b"))).is_grouped
    await hub.clock.advance(seconds)
    assert bool((await hub.alert(alert("c"))).told) is is_new


async def test_who_was_told_is_known_with_what_became_of_each_message(hub):
    outcome = await hub.alert(alert())
    told = await hub.alerts.told(outcome.incident_id)
    assert [(one.name, one.notifier, one.to, one.what, one.state) for one in told] == [
        ("Posko RW 05", "wa", "+62812", "alert", "waiting"),
        ("Posko RW 05", "catatan", "posko", "alert", "waiting"),
        ("Lurah", "wa", "+62813", "alert", "waiting"),
    ]
    await hub.acknowledge(outcome.incident_id, "Lurah", "web")
    assert [one.name for one in await hub.alerts.told(outcome.incident_id) if one.has_answered][:1] == ["Lurah"]


async def test_a_closed_incident_is_over_and_its_key_begins_another(hub):
    await hub.alert(alert("a"))
    closed = await hub.close_incident("banjir/kali", "Bu Sari", "surut")
    assert (closed.state, closed.note) == ("closed", "surut")
    with pytest.raises(ActionFailed, match="sudah ditutup Bu Sari"):
        await hub.close_incident(closed.id, "Pak Budi")
    with pytest.raises(ActionFailed, match="tidak ada insiden"):
        await hub.acknowledge("maling/kali", "Pak Budi", "web")
    assert (await hub.alert(alert("b"))).told
    assert len(await hub.alerts.incidents("open")) == 1


async def test_an_alert_about_an_incident_begins_no_other(hub):
    outcome = await hub.alert(alert("a"))
    about = event("incident.opened", data={"incident": outcome.incident_id})
    again = await hub.alert(alert("b", event=about, incident=outcome.incident_id, rule_id="kabar"))
    assert again.incident_id == outcome.incident_id
    assert [incident.events for incident in await hub.alerts.incidents()] == [1]


async def test_incidents_are_paged_by_the_last_one_seen(hub):
    for name in ("a", "b", "c"):
        await hub.open_incident(alert(name, incident=name))
    first = await hub.alerts.incidents(limit=2)
    assert [one.key for one in first] == ["c", "b"]
    assert [one.key for one in await hub.alerts.incidents(limit=2, before=first[-1].id)] == ["a"]
    assert await hub.outbox.all() == []
