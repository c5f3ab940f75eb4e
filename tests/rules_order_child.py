"""A hub with queued runs, a restarted one, a time that runs and a wait, which dies of kill -9 at its n-th commit.

Usage: rules_order_child.py FOLDER COMMIT; commit 0 is never reached: then it prints what was told, and "done".
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from hub_for_rules import close_hub, event, open_hub, read_rules, until

from siaga.core.clock import SystemClock
from siaga.rules.engine import RuleEngine

TELL = "{action: notify.wa, data: {to: '+62811', incident: false, message: '%s'}}"
N = "{{ trigger.event.data.n }}"
RULES = f"""
- id: antre
  triggers: [{{trigger: event, kind: object.person}}]
  actions: [{{delay: 0.05}}, {TELL % f"antre {N}"}]
  mode: queued
- id: ulang
  triggers: [{{trigger: event, kind: object.car}}]
  actions: [{{delay: 0.3}}, {TELL % f"ulang {N}"}]
  mode: restart
- id: tahan
  triggers: [{{trigger: event, kind: flood.stage, to: 2, for: 0.4}}]
  actions: [{TELL % f"tahan {N}"}]
- id: tunggu
  triggers: [{{trigger: event, kind: motion.start}}]
  actions:
    - wait_for_trigger: {{trigger: event, kind: zone.enter, for: 0.1}}
      timeout: 50
    - {TELL % "tunggu {{ wait.completed }} {{ wait.trigger.event.data.n }}"}
"""


def arm(hub, commit: int) -> None:
    """Let the hub die right behind a commit."""
    write, commits = hub.journal.write, 0

    async def counted(job, then=None):
        nonlocal commits
        answer = await write(job, then)
        commits += 1
        if commits == commit:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    hub.journal.write = counted


async def begin(hub) -> None:
    """Tell what the first life begins with."""

    def told(kind, n, **data):
        return event(kind, at=hub.clock.now(), data={"n": n, **data})

    for n in range(4):
        await hub.emit(told("object.person", n))
        await hub.emit(told("object.car", n))
    await hub.emit(told("flood.stage", 1, to=2))
    await hub.emit(told("motion.start", 1))


async def main(folder: Path, commit: int) -> None:
    hub = await open_hub(folder / "siaga.db", SystemClock())
    if not await hub.events.last_seq():
        await begin(hub)
    if commit:
        arm(hub, commit)
    engine = RuleEngine(hub, read_rules(RULES, folder))
    await engine.start()

    async def is_waiting():
        traces = await engine.traces("tunggu")
        return traces and (traces[0].state != "running" or traces[0].steps[-1].outcome == "waiting")

    await until(is_waiting, limit_s=20)
    if not await hub.events.find(kind="zone.enter"):
        await hub.emit(event("zone.enter", at=hub.clock.now(), data={"n": 9}))

    async def is_over():
        texts = [notice.text for notice in await hub.outbox.all()]
        is_done = engine._cursor >= await hub.events.last_seq() and not any(s.running for s in await engine.rules())
        return is_done and any(text.startswith("tahan") for text in texts)

    await until(is_over, limit_s=20)
    for notice in await hub.outbox.all():
        print(notice.text)
    await close_hub(hub, engine)
    print("done")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
