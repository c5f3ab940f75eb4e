"""A hub's spine in a process of its own, for tests that kill it: put notices, send each by appending a line."""

import asyncio
import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from siaga.core.bus import Bus
from siaga.core.clock import SystemClock
from siaga.core.event_log import EventLog
from siaga.core.journal import Journal
from siaga.core.outbox import NoticeRules, Outbox, OutboxTimes
from siaga.core.tasks import Tasks
from siaga.core.types import Event, Notice, Receipt, new_id


class FileNotifier:
    """Each send is one line in a file on the disk: what the far side got, whoever dies afterwards."""

    def __init__(self, path, on_unsure):
        self.path, self.on_unsure = path, on_unsure

    async def send(self, notice):
        await asyncio.sleep(0.002)
        with self.path.open("a") as file:
            file.write(notice.key + "\n")
        await asyncio.sleep(0.002)
        return Receipt(state="sent", at=datetime.now(timezone.utc))

    async def close(self):
        pass


async def main(folder: Path, on_unsure: str, count: int) -> None:
    clock, bus = SystemClock(), Bus()
    tasks = Tasks(clock)
    journal = await Journal.open(folder / "siaga.db")
    events = await EventLog.open(journal, bus)
    rules = NoticeRules(times=OutboxTimes(shortest_wait_s=0.5))
    notifiers = {"file": FileNotifier(folder / "arrived.txt", on_unsure)}
    outbox = Outbox(journal, bus, clock, tasks, notifiers, events.add, "kebon-baru", rules)
    await outbox.start()
    print("ready", flush=True)
    for n in range(count):
        now = datetime.now(timezone.utc)
        event = Event(id=new_id(), site="kebon-baru", kind="flood.stage", at=now, data={"n": n})
        await events.add(event)
        life = timedelta(hours=1)
        notice = Notice(
            id=new_id(), key=f"n{os.getpid()}-{n}", notifier="file", to="posko", text="x", created_at=now,
            expires_at=now + life, event_id=event.id,
        )  # fmt: skip
        await outbox.put(notice)
        # The test holds against the journal what was said here, and only what was said after the commit.
        print(f"kept {event.id} {notice.key}", flush=True)
    open_or_untold = "select count(*) from notices where state not in ('sent', 'failed') or tell is not null"
    while await journal.read(lambda db: db.conn.execute(open_or_untold).fetchone()[0]):
        await clock.sleep(0.05)
    print("done", flush=True)
    await outbox.stop()
    await tasks.stop(2)
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
