"""A rule against recorded events: what it would have done, why not, with nothing done and nothing changed."""

import asyncio
import time
from datetime import timedelta

import msgspec
import pytest
from hub_for_rules import EVENING, event, read_rules, settings

from siaga.core.bus import Bus
from siaga.core.errors import StoreFailed
from siaga.core.event_log import EventLog
from siaga.core.journal import Journal
from siaga.core.texts import Texts
from siaga.rules.trial.replay import KEPT, replay

AIR = """
- id: air
  triggers: {trigger: event, kind: flood.stage, camera: kali, to: 2}
  conditions: "{{ trigger.event.data.level_cm > 200 }}"
  cooldown: 5 min
  actions:
    - {action: recording.burst, data: {before: 5, after: 20}}
    - delay: 10 min
    - {action: notify, target: {contact: posko}, data: {message: "air {{ trigger.event.data.level_cm }}"}}
"""


def after(minutes, kind="flood.stage", camera="kali", **data):
    return event(kind, camera, at=EVENING + timedelta(minutes=minutes), data=data)


@pytest.fixture
def play(tmp_path):
    """Record events in a real journal, then play those of some minutes to the first of the rules."""

    def run(rules, *events, span=(0, 60)):
        loaded = read_rules(rules, tmp_path)
        assert not loaded.problems, [str(problem) for problem in loaded.problems]
        path = tmp_path / "siaga.db"

        async def record():
            journal = await Journal.open(path)
            log = await EventLog.open(journal, Bus())
            await log.add_all(events)
            await journal.close()

        asyncio.run(record())
        since, until = (EVENING + timedelta(minutes=minutes) for minutes in span)
        functions = loaded.template_functions
        return replay(loaded.rules[0], settings(), Texts("id"), functions=functions, journal=path, span=(since, until))

    return run


def outcomes(found):
    return [(round((one.at - EVENING).total_seconds() / 60, 1), one.outcome) for one in found.reactions]


def test_each_event_that_matters_is_told_with_what_it_led_to_and_why_to_nothing(play):
    found = play(
        AIR,
        after(1, **{"from": 3, "to": 2, "level_cm": 150}),
        after(2, **{"from": 3, "to": 2, "level_cm": 212}),
        after(3, **{"from": 3, "to": 2, "level_cm": 213}),
        after(8, **{"from": 3, "to": 2, "level_cm": 214}),
        after(20, **{"from": 2, "to": 4, "level_cm": 90}),
        after(21, "object.person", "sekolah"),
    )
    assert found.looked_at == 6
    assert outcomes(found) == [
        (1.0, "conditions_failed"),
        (2.0, "ran"),
        (3.0, "cooldown"),
        (8.0, "mode"),
        (20.0, "near"),
    ]
    refused, ran, *_, near = found.reactions
    assert any(step.outcome == "false" and "150" in str(step.values) for step in refused.steps)
    assert ran.state == "finished"
    assert [(round(deed.after_s), deed.action) for deed in ran.deeds] == [(120, "recording.burst"), (720, "notify")]
    assert ran.deeds[1].data["message"] == "air 212"
    assert near.camera == "kali" and "2" in near.reason and near.trigger == "triggers[0]"


def test_only_the_span_is_played_and_a_run_that_outlives_it_is_still_running(play):
    wet = {"from": 3, "to": 2, "level_cm": 212}
    found = play(AIR, after(-1, **wet), after(55, **wet), after(60, **wet))
    assert found.looked_at == 1
    assert [(one.outcome, one.state) for one in found.reactions] == [("ran", "running")]
    assert [deed.action for deed in found.reactions[0].deeds] == ["recording.burst"]


def test_states_begin_as_the_journal_last_told_them_and_cameras_that_never_failed_are_online(play):
    rule = """
- id: putus
  triggers: {trigger: event, kind: object.person, camera: sekolah}
  conditions:
    - {condition: state, camera: kali, state: offline}
    - {condition: state, camera: ptz, state: online}
  actions: {action: snapshot, target: {camera: ptz}}
"""
    person = after(1, "object.person", "sekolah")
    found = play(rule, after(-500, "camera.offline"), after(-490, "flood.stage", to=2), person)
    assert outcomes(found) == [(1.0, "ran")]


def test_times_and_holds_are_made_anew_and_recorded_ones_are_not_fed_twice(play):
    rule = """
- id: dua
  mode: parallel
  triggers:
    - {trigger: time, at: "19:30"}
    - {trigger: event, kind: camera.offline, camera: kali, for: {minutes: 5}}
  actions: {action: log, data: {message: halo}}
"""
    recorded = after(25, "rule.timer", None, owner="dua", path="triggers[0]", due="2026-11-22T12:30:00+00:00")
    found = play(rule, after(10, "camera.offline"), recorded)
    assert outcomes(found) == [(15.0, "ran"), (25.0, "ran")]
    assert [len(one.deeds) for one in found.reactions] == [1, 1]


def test_waits_meet_recorded_events_of_any_kind(play):
    rule = """
- id: tunggu
  triggers: {trigger: event, kind: flood.stage, to: 2}
  actions:
    - wait_for_trigger: {trigger: event, kind: object.person, camera: sekolah}
      timeout: {minutes: 30}
    - {action: log, data: {message: "selesai {{ wait.completed }}"}}
"""
    found = play(rule, after(1, to=2), after(7, "object.person", "sekolah"), after(8, "object.person", "kali"))
    ran = next(one for one in found.reactions if one.outcome == "ran")
    assert [(round(deed.after_s), deed.data["message"]) for deed in ran.deeds] == [(420, "selesai True")]


