"""A stage for rules on trial: hours pass in a moment, timers of every sort included, and nothing acts on the world."""

import asyncio
from datetime import timedelta

import pytest
from hub_for_rules import EVENING, event, read_rules, settings

from siaga.core.texts import Texts
from siaga.rules.trial.jumping_loop import JumpingLoop, LoopClock
from siaga.rules.trial.stage import playing, set_stage

RULES = """
- id: air
  triggers:
    - {trigger: event, kind: flood.stage, to: 2}
  actions:
    - {action: recording.burst, data: {before: 5, after: 20}}
    - delay: 10 min
    - wait_for_trigger: {trigger: event, kind: flood.stage, to: 4}
      timeout: {hours: 1}
    - {action: notify, target: {contact: posko}, data: {message: "{{ 'surut' if wait.completed else 'masih' }}"}}
- id: kamera
  triggers: {trigger: event, kind: camera.offline, camera: kali, for: {minutes: 5}}
  actions: {action: snapshot, target: {camera: ptz}}
- id: pagi
  triggers: {trigger: time, at: "20:00"}
  actions: {action: ptz.goto_preset, target: {camera: ptz}, data: {preset: jembatan}}
- id: jawaban
  triggers: {trigger: event, kind: incident.opened}
  actions: {action: log, data: {message: "{{ trigger.event.data.title }}"}}
"""


@pytest.fixture
def play(tmp_path):
    """Play the rules: ``happen`` gets the stage; returns what was done, as (after, action)."""
    loaded = read_rules(RULES, tmp_path)
    assert not loaded.problems, [str(problem) for problem in loaded.problems]

    def run(happen):
        async def trial():
            async with set_stage(settings(), Texts("id"), EVENING) as stage, playing(stage, loaded):
                await happen(stage)
                return [(deed.after_s, deed.action, deed.data) for deed in stage.deeds]

        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            return runner.run(trial())

    return run


def test_time_passes_only_where_nothing_is_left_to_do():
    async def wait():
        clock = LoopClock(EVENING)
        await asyncio.gather(clock.sleep(3600), clock.sleep(86_400))
        return clock.now()

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        now = runner.run(wait())
    assert abs(now - EVENING - timedelta(days=1)) < timedelta(milliseconds=10)


def test_a_wait_that_nothing_can_end_is_an_error_and_no_hang():
    with asyncio.Runner(loop_factory=JumpingLoop) as runner, pytest.raises(RuntimeError, match="nothing is left"):
        runner.run(asyncio.Event().wait())


def test_delays_waits_holds_and_times_of_day_come_at_their_second(play):
    async def happen(stage):
        await stage.clock.sleep(60)
        await stage.emit(event(at=stage.clock.now(), data={"from": 3, "to": 2}))
        await stage.emit(event("camera.offline", "kali", at=stage.clock.now(), data={"stream": "main"}))
        await stage.clock.sleep(1140)
        await stage.emit(event(at=stage.clock.now(), data={"from": 2, "to": 4}))
        await stage.clock.sleep(7200)

    done = play(happen)
    assert [(after, action) for after, action, _ in done] == [
        (60.0, "recording.burst"),
        (360.0, "snapshot"),
        (1200.0, "notify"),
        (1200.0, "log"),  # the notice opened an incident, as it would have
        (3300.0, "ptz.goto_preset"),  # 20.00 WIB
    ]
    assert done[2][2]["message"] == "surut" and done[2][2]["clip"] == "clip-1-kali"


def test_the_same_trial_twice_gives_the_same(play):
    async def happen(stage):
        for minute in range(30):
            await stage.emit(event(at=stage.clock.now(), data={"from": 3, "to": 2 if minute % 3 else 4}))
            await stage.clock.sleep(61)
        await stage.clock.sleep(7200)

    assert play(happen) == play(happen)
