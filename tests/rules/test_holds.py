"""A trigger with ``for`` fires when it stayed so, once, however the hub, the clock or the disk behave meanwhile."""

from datetime import timedelta

import pytest
from hub_for_rules import event, read_rules
from step_bench import Bells, StepBench, say

from siaga.core.clock import ManualClock

STAGE = "[{trigger: event, kind: flood.stage, camera: kali, to: 2, for: '00:05:00', id: lama}]"
TOLD = f"\n    - {say('{{ trigger.id }} {{ trigger.event.data.n }} {{ trigger.for }}')}"


class TurnableClock(ManualClock):
    """Have a wall clock that is set like a real one."""

    set_by_s = 0.0

    def now(self):
        return super().now() + timedelta(seconds=self.set_by_s)


@pytest.fixture
async def bench(tmp_path):
    bench = StepBench(tmp_path)
    bench.triggers = STAGE
    yield bench
    await bench.close()


def stage(bench, to, n=0, camera="kali", **more):
    return event(camera=camera, at=bench.hub.clock.now(), data={"to": to, "n": n}, **more)


async def test_it_fires_when_the_time_is_over_with_the_event_that_began_it(bench):
    await bench.open(TOLD)
    began = stage(bench, 2, 1)
    await bench.tell(began)
    await bench.advance(299)
    await bench.tell(stage(bench, 2, 2))
    assert bench.done == []
    await bench.advance(1)
    assert bench.done == ["lama 1 300.0"]
    trace = await bench.trace()
    assert trace.event_id == began.id and trace.steps[0].values["for"] == 300.0
    assert trace.run_id in [one.run_id for one in await bench.engine.traces_of_event(began.id)]


async def test_an_event_that_no_longer_fits_ends_the_time_and_says_so(bench):
    await bench.open(TOLD)
    await bench.tell(stage(bench, 2))
    await bench.advance(200)
    await bench.tell(stage(bench, 3))
    await bench.advance(200)
    assert bench.done == []
    assert bench.engine.near_misses("aturan")[1].reason == "tidak bertahan 300 detik"
    await bench.tell(stage(bench, 2, 2))
    await bench.advance(300)
    assert bench.done == ["lama 2 300.0"]


async def test_what_stays_so_afterwards_fires_no_second_time_until_it_was_otherwise(bench):
    await bench.open(TOLD)
    for n in (1, 2, 3):
        await bench.tell(stage(bench, 2, n))
        await bench.advance(300)
    assert bench.done == ["lama 1 300.0"]
    await bench.again(after_s=60)
    await bench.tell(stage(bench, 2, 4), stage(bench, 3), stage(bench, 2, 5))
    await bench.advance(300)
    assert bench.done == ["lama 1 300.0", "lama 5 300.0"]


async def test_each_camera_and_zone_has_a_time_of_its_own(bench):
    bench.triggers = "[{trigger: event, kind: crowd.count, above: 10, for: 60}]"
    await bench.open(f"\n    - {say('{{ trigger.event.camera.id }} {{ trigger.event.zone }}')}", "  mode: parallel\n")

    def count(camera, zone, number):
        return event("crowd.count", camera, at=bench.hub.clock.now(), zone=zone, data={"count": number})

    await bench.tell(count("kali", "a", 20))
    await bench.advance(30)
    await bench.tell(count("sekolah", "a", 20), count("kali", "b", 20))
    await bench.tell(count("kali", "a", 5), count("kali", "b", 30))
    await bench.advance(60)
    assert sorted(bench.done) == ["kali b", "sekolah a"]


