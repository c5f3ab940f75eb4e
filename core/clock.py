"""The two clocks everything is told by, and one that tests can turn."""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from datetime import datetime, timedelta, timezone
from typing import Protocol


class Clock(Protocol):
    """Tell the time and wait; only the clock's owner sleeps."""

    def now(self) -> datetime:
        """Return the wall clock, UTC."""
        ...

    def mono_s(self) -> float:
        """Return CLOCK_MONOTONIC, seconds: for durations, never shown to people."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a cancelled wait raises CancelledError at once."""
        ...


class SystemClock:
    """Tell the machine's time."""

    def now(self) -> datetime:
        """Return the wall clock, UTC."""
        return datetime.now(timezone.utc)

    def mono_s(self) -> float:
        """Return CLOCK_MONOTONIC, seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait by the event loop's timer."""
        await asyncio.sleep(seconds)


class ManualClock:
    """Stand still until a test (or a rule's own tests) moves it on."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._passed_s = 0.0
        self._order = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Return the start plus what was advanced."""
        return self._start + timedelta(seconds=self._passed_s)

    def mono_s(self) -> float:
        """Return the seconds advanced so far."""
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        """Wait until ``advance`` has passed the time."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._passed_s + seconds, self._order, future))
        await future

    def next_s(self) -> float:
        """Return in how many seconds the next sleeper is due, infinite when none sleeps."""
        return self._sleepers[0][0] - self._passed_s if self._sleepers else math.inf

    async def advance(self, seconds: float) -> None:
        """Move on, waking sleepers in their order and letting each run before the next."""
        end_s = self._passed_s + seconds
        await self._let_run()
        while self._sleepers and self._sleepers[0][0] <= end_s:
            due_s, _, future = heapq.heappop(self._sleepers)
            self._passed_s = max(self._passed_s, due_s)
            if not future.done():
                future.set_result(None)
            await self._let_run()
        self._passed_s = end_s
        await self._let_run()

    @staticmethod
    async def _let_run() -> None:
        # Enough turns of the loop for a chain of awaits that need no I/O.
        for _ in range(50):
            await asyncio.sleep(0)
