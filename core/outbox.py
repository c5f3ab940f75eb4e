"""Delivers notices: each is committed before it is sent, tried until it arrives or expires, never lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from .bus import Bus
from .clock import Clock
from .contracts import Notifier
from .inbound import KeyedReceipt
from .journal import Journal
from .notice_book import NoticeBook, NoticeChanged
from .notice_states import NoticeRecord, NoticeRules, NoticeState, OutboxTimes
from .outbox_desk import Desk, manners_of
from .tasks import Tasks
from .types import Event, Notice
from .wall_steps import WallSteps

__all__ = ["NoticeChanged", "NoticeRecord", "NoticeRules", "NoticeState", "Outbox", "OutboxTimes"]

logger = logging.getLogger(__name__)

OPEN = "state in ('waiting', 'unsure', 'sending')"

# Back-offs are seconds to minutes: a look a second is exact enough and costs nothing while none is due.
TICK_S = 1.0
# A send under way may end in this time when the hub stops; else it is unsure at the next start.
LAST_SENDS_S = 1.2
# SQLite takes some thousands of values in a statement at the least; this leaves room.
KEYS_AT_ONCE = 500


class Outbox:
    """Put notices, follow them, take their receipts. StoreFailed from every method when the disk fails."""

    def __init__(
        self,
        journal: Journal,
        bus: Bus,
        clock: Clock,
        tasks: Tasks,
        notifiers: Mapping[str, Notifier],
        emit: Callable[[Event], Awaitable[int]],
        site_id: str,
        rules: NoticeRules | None = None,
    ) -> None:
        self.unknown_receipts = 0
        self._clock = clock
        self._notifiers = notifiers
        self._emit = emit
        self._site_id = site_id
        self._rules = rules or NoticeRules()
        self._book = NoticeBook(journal, bus)
        self._sends = tasks.scope("notice")
        self._looks = tasks.scope("outbox")
        self._desks: dict[str, Desk] = {}
        self._steps = WallSteps(clock)
        self._setting = asyncio.Lock()
        self._unkept: list[tuple[float, datetime]] = []

    async def start(self) -> None:
        """Make the table, mark what the last hub was sending as unsure, begin to send."""
        await self._book.open()
        now = self._clock.now()

        def cut_off(record: NoticeRecord) -> NoticeRecord:
            notifier = self._notifiers.get(record.notice.notifier)
            return self._rules.cut_off(record, now, manners_of(notifier) if notifier is not None else None)

        cut = await self._book.change_all("state = 'sending'", cut_off)
        if cut:
            logger.warning("%d notices were being sent when the hub ended: nobody knows yet whether they arrived", cut)
        await self._book.change_all(OPEN, lambda record: self._rules.due_soon(record, now))
        for name in sorted({*self._notifiers, *await self._book.notifiers()}):
            self._desk(name)
        self._looks.start("clock", self._tick)

    async def stop(self) -> None:
        """Take no more, let sends under way end shortly. What waits goes out after the next start."""
        await self._looks.stop(0.3)
        await self._sends.finish(LAST_SENDS_S)
        await self._sends.stop(0.2)

    async def put(self, notice: Notice) -> bool:
        """Commit a notice, then send it; False when its key is there already."""
        is_new = await self._book.put(notice, self._clock.now())
        if is_new:
            self._desk(notice.notifier).wake()
        return is_new

    async def receive(self, keyed: KeyedReceipt) -> None:
        """Take a receipt that came later, by the notice's key or the far side's id.

        One that belongs to no notice of ours is counted in ``unknown_receipts``.
        """
        receipt, now = keyed.receipt, self._clock.now()
        may_retry, found = keyed.may_retry, None
        for column, value in (("key", keyed.key), ("provider_id", receipt.provider_id)):
            if value is not None and found is None:
                found = await self._book.change(
                    column, value, lambda r: self._rules.received(r, receipt, now, may_retry)
                )
        if found is None:
            self.unknown_receipts += 1
            logger.debug("a receipt belongs to no notice of ours: %s %s", receipt.state, receipt.provider_id)
        elif found.tell is not None or found.state == "waiting":
            self._desk(found.notice.notifier).wake()

    async def find(
        self, *, state: NoticeState | None = None, event_id: str | None = None, limit: int = 50
    ) -> list[NoticeRecord]:
        """Return the newest notices that fit, newest first."""
        asked = [(f"{column} = ?", value) for column, value in (("state", state), ("event_id", event_id)) if value]
        where = " and ".join(text for text, _ in asked) or "true"
        return await self._book.find(f"{where} order by number desc limit ?", *(value for _, value in asked), limit)

    async def get(self, key: str) -> NoticeRecord | None:
        """Return the notice with this key, or None."""
        found = await self._book.find("key = ?", key)
        return found[0] if found else None

    async def records(self, keys: Sequence[str]) -> dict[str, NoticeRecord]:
        """Return the notices with these keys, those that there are."""
        found: dict[str, NoticeRecord] = {}
        for begin in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[begin : begin + KEYS_AT_ONCE]
            records = await self._book.find(f"key in ({', '.join('?' * len(some))})", *some)
            found |= {record.notice.key: record for record in records}
        return found

    async def of_provider(self, provider_id: str) -> NoticeRecord | None:
        """Return the notice that the far side knows by this id, or None."""
        found = await self._book.find("provider_id = ? order by number desc limit 1", provider_id)
        return found[0] if found else None

    async def counts(self) -> dict[str, int]:
        """Return how many notices stand in each state, for the metrics."""
        return await self._book.counts()

    async def prune(self, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` finished notices that were over before a time; return how many went."""
        return await self._book.prune(before, limit)

    @property
    def sending(self) -> int:
        """Return how many sends are under way."""
        return sum(desk.in_flight for desk in self._desks.values())

    def _desk(self, name: str) -> Desk:
        if name not in self._desks:
            self._desks[name] = Desk(
                name,
                book=self._book,
                rules=self._rules,
                clock=self._clock,
                sends=self._sends,
                notifiers=self._notifiers,
                tell=self._tell,
                set_right=self._set_right,
            )
            self._looks.start(name, self._desks[name].run)
        return self._desks[name]

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(TICK_S)
            await self._set_right()
            now = self._clock.now()
            for name in self._notifiers:
                self._desk(name)
            for desk in list(self._desks.values()):
                desk.tick(now)

    async def _set_right(self) -> None:
        """Move what waits along with a wall clock that was set, before anybody compares times."""
        async with self._setting:
            step_s, before = self._steps.step()
            if step_s:
                logger.warning("the wall clock was set by %+.0f s: what waits keeps its time", step_s)
                self._unkept.append((step_s, before))
            while self._unkept:
                step_s, before = self._unkept[0]
                now = self._clock.now()
                await self._book.change_all(OPEN, lambda r: self._rules.clock_set(r, step_s, before, now))  # noqa: B023
                del self._unkept[0]
                for desk in self._desks.values():
                    desk.wake()

    async def _tell(self, record: NoticeRecord) -> None:
        notice = record.notice
        failure = Event(
            id=record.tell or "",
            site=self._site_id,
            kind="notice.failed",
            at=record.updated_at,
            data={
                "notice": notice.id,
                "notifier": notice.notifier,
                "to": notice.to,
                "state": record.state,
                "reason": record.last_error,
                "attempts": record.attempts,
                "is_final": record.state in {"failed", "expired"},
                "event": notice.event_id,
            },
        )
        await self._emit(failure)
