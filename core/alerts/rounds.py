"""The desk's own work: what is due, what was held back, replies and clips from the journal, what is to be told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from ..bus import Bus
from ..errors import StoreFailed
from ..event_log import Committed, EventLog
from ..tasks import Crash, TaskHandle, Tasks, back_off_s, fenced
from ..wall_steps import WallSteps
from .answers import Quoted, take_reply
from .clips import due_clips, release_clips, take_clip
from .deciding import Deciding
from .escalating import escalate
from .ledger import Ledger
from .releasing import release
from .tellings import Telling

logger = logging.getLogger(__name__)

FOLLOWED = ("notice.reply", "clip.done")
EVENTS_AT_ONCE = 100
# The outbox paces what goes out; this bounds one commit.
PUT_AT_ONCE = 200
# A wall clock that is set is noticed within this time, while something waits.
LONGEST_WAIT_S = 30.0
# What is due and cannot be taken for a fault must not make a busy loop of it.
SHORTEST_WAIT_S = 1.0
READER_SIZE = 10_000


class Rounds:
    """Look whenever something happened or is due; what the disk refuses is tried again."""

    def __init__(self, ledger: Ledger, events: EventLog, bus: Bus, tasks: Tasks) -> None:
        self._ledger = ledger
        self._events = events
        self._bus = bus
        self._tasks = tasks
        self._clock = ledger.clock
        self._steps = WallSteps(ledger.clock)
        self._has_work = asyncio.Event()
        self._alarm: TaskHandle | None = None
        self._unkept_s = 0.0
        self._failures = 0

    def wake(self) -> None:
        """Look now: something was decided."""
        self._has_work.set()

    async def start(self) -> None:
        """Begin; what came due while the hub was away is done at once."""
        self.wake()
        self._tasks.start("journal", self._listen)
        self._tasks.start("rounds", self._run)

    async def _listen(self) -> None:
        async with self._bus.subscribe(Committed, size=READER_SIZE, name="alerts") as news:
            dropped = 0
            async for committed in news:
                if committed.event.kind in FOLLOWED or news.dropped != dropped:
                    dropped = news.dropped
                    self.wake()

    async def _run(self) -> None:
        await self._until_kept(lambda: self._ledger.decide(lambda deciding: deciding.rows.clamp(deciding.now)))
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            await self._until_kept(self._look)

    async def _until_kept(self, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
            except StoreFailed as err:
                self._failures += 1
                logger.error("alerts wait for the disk: %s", err)
                await self._clock.sleep(back_off_s(self._failures))
            else:
                self._failures = 0
                return

    async def _look(self) -> None:
        await self._set_right()
        await self._follow()
        looked_at = self._clock.now()
        # A fault in one thing that is due must not keep everything else from going out.
        await self._unless_faulty(self._take_due)
        await self._ledger.put_all(f"state = 'due' order by rank desc, number limit {PUT_AT_ONCE}")
        await self._ledger.tell_news()
        await self._arm(looked_at)

    async def _unless_faulty(self, work: Callable[[], Awaitable[object]]) -> bool:
        """Do something; say whether it went. StoreFailed passes, a fault of the program is logged."""
        outcome = await fenced(work)
        if not isinstance(outcome, Crash):
            return True
        if isinstance(outcome.error, StoreFailed):
            raise outcome.error
        logger.error("the alert desk met a fault: %s", outcome, exc_info=outcome.error)
        return False

    async def _take_due(self) -> None:
        next_due = await self._ledger.read(lambda rows: rows.next_due())
        if next_due is None or next_due > self._clock.now():
            return
        clips = await self._ledger.decide(_take_due)
        if clips:
            records = await self._ledger.ports.records([clip.follows for clip in clips])
            await self._ledger.decide(lambda deciding: release_clips(deciding, records))

    async def _follow(self) -> None:
        """Take replies and clips in their order; the place behind each is kept together with what it led to."""
        while True:
            place = await self._ledger.read(lambda rows: rows.place())
            found = await self._events.of_kinds(FOLLOWED, place, EVENTS_AT_ONCE)
            for committed in found:
                if not await self._unless_faulty(lambda: self._take(committed)):  # noqa: B023
                    await self._decide_once(committed, lambda deciding: None)
            if len(found) < EVENTS_AT_ONCE:
                return

    async def _take(self, committed: Committed) -> None:
        event, ports = committed.event, self._ledger.ports
        if event.kind == "clip.done":
            clip_id = str(event.data.get("clip") or "")
            clip = await ports.clip(clip_id)
            await self._decide_once(committed, lambda deciding: take_clip(deciding, clip_id, clip))
            return
        reply_to = event.data.get("reply_to")
        record = await ports.of_provider(reply_to) if isinstance(reply_to, str) and reply_to else None
        quoted = Quoted(record.notice.key, record.notice.incident_id) if record else None
        await self._decide_once(committed, lambda deciding: take_reply(deciding, event, quoted))

    async def _decide_once(self, committed: Committed, decide: Callable[[Deciding], None]) -> None:
        def job(deciding: Deciding) -> None:
            if deciding.rows.move_to(committed.seq):
                decide(deciding)

        await self._ledger.decide(job)

    async def _set_right(self) -> None:
        """Move what waits for a length of time along with a wall clock that was set."""
        step_s, _ = self._steps.step()
        self._unkept_s += step_s
        if self._unkept_s:
            logger.warning("the wall clock was set by %+.0f s: escalations keep their time", self._unkept_s)
            await self._ledger.decide(lambda deciding: deciding.rows.shift(self._unkept_s))
            self._unkept_s = 0.0

    async def _arm(self, looked_at: datetime) -> None:
        """Wake when the next thing is due; at once for what came due since ``looked_at``."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if await self._ledger.read(lambda rows: rows.has_due()):
            self.wake()  # more than fits into one commit
        next_due = await self._ledger.read(lambda rows: rows.next_due())
        if next_due is None:
            return
        now = self._clock.now()
        if looked_at < next_due <= now:
            self.wake()
        wait_s = (next_due - now).total_seconds()
        wait_s = min(max(wait_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)

        async def ring() -> None:
            await self._clock.sleep(wait_s)
            self.wake()

        self._alarm = self._tasks.start("alarm", ring, restart=False)


def _take_due(deciding: Deciding) -> list[Telling]:
    escalate(deciding)
    release(deciding)
    return due_clips(deciding)
