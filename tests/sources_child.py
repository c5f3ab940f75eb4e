"""A hub with rules of times and levels in a process of its own, which dies of kill -9 at a named point.

Usage: sources_child.py FOLDER POINT LEVEL...; tells the levels one after the other, waits for the time of a rule that
is due some seconds after the first start, and prints "done" and what was told.
"""

import asyncio
import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hub_for_rules import close_hub, open_hub, read_rules, until

from siaga.core.clock import SystemClock
from siaga.core.media.messages import Reading
from siaga.rules.engine import RuleEngine
from siaga.rules.sources import TriggerSources

RULES = """
- id: tinggi
  triggers: [{{trigger: numeric_state, kind: flood.level, camera: kali, above: 200}}]
  actions: [{{action: notify, target: {{contact: lurah}}, data: {{message: "tinggi"}}}}]
  mode: queued
- id: waktu
  triggers: [{{trigger: time, at: "{at}"}}]
  actions: [{{action: notify, target: {{contact: lurah}}, data: {{message: "waktu"}}}}]
"""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: Path, point: str, levels: list[float]) -> None:
    hub = await open_hub(folder / "siaga.db", SystemClock())
    due = folder / "due.txt"
    if not due.exists():
        due.write_text((datetime.now(tz=ZoneInfo("Asia/Jakarta")) + timedelta(seconds=3)).strftime("%H:%M:%S"), "utf-8")
    loaded = read_rules(RULES.format(at=due.read_text("utf-8")), folder)
    engine = RuleEngine(hub, loaded, sources=TriggerSources(hub, loaded.template_functions))
    add_all = hub.events.add_all

    async def adding(events, also=None):
        is_ours = any(one.kind in ("rule.state", "rule.timer") for one in events)
        if point == "before the commit" and is_ours:
            die()
        answer = await add_all(events, also)
        if point == "after the commit" and is_ours:
            die()
        return answer

    hub.events.add_all = adding
    await engine.start()
    for level in levels:
        now = hub.clock.now()
        hub.bus.publish(Reading(camera="kali", kind="flood.level", at=now, data={"level_cm": level}))
        await asyncio.sleep(0.05)

    async def is_told():
        texts = [notice.text for notice in await hub.outbox.all()]
        return "waktu" in texts and "tinggi" in texts

    if point == "nowhere":
        await until(is_told, limit_s=20)
        await asyncio.sleep(0.3)
    for notice in await hub.outbox.all():
        print("told", notice.text)
    await close_hub(hub, engine)
    print("done")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], [float(level) for level in sys.argv[3:]]))