@pytest.mark.parametrize(
    ("trigger", "began", "ends"),
    [
        ("kind: camera.offline", "camera.offline", "camera.online"),
        ("kind: motion.start", "motion.start", "motion.end"),
        ("kind: zone.enter", "zone.enter", "zone.leave"),
        ("kind: link.offline", "link.offline", "link.online"),
    ],
)
async def test_the_opposite_kind_ends_the_time(bench, trigger, began, ends):
    bench.triggers = f"[{{trigger: event, {trigger}, for: 60}}]"
    await bench.open(f"\n    - {say('{{ trigger.event.camera.id }}')}", "  mode: parallel\n")
    for camera in ("kali", "sekolah"):
        await bench.tell(event(began, camera, at=bench.hub.clock.now(), data={"track": 1}))
    await bench.advance(30)
    await bench.tell(event(ends, "kali", at=bench.hub.clock.now(), data={"track": 1}))
    await bench.advance(30)
    assert bench.done == ["sekolah"]


async def test_another_thing_that_leaves_does_not_end_the_time_of_one_that_stays(bench):
    bench.triggers = "[{trigger: event, kind: zone.enter, label: person, for: 60}]"
    await bench.open(f"\n    - {say('{{ trigger.event.data.track }}')}", "  mode: parallel\n")

    def told(kind, track):
        data = {"track": track, "label": "person"}
        return event(kind, at=bench.hub.clock.now(), zone="bantaran", data=data)

    await bench.tell(told("zone.enter", 1))
    await bench.advance(30)
    await bench.tell(told("zone.enter", 2), told("zone.leave", 1))
    await bench.advance(60)
    assert bench.done == ["2"]


async def test_left_for_a_time_means_that_it_changed_no_further(bench):
    bench.triggers = "[{trigger: event, kind: flood.stage, from: 4, for: 60}]"
    await bench.open(f"\n    - {say('{{ trigger.event.data.to }}')}")

    def moved(old, new):
        return event(at=bench.hub.clock.now(), data={"from": old, "to": new})

    await bench.tell(moved(4, 3))
    await bench.advance(50)
    await bench.tell(moved(3, 3))
    await bench.advance(10)
    assert bench.done == ["3"]
    await bench.tell(moved(3, 4), moved(4, 3))
    await bench.advance(50)
    await bench.tell(moved(3, 2))
    await bench.advance(50)
    assert bench.done == ["3"]


async def test_two_triggers_of_one_rule_each_fire_in_their_time(bench):
    bench.triggers = (
        "[{trigger: event, kind: flood.stage, to: 2, id: segera},"
        " {trigger: event, kind: flood.stage, to: 2, for: 60, id: sebentar},"
        " {trigger: event, kind: flood.stage, to: 2, for: 300, id: lama}]"
    )
    await bench.open(f"\n    - {say('{{ trigger.id }}')}")
    await bench.tell(stage(bench, 2))
    await bench.advance(60)
    await bench.advance(240)
    assert bench.done == ["segera", "sebentar", "lama"]


async def test_for_on_something_that_nothing_ends_is_told_as_a_mistake(bench):
    bench.triggers = "[{trigger: event, kind: object.person, for: 60}]"
    loaded = bench.read(TOLD)
    assert "tidak ada kejadian yang mengakhirinya" in str(loaded.problems[0])


# --- restarts and clocks --------------------------------------------------------------------------


async def test_the_time_goes_on_over_a_restart(bench):
    await bench.open(TOLD)
    await bench.tell(stage(bench, 2, 1))
    await bench.again(after_s=200)
    await bench.advance(99)
    assert bench.done == []
    await bench.advance(1)
    assert bench.done == ["lama 1 300.0"]


async def test_a_time_that_was_over_while_the_hub_was_away_fires_once_and_says_how_late(bench):
    await bench.open(f"\n    - {say('{{ trigger.late_s }}')}")
    await bench.tell(stage(bench, 2))
    await bench.again(after_s=900)
    assert bench.done == ["600.0"]
    await bench.again(after_s=5)
    assert bench.done == ["600.0"]


async def test_one_that_is_more_than_an_hour_late_is_left_out_and_counted(bench):
    await bench.open(TOLD)
    await bench.tell(stage(bench, 2))
    await bench.again(after_s=300 + 3601)
    assert bench.done == []
    assert "lebih dari satu jam" in (await bench.trace()).reason


