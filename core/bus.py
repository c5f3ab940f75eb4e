"""Publish and subscribe inside the hub: every queue is bounded, and what is dropped is counted."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Self

logger = logging.getLogger(__name__)


class Subscription:
    """Receive what is published, oldest first: ``async with bus.subscribe(X) as news: async for x in news``.

    It counts from the moment of ``subscribe``. A reader that is too slow loses the oldest.
    """

    def __init__(self, bus: Bus, types: tuple[type, ...], size: int, name: str) -> None:
        self.name = name or " ".join(wanted.__name__ for wanted in types) or "everything"
        self.dropped = 0
        self._bus = bus
        self._types = types
        self._size = size
        self._waiting: deque[Any] = deque()
        self._has_news = asyncio.Event()
        self._is_closed = False
        self._is_behind = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:  # noqa: ANN401  what was subscribed to; the reader knows
        while not self._waiting:
            self._is_behind = False
            if self._is_closed:
                raise StopAsyncIteration
            self._has_news.clear()
            await self._has_news.wait()
        return self._waiting.popleft()

    def __len__(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        """Receive no more; what waits may still be read, then the iteration ends."""
        self._is_closed = True
        self._has_news.set()
        self._bus._forget(self)

    def _offer(self, message: object) -> None:
        if self._types and not isinstance(message, self._types):
            return
        if len(self._waiting) >= self._size:
            self._waiting.popleft()
            self.dropped += 1
            if not self._is_behind:
                self._is_behind = True
                logger.warning("%s reads too slowly: its oldest messages are dropped", self.name)
        self._waiting.append(message)
        self._has_news.set()


class Bus:
    """Hand each message to every subscription that wants its type. For the event loop's thread only."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []
        self._ears: tuple[tuple[tuple[type, ...], Callable[[object], None]], ...] = ()

    def listen(self, ear: Callable[[object], None], *types: type) -> None:
        """Call ``ear`` with each message of these types, before any subscription has it.

        For the core's own books, which must be right when a reader of the same message looks into them. It must
        not wait and not fail.
        """
        self._ears = (*self._ears, (types, ear))

    def publish(self, message: object) -> None:
        """Hand over a message; never waits, never fails."""
        for types, ear in self._ears:
            if isinstance(message, types):
                ear(message)
        for subscription in self._subscriptions:
            subscription._offer(message)

    def subscribe(self, *types: type, size: int = 1000, name: str = "") -> Subscription:
        """Return a subscription to these types (none means all) that keeps ``size`` unread messages."""
        if size < 1:
            raise ValueError("a subscription keeps at least one message")
        subscription = Subscription(self, types, size, name)
        # A new list, so that a subscriber may come or go while a message is handed over.
        self._subscriptions = [*self._subscriptions, subscription]
        return subscription

    def dropped(self) -> dict[str, int]:
        """Return how many messages each living subscription lost, for the metrics."""
        counts: dict[str, int] = {}
        for subscription in self._subscriptions:
            counts[subscription.name] = counts.get(subscription.name, 0) + subscription.dropped
        return counts

    def _forget(self, subscription: Subscription) -> None:
        self._subscriptions = [other for other in self._subscriptions if other is not subscription]
