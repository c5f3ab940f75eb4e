"""One notifier's sender: a few sends at once, the urgent first; another notifier never waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from .clock import Clock
from .contracts import Notifier
from .errors import StoreFailed
from .inbound import Inbound
from .notice_book import NoticeBook
from .notice_states import Manners, NoticeRecord, NoticeRules
from .tasks import Crash, Tasks, back_off_s, fenced
from .types import Receipt

logger = logging.getLogger(__name__)


@runtime_checkable
class DecidesUnsure(Protocol):
    """What a notifier may add: whether to send again when nobody knows if it arrived."""

    on_unsure: Literal["resend", "hold"]


def manners_of(notifier: Notifier) -> Manners:
    """Return how a notifier wants a lost answer treated; ``resend`` unless it says otherwise."""
    return Manners(
        can_confirm=isinstance(notifier, Inbound) and notifier.can_confirm,
        on_unsure=notifier.on_unsure if isinstance(notifier, DecidesUnsure) else "resend",
    )


class Desk:
    """Send what waits for one notifier. ``run`` is a task of the outbox, woken by ``wake``."""

    def __init__(
        self,
        name: str,
        *,
        book: NoticeBook,
        rules: NoticeRules,
        clock: Clock,
        sends: Tasks,
        notifiers: Mapping[str, Notifier],
        tell: Callable[[NoticeRecord], Awaitable[object]],
        set_right: Callable[[], Awaitable[None]],
    ) -> None:
        self.name = name
        self.in_flight = 0
        self._book = book
        self._rules = rules
        self._clock = clock
        self._sends = sends
        self._notifiers = notifiers
        self._tell = tell
        self._set_right = set_right
        self._news = asyncio.Event()
        self._look_at: datetime | None = None
        self._had_notifier: bool | None = None

    def wake(self) -> None:
        """Look now: a notice was put, a send ended."""
        self._news.set()

    def tick(self, now: datetime) -> None:
        """Look if something is due, or if the notifier came or went."""
        has_notifier = self.name in self._notifiers
        if has_notifier != self._had_notifier or (self._look_at is not None and self._look_at <= now):
            self._news.set()

    async def run(self) -> None:
        """Look and send until cancelled."""
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            await self._look()
            await self._tell_failed()

    async def _look(self) -> None:
        notifier = self._notifiers.get(self.name)
        self._had_notifier = notifier is not None
        manners = manners_of(notifier) if notifier is not None else Manners()
        await self._set_right()
        now = self._clock.now()
        free = self._rules.times.sends_at_once - self.in_flight if notifier is not None else 0
        taken = await self._book.take(
            self.name,
            now,
            free,
            lambda record: self._rules.begun(record, now, manners),
            lambda record: self._rules.expired(record, now),
        )
        self._look_at = taken.look_at
        if notifier is None:
            where = "notifier = ? and state in ('waiting', 'unsure')"
            await self._book.change_all(where, lambda record: self._rules.without_notifier(record, now), self.name)
            return
        for record in taken.to_send:
            self.in_flight += 1
            self._sends.start(record.notice.id, lambda record=record: self._send(notifier, record), restart=False)  # type: ignore[misc]

    async def _send(self, notifier: Notifier, record: NoticeRecord) -> None:
        try:
            outcome = await fenced(lambda: self._ask(notifier, record))
            if isinstance(outcome, Crash):
                logger.warning("notice %s by %s, try %d: %s", record.notice.id, self.name, record.attempts, outcome)
            manners = manners_of(notifier)
            await self._keep(record, lambda latest: self._rules.tried(latest, outcome, self._clock.now(), manners))
        finally:
            self.in_flight -= 1
            self.wake()

    async def _ask(self, notifier: Notifier, record: NoticeRecord) -> Receipt:
        async with asyncio.timeout(self._rules.times.send_limit_s):
            receipt = await notifier.send(self._rules.with_delay(record.notice, self._clock.now()))
        if not isinstance(receipt, Receipt):
            raise TypeError(f"send returned {type(receipt).__name__}, not a Receipt")
        return receipt

    async def _keep(self, record: NoticeRecord, decide: Callable[[NoticeRecord], NoticeRecord]) -> None:
        """Commit how a try went, however long the disk is full: nobody else knows it."""
        failures = 0
        while True:
            try:
                await self._book.change("id", record.notice.id, decide)
            except StoreFailed as err:
                failures += 1
                logger.error("notice %s: how it went could not be kept: %s", record.notice.id, err)
                await self._clock.sleep(back_off_s(failures))
            else:
                return

    async def _tell_failed(self) -> None:
        """Emit what is still to be told; the event's id is in the record, so that it is told once."""
        where = "notifier = ? and tell is not null order by number limit 100"
        while records := await self._book.find(where, self.name):
            for record in records:
                logger.warning("notice %s by %s: %s", record.notice.id, self.name, record.last_error)
                await self._tell(record)
                await self._book.told(record)
