"""A hub's alert desk in a process of its own, which goes through one evening and dies after a commit of its choice."""

import asyncio
import os
import re
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from alert_cases import after, alert, rest, site
from hub_for_rules import EVENING, close_hub, event, open_hub

from siaga.core.clock import ManualClock
from siaga.core.errors import ActionFailed
from siaga.core.types import Event

TO_LURAH = {"contact": ("lurah",)}


def told(name, kind, **data) -> Event:
    """Return an event that is the same in every life."""
    camera = None if kind == "notice.reply" else "kali"
    return Event(id=name, site="kebon-baru", kind=kind, at=EVENING, camera=camera, data=data)


async def evening(hub):
    """Alert, be limited, escalate, be answered by a reply, send the clip, close."""
    seen = event("flood.stage", at=EVENING)
    steps = (after(300, contact="budi"),)
    await hub.alert(alert("satu", event=seen, clip="clip-1", escalate=steps))
    await hub.alert(alert("lagi", event=told("e2", "flood.stage")))
    for name in ("dua", "tiga"):
        await hub.alert(alert(name, incident=name, text=f"Hal {name}", target=TO_LURAH, event=seen))
    await reach(hub, 320)
    await hub.emit(told("e3", "clip.done", clip="clip-1"))
    await hub.emit(told("e4", "notice.reply", notifier="wa", sender="+62815", text="ok"))
    await reach(hub, 640)
    with suppress(ActionFailed):  # it was closed in the life before
        await hub.close_incident("banjir/kali", "Bu Sari", "surut")
    await rest(hub)


async def reach(hub, seconds):
    """Let time pass until so many seconds after the evening's begin, from one sleeper's end to the next.

    The disk of a busy machine is slow: what is told at a moment must be done before the next one comes.
    """
    await rest(hub)
    while (left_s := (EVENING - hub.clock.now()).total_seconds() + seconds) > 0:
        await hub.clock.advance(min(left_s, hub.clock.next_s()))
        await rest(hub)


async def main(path: Path, dies_after: int) -> None:
    died_at = path.with_suffix(".died")
    passed_s = float(died_at.read_text()) if died_at.exists() else 0.0
    clock = ManualClock(EVENING + timedelta(seconds=passed_s))
    hub = await open_hub(path, clock, site=site(limit=(1, 600)))
    hub.outbox.state = "sent"
    hub.carries["wa"] = frozenset({"clip"})
    write, commits = hub.journal.write, 0

    async def counted(job, then=None):
        nonlocal commits
        result = await write(job, then)
        commits += 1
        if commits == dies_after:
            died_at.write_text(str((clock.now() - EVENING).total_seconds()))
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    hub.journal.write = counted
    await evening(hub)
    for notice in await hub.outbox.all():
        # The ids of incidents and summaries are new in every life.
        print("notice", re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", notice.key), notice.text.replace("\n", " | "))
    for committed in reversed(await hub.events.find(limit=100)):
        if committed.event.kind.startswith("incident."):
            print("event", committed.event.kind, committed.event.data["key"])
    for incident in await hub.alerts.incidents():
        print("incident", incident.key, incident.state, incident.events, incident.acknowledged_by)
    print("commits", commits)
    await close_hub(hub)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
