"""A run waits for a trigger: no event is missed from the moment the wait begins, also over a restart."""

import asyncio

import pytest
from hub_for_rules import event, until
from step_bench import Bells, StepBench, say

from siaga.core.errors import StoreFailed

WAIT = "\n    - wait_for_trigger: {trigger}\n      timeout: {timeout}\n    - " + say(
    "{{ wait.completed }} {{ wait.trigger.event.kind if wait.trigger else '-' }}"
)


def waits_for(trigger="{trigger: event, kind: zone.enter, camera: kali}", timeout=600):
    return WAIT.replace("{trigger}", trigger, 1).replace("{timeout}", str(timeout))


@pytest.fixture
async def bench(tmp_path):
    bench = StepBench(tmp_path)
    yield bench
    await bench.close()


def seen(bench, kind="zone.enter", camera="kali", **more):
    return event(kind, camera, at=bench.hub.clock.now(), **more)


async def test_the_first_trigger_that_fires_ends_the_wait_and_others_do_not(bench):
    await bench.open(waits_for())
    await bench.tell()
    await bench.tell(seen(bench, camera="sekolah"), seen(bench, "zone.leave"))
    assert bench.done == []
    await bench.tell(seen(bench))
    assert bench.done == ["True zone.enter"]
    assert not bench.engine._decider.waits._by_owner and not bench.engine._decider.waits._by_place


async def test_a_wait_for_any_kind_and_one_of_a_pattern_are_met_too(bench):
    await bench.open(waits_for("[{trigger: event, kind: flood.*}]"))
    await bench.tell()
    await bench.tell(seen(bench, "flood.level", data={"level_cm": 10}))
    assert bench.done == ["True flood.level"]
    assert not bench.engine._decider.waits._anywhere


async def test_an_event_of_before_the_wait_does_not_end_it(bench):
    await bench.open(waits_for())
    await bench.tell(seen(bench), event("object.person", at=bench.hub.clock.now()))
    assert bench.done == []
    await bench.advance(600)
    assert bench.done == ["False -"]


async def test_an_event_that_comes_while_the_beginning_of_the_wait_is_written_down_ends_it(bench):
    await bench.open(waits_for())
    write, waits, told = bench.hub.journal.write, bench.engine._decider.waits, []

    async def telling_first(job, then=None):
        if waits._by_owner and not told:
            told.append(seen(bench))
            await bench.hub.emit(told[0])
        return await write(job, then)

    bench.hub.journal.write = telling_first
    await bench.tell()
    assert told and bench.done == ["True zone.enter"]


async def test_a_wait_goes_on_after_a_restart_with_its_deadline(bench):
    await bench.open(waits_for())
    await bench.tell()
    await bench.again(after_s=300)
    await bench.advance(299)
    assert bench.done == []
    await bench.tell(seen(bench))
    assert bench.done == ["True zone.enter"]


async def test_what_was_committed_while_the_engine_was_away_ends_the_wait(bench):
    await bench.open(waits_for())
    await bench.tell()
    await bench.engine.stop()
    await bench.hub.emit(seen(bench))
    await bench.again(after_s=900)
    assert bench.done == ["True zone.enter"]


async def test_a_wait_that_an_event_ended_ends_the_same_way_though_the_hub_died_before_its_step_was_kept(bench):
    await bench.open(waits_for())
    await bench.tell()
    write = bench.hub.journal.write

    async def deciding_alone(job, then=None):
        if "RunLog.commit" not in job.__qualname__ and "EventLog" not in job.__qualname__:
            await asyncio.Event().wait()
        return await write(job, then)

    bench.hub.journal.write = deciding_alone
    first = seen(bench)
    await bench.hub.emit(first)
    await until(lambda: bench.engine._cursor >= 2)
    await bench.again()
    await bench.tell(seen(bench, data={"lain": 1}))
    assert bench.done == ["True zone.enter"]
    assert (await bench.rows())["actions[0]"].values["trigger"]["event"]["id"] == first.id