async def test_what_was_committed_and_not_met_counts_by_its_own_time(bench):
    await bench.open(TOLD)
    await bench.engine.stop()
    now = bench.hub.clock.now()

    def later(seconds, to, n):
        return event(at=now + timedelta(seconds=seconds), data={"to": to, "n": n})

    for one in (later(0, 2, 1), later(200, 3, 0), later(210, 2, 2), later(520, 3, 0), later(530, 2, 3)):
        await bench.hub.emit(one)
    await bench.again(after_s=600)
    assert bench.done == ["lama 2 300.0"]
    await bench.advance(230)
    assert bench.done == ["lama 2 300.0", "lama 3 300.0"]


@pytest.mark.parametrize("set_by_s", [-7200, 7200, 86400])
async def test_a_wall_clock_that_is_set_makes_the_time_neither_longer_nor_shorter(bench, set_by_s):
    clock = TurnableClock(event().at)
    await bench.open(TOLD, clock=clock)
    await bench.tell(stage(bench, 2, 1))
    await bench.advance(100)
    clock.set_by_s = set_by_s
    await bench.advance(199)
    assert bench.done == []
    await bench.advance(1)
    assert bench.done == ["lama 1 300.0"]


async def test_a_rule_whose_trigger_changed_while_the_hub_was_away_does_not_fire_by_the_old_time(bench):
    await bench.open(TOLD)
    await bench.tell(stage(bench, 2))
    bench._rules = bench._rules.replace("to: 2", "to: 1")
    await bench.again(after_s=600)
    assert bench.done == []
    rows = await bench.hub.journal.read(lambda db: db.execute("select count(*) from rule_holds").fetchone()[0])
    assert rows == 0


async def test_what_fired_before_a_long_absence_fires_again_when_it_is_still_so(bench):
    await bench.open(TOLD)
    await bench.tell(stage(bench, 2, 1))
    await bench.advance(300)
    await bench.again(after_s=7200)
    await bench.tell(stage(bench, 2, 2))
    await bench.advance(300)
    assert bench.done == ["lama 1 300.0", "lama 2 300.0"]


# --- waits and sources ----------------------------------------------------------------------------


async def test_a_wait_may_ask_that_its_trigger_stays_so_also_over_a_restart(bench):
    bench.triggers = "[{trigger: event, kind: object.person}]"
    trigger = STAGE.replace("id: lama", "id: tunggu")
    await bench.open(f"\n    - {{wait_for_trigger: {trigger}}}\n    - {say('{{ wait.trigger.event.data.n }}')}")
    await bench.tell()
    await bench.tell(stage(bench, 2, 1))
    await bench.advance(100)
    await bench.tell(stage(bench, 3))
    await bench.tell(stage(bench, 2, 2))
    await bench.again(after_s=200)
    assert bench.done == []
    await bench.advance(99)
    assert bench.done == []
    await bench.advance(1)
    assert bench.done == ["2"]
    assert bench.engine._holds.owners() == set()


async def test_a_trigger_with_a_source_holds_too_and_each_ring_is_a_new_time(bench):
    bench.triggers, bench.make_sources = "[{trigger: bel, for: 60}]", Bells
    await bench.open(f"\n    - {say('berdering')}")
    for _ in range(2):
        await bench.engine._sources.ring("aturan", "triggers[0]")
        await bench.rest()
        await bench.advance(60)
    assert bench.done == ["berdering", "berdering"]


async def test_a_run_that_a_time_began_goes_on_after_a_restart(bench):
    await bench.open("\n    - delay: 60" + TOLD)
    await bench.tell(stage(bench, 2, 7))
    await bench.advance(300)
    await bench.again(after_s=30)
    await bench.advance(30)
    assert bench.done == ["lama 7 300.0"]


def test_for_is_a_duration_in_each_of_its_forms(tmp_path):
    for written in ("90", "'00:01:30'", "{minutes: 1, seconds: 30}", "90 s"):
        rules = f"- {{id: a, triggers: [{{trigger: event, kind: motion.start, for: {written}}}], actions: [delay: 1]}}"
        (rule,) = read_rules(rules, tmp_path).rules
        assert rule.triggers[0].trigger.for_s == 90.0
