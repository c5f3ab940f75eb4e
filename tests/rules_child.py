"""A hub with a rule engine in a process of its own, which dies of kill -9 at a named point of a run.

Usage: rules_child.py FOLDER POINT EVENTS; prints "done" when every run has ended.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from hub_for_rules import close_hub, event, open_hub, read_rules, until

from siaga.core.clock import SystemClock
from siaga.rules.engine import RuleEngine

RULES = """
- id: siaga-2
  triggers: [{trigger: event, kind: flood.stage, camera: kali}]
  actions:
    - variables: {undian: "{{ now().timestamp() }}"}
    - repeat:
        for_each: ["{{ undian }}"]
        sequence: {action: ptz.goto_preset, target: {camera: ptz}, data: {preset: pintu-air}}
    - parallel:
        - {wait_template: "{{ now().timestamp() > undian + 0.1 }}", timeout: 60}
        - choose:
            - conditions: "{{ undian > 0 }}"
              sequence:
                - {action: recording.burst, data: {before: 10, after: 60}}
                - {delay: {milliseconds: 300}}
    - {action: notify, target: {contact: posko}, data: {message: "{{ trigger.event.id }} {{ undian }}", group: 0}}
  mode: queued
  max: 1000
"""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(hub, folder: Path, point: str) -> None:
    """Let the hub die at a point; what cameras do is written to a file, as a camera would remember it."""
    goto, burst, put, end = hub.dome.goto, hub.burst, hub.outbox.put, hub.journal.write

    async def turning(preset):
        if point == "before ptz":
            die()
        await goto(preset)
        with (folder / "ptz.txt").open("a") as file:
            file.write(preset + "\n")
        if point == "after ptz":
            die()

    async def bursting(*args):
        clip = await burst(*args)
        if point == "after burst":
            die()
        return clip

    async def putting(notice):
        if point == "before notice":
            die()
        answer = await put(notice)
        if point == "after notice":
            die()
        return answer

    async def writing(job, then=None):
        answer = await end(job, then)
        if point == "run opened" and "commit" in job.__qualname__:
            die()
        return answer

    hub.dome.goto, hub.burst, hub.outbox.put = turning, bursting, putting
    hub.journal.write = writing


async def main(folder: Path, point: str, events: int) -> None:
    hub = await open_hub(folder / "siaga.db", SystemClock())
    for _ in range(events):
        await hub.emit(event(at=hub.clock.now()))
    if point == "before the engine":
        die()
    arm(hub, folder, point)
    engine = RuleEngine(hub, read_rules(RULES, folder))
    await engine.start()
    if point == "in the delay":
        await until(lambda: waits(engine))
        die()

    async def is_over():
        (state,) = await engine.rules()
        return engine._cursor >= await hub.events.last_seq() and not state.running

    await until(is_over, limit_s=60)
    for trace in await engine.traces("siaga-2", 200):
        print(trace.state, trace.event_id)
    for notice in await hub.outbox.all():
        print("notice", notice.event_id, notice.text)
    await close_hub(hub, engine)
    print("done")


async def waits(engine) -> bool:
    # A loop under way counts as waiting, too; only a wait knows until when.
    last = [trace.steps[-1] for trace in await engine.traces("siaga-2", 200)]
    return any(step.outcome == "waiting" and "until" in step.values for step in last)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