async def test_a_disk_that_cannot_be_read_when_the_time_is_over_ends_the_wait_all_the_same(bench):
    await bench.open(waits_for(timeout=100))
    await bench.tell()
    bench.hub.events.after = failing(bench.hub.events.after, times=1)
    await bench.advance(100)
    assert bench.done == ["False -"]


async def test_a_wait_goes_on_after_a_restart_on_a_disk_that_cannot_be_read_at_first(bench):
    await bench.open(waits_for())
    await bench.tell()
    await bench.engine.stop()
    await bench.hub.emit(seen(bench))
    bench.prepare = lambda hub: setattr(hub.events, "after", failing(hub.events.after, times=3))
    await bench.close()
    await bench._open(bench.read(waits_for()))
    for _ in range(20):
        await bench.hub.clock.advance(1)
        await asyncio.sleep(0.01)
    await bench.rest()
    assert bench.done == ["True zone.enter"]


def failing(work, times):
    """Return work that a disk refuses some times."""
    left = times

    async def refusing(*args):
        nonlocal left
        if left:
            left -= 1
            raise StoreFailed("disk rusak")
        return await work(*args)

    return refusing


async def test_a_loop_of_waits_leaves_nothing_behind(bench):
    turn = "{wait_for_trigger: {trigger: event, kind: zone.enter}, timeout: 60}"
    await bench.open(f"\n    - repeat: {{count: 5, sequence: [{turn}]}}\n    - {say('akhir')}")
    await bench.tell()
    for _ in range(5):
        await bench.tell(seen(bench))

    async def rows(table):
        return await bench.hub.journal.read(lambda db: db.execute(f"select count(*) from {table}").fetchone()[0])

    assert bench.done == ["akhir"]
    assert await rows("rule_waits") == 0


async def test_a_hundred_runs_wait_and_one_event_ends_the_one_that_it_fits(bench):
    trigger = '{trigger: event, kind: zone.enter, camera: kali, label: "{{ x }}"}'
    await bench.open(waits_for(trigger.replace('"{{ x }}"', "orang")), more="  mode: parallel\n  max: 100\n")
    await bench.tell(*(event("object.person", at=bench.hub.clock.now()) for _ in range(100)))
    await until(lambda: len(bench.engine._decider.waits._by_owner) == 100)
    await bench.tell(seen(bench, data={"label": "mobil"}))
    assert bench.done == []
    await bench.tell(seen(bench, data={"label": "orang"}))
    assert len(bench.done) == 100


# --- sources --------------------------------------------------------------------------------------


async def test_sources_know_every_rule_and_wait_and_forget_what_is_over(bench):
    bench.make_sources = Bells
    await bench.open(waits_for("[{trigger: bel}]"))
    bells = bench.engine._sources
    assert bells.is_on and bells.owners == {}
    await bench.tell()
    run = (await bench.trace()).run_id
    assert bells.owners[f"{run}:actions[0]"] == ("actions[0].wait_for_trigger[0]",)
    await bells.ring("orang lain", "actions[0].wait_for_trigger[0]")
    await bench.rest()
    assert bench.done == []
    await bells.ring(f"{run}:actions[0]", "actions[0].wait_for_trigger[0]")
    await bench.rest()
    assert bench.done == ["True rule.timer"] and bells.owners == {}
    await bench.close()
    assert not bells.is_on


async def test_a_wait_with_a_source_goes_on_after_a_restart_under_the_same_name(bench):
    bench.make_sources = Bells
    await bench.open(waits_for("[{trigger: bel}]"))
    await bench.tell()
    owner = f"{(await bench.trace()).run_id}:actions[0]"
    await bench.again(after_s=60)
    assert owner in bench.engine._sources.owners
    await bench.engine._sources.ring(owner, "actions[0].wait_for_trigger[0]")
    await bench.rest()
    assert bench.done == ["True rule.timer"]