def test_a_dry_run_beside_a_hub_changes_nothing_in_the_journal(play, tmp_path):
    wet = after(1, **{"from": 3, "to": 2, "level_cm": 212})
    assert outcomes(play(AIR, wet)) == [(1.0, "ran")]

    async def beside():
        hub = await Journal.open(tmp_path / "siaga.db")
        before = await hub.read(lambda db: [db.table_names(), db["events"].count])
        loaded = read_rules(AIR, tmp_path)
        span = (EVENING, EVENING + timedelta(hours=1))
        found = await asyncio.to_thread(
            replay,
            loaded.rules[0],
            settings(),
            Texts("id"),
            functions=loaded.template_functions,
            journal=tmp_path / "siaga.db",
            span=span,
        )
        assert await hub.read(lambda db: [db.table_names(), db["events"].count]) == before
        await hub.close()
        return found

    assert outcomes(asyncio.run(beside())) == [(1.0, "ran")]


def test_where_no_journal_is_it_is_told_and_none_is_made(tmp_path):
    loaded = read_rules(AIR, tmp_path)
    span = (EVENING, EVENING + timedelta(hours=1))
    path = tmp_path / "tidak-ada.db"
    with pytest.raises(StoreFailed):
        replay(loaded.rules[0], settings(), Texts("id"), functions={}, journal=path, span=span)
    assert not path.exists()


def test_many_events_are_counted_and_only_the_first_are_told(play):
    many = [
        msgspec.structs.replace(after(0, **{"from": 3, "to": 4, "level_cm": 90}), at=EVENING + timedelta(seconds=n))
        for n in range(KEPT + 100)
    ]
    began_s = time.monotonic()
    found = play(AIR, *many)
    assert time.monotonic() - began_s < 10
    assert found.looked_at == KEPT + 100 and found.counts == {"near": KEPT + 100}
    assert len(found.reactions) == KEPT and found.left_out == 100


def test_more_runs_than_the_engines_log_keeps_are_all_told_with_how_they_ended(play):
    rule = """
- id: tiap
  mode: parallel
  max: 5
  triggers: {trigger: event, kind: object.person, camera: sekolah}
  conditions: "{{ trigger.event.data.track % 2 == 0 }}"
  actions:
    - {action: log, data: {message: "orang {{ trigger.event.data.track }}"}}
    - {delay: {seconds: 30}}
    - {action: snapshot, target: {camera: sekolah}}
"""
    found = play(
        rule, *(after(minute / 2, "object.person", "sekolah", track=minute) for minute in range(300)), span=(0, 200)
    )
    assert found.counts == {"ran": 150, "conditions_failed": 150}
    ran = [one for one in found.reactions if one.outcome == "ran"]
    assert {one.state for one in ran} == {"finished"} and {len(one.deeds) for one in ran} == {2}


def test_a_run_that_another_replaced_is_told_as_cut_off(play):
    rule = AIR.replace("cooldown: 5 min", "mode: restart")
    wet = {"from": 3, "to": 2, "level_cm": 212}
    found = play(rule, after(1, **wet), after(5, **wet))
    assert [(one.outcome, one.state) for one in found.reactions] == [("ran", "cut_off"), ("ran", "finished")]
    assert [[deed.action for deed in one.deeds] for one in found.reactions] == [
        ["recording.burst"],
        ["recording.burst", "notify"],
    ]


def test_what_came_by_secret_is_shown_nowhere(play):
    rule = """
- id: rahasia
  triggers: {trigger: event, kind: object.person, camera: sekolah}
  variables: {kunci: !secret kunci}
  conditions: "{{ kunci != '' }}"
  actions:
    - {action: log, data: {message: !secret kunci}}
    - {action: log, data: {message: "kunci {{ kunci }}"}}
"""
    found = play(rule, after(1, "object.person", "sekolah"))
    assert found.counts == {"ran": 1} and len(found.reactions[0].deeds) == 2
    assert b"rahasia-sekali" not in msgspec.json.encode(found)


def test_a_rule_that_goes_by_the_clock_alone_needs_no_event(play):
    rule = """
- id: jam
  triggers: {trigger: time_pattern, minutes: "/10"}
  actions: {action: snapshot, target: {camera: ptz}}
"""
    found = play(rule, after(-5, "object.person", "sekolah"))
    assert found.looked_at == 0 and found.counts == {"ran": 6}
    assert [len(one.deeds) for one in found.reactions] == [1] * 6


def test_an_incident_that_the_rule_itself_opened_is_not_played_again(play):
    rule = """
- id: dibuka
  triggers: {trigger: event, kind: incident.opened}
  actions: {action: snapshot, target: {camera: ptz}}
"""
    own, others = ({"incident": name, "key": name, "title": name, "rule": name} for name in ("dibuka", "lain"))
    found = play(rule, after(1, "incident.opened", **own), after(2, "incident.opened", **others))
    assert outcomes(found) == [(2.0, "ran")] and found.looked_at == 2
