"""What the owner of all tasks promises: they come back, they end in order, and who is late is named."""

import asyncio
import itertools
from datetime import datetime, timezone

import pytest

from siaga.core.clock import ManualClock
from siaga.core.tasks import Crash, Tasks, back_off_s, fenced, unless


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 11, 22, tzinfo=timezone.utc))


async def test_a_task_that_fails_runs_again_later_each_time(clock, caplog):
    tasks, began = Tasks(clock), []

    async def fail():
        began.append(clock.mono_s())
        raise ValueError("aduh")

    handle = tasks.start("gagal", fail)
    await clock.advance(200)
    waits = [b - a for a, b in itertools.pairwise(began)]
    assert 1 <= waits[0] <= 2 and 2 <= waits[1] <= 4 and 4 <= waits[2] <= 8
    assert all(wait <= 60 for wait in waits)
    assert not handle.done and isinstance(handle.error, ValueError)
    assert "gagal" in caplog.text and "aduh" in caplog.text
    await tasks.stop()


async def test_a_task_that_ran_well_for_long_starts_afresh(clock):
    tasks, began = Tasks(clock), []

    async def work():
        began.append(clock.mono_s())
        await clock.sleep(100 if len(began) == 6 else 0)
        raise ValueError

    tasks.start("kadang", work)
    await clock.advance(260)
    assert len(began) > 7
    assert began[6] - began[5] <= 102.1
    await tasks.stop()


async def test_a_task_that_returns_is_done_and_one_without_restart_fails_once(clock):
    tasks, runs = Tasks(clock), []

    async def once():
        runs.append(1)

    async def fail():
        runs.append(2)
        raise ValueError

    done, failed = tasks.start("a", once), tasks.start("b", fail, restart=False)
    await clock.advance(100)
    assert runs == [1, 2] and done.done and failed.done and tasks.names() == ()


async def test_tasks_end_newest_first_and_nothing_starts_afterwards(clock):
    tasks, ended = Tasks(clock), []

    def named(name):
        async def work():
            try:
                await clock.sleep(1000)
            finally:
                await asyncio.sleep(0)
                ended.append(name)

        return work

    tasks.start("jurnal", named("jurnal"))
    plugin = tasks.scope("plugin")
    plugin.start("satu", named("satu"))
    plugin.start("dua", named("dua"))
    tasks.start("web", named("web"))
    await clock.advance(0)
    assert tasks.names() == ("jurnal", "plugin: satu", "plugin: dua", "web")
    assert await tasks.stop() == ()
    assert ended == ["web", "dua", "satu", "jurnal"]
    assert tasks.start("terlambat", named("x")).done and plugin.start("juga", named("x")).done


async def test_a_plugins_tasks_end_together_and_the_others_go_on(clock):
    tasks = Tasks(clock)
    plugin = tasks.scope("kamera kali")
    plugin.start("siaran", lambda: clock.sleep(1000))
    tasks.start("lain", lambda: clock.sleep(1000))
    assert await plugin.stop() == ()
    assert tasks.names() == ("lain",)
    await tasks.stop()


async def test_who_does_not_end_in_time_is_named(clock):
    tasks, let_go = Tasks(clock), asyncio.Event()

    async def stubborn():
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    tasks.start("baik", lambda: clock.sleep(1000))
    handle = tasks.start("keras kepala", stubborn)
    await clock.advance(0)
    assert await tasks.stop(0.2) == ("keras kepala",)
    let_go.set()
    assert await handle.wait(1)


async def test_a_cancellation_that_leaks_from_inside_is_a_failure_and_the_task_comes_back(clock, caplog):
    tasks, runs = Tasks(clock), []

    async def leaks():
        runs.append(1)
        inner = asyncio.get_running_loop().create_future()
        inner.cancel()
        await inner

    handle = tasks.start("bocor", leaks)
    await clock.advance(30)
    assert len(runs) > 2 and not handle.done
    assert "bocor" in caplog.text and "it cancelled itself" in caplog.text
    assert await tasks.stop() == ()


async def test_a_start_is_cut_off_when_somebody_asks_to_stop():
    stopping, cut = asyncio.Event(), []

    async def slow():
        try:
            await asyncio.Event().wait()
        finally:
            cut.append(1)

    async def quick():
        await asyncio.sleep(0)

    async def wrong():
        raise ValueError("aduh")

    assert await unless(stopping, quick)
    with pytest.raises(ValueError, match="aduh"):
        await unless(stopping, wrong)
    asyncio.get_running_loop().call_later(0.05, stopping.set)
    assert not await unless(stopping, slow) and cut == [1]


async def test_a_fence_holds_errors_and_lets_our_own_cancellation_pass(clock):
    async def broken():
        raise KeyError("x")

    async def cancels_itself():
        raise asyncio.CancelledError

    assert isinstance(await fenced(broken), Crash)
    assert isinstance(await fenced(cancels_itself), Crash)
    tasks, after = Tasks(clock), []

    async def work():
        await fenced(lambda: clock.sleep(1000))
        after.append("went on")

    handle = tasks.start("dipagari", work)
    await clock.advance(0)
    handle.cancel()
    assert await handle.wait(1) and after == []


def test_back_off_stays_between_its_bounds_and_is_not_the_same_for_all():
    for failures in (1, 5, 10, 10_000):
        waits = {back_off_s(failures) for _ in range(50)}
        assert len(waits) > 10 and min(waits) >= 1 and max(waits) <= 60
