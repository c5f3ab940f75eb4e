"""An event loop whose seconds can be made short, so that a time-out of 8 s need not be waited for."""

from __future__ import annotations

import asyncio
import selectors
import time
from datetime import datetime, timedelta, timezone


class _Selector(selectors.DefaultSelector):
    """Wait a part of what the loop asks for."""

    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, after at most the shortened time."""
        return super().select(timeout / self.speed if timeout and timeout > 0 else timeout)


class HurriedLoop(asyncio.SelectorEventLoop):
    """Count ``speed`` seconds for each that passes, from ``hurry`` on.

    Sockets are as fast as they are: hurry only where nothing but a time-out is waited for. What waits in threads does
    not know of it.
    """

    def __init__(self) -> None:
        self._own = _Selector()
        self._real_s = self._told_s = time.monotonic()
        super().__init__(self._own)

    def time(self) -> float:
        """Return the loop's seconds."""
        return self._told_s + (time.monotonic() - self._real_s) * self._own.speed

    def hurry(self, speed: float) -> None:
        """Let time pass ``speed`` times as fast from now on; 1 is as it is."""
        now_s = self.time()
        self._real_s, self._told_s = time.monotonic(), now_s
        self._own.speed = speed


class LoopClock:
    """Tell the time that a hurried loop counts, so that a plugin's waits and its durations agree."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._began_s = loop.time()
        self._began = datetime.now(timezone.utc)

    def now(self) -> datetime:
        """Return the wall clock, UTC."""
        return self._began + timedelta(seconds=self._loop.time() - self._began_s)

    def mono_s(self) -> float:
        """Return the loop's seconds."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait so many of the loop's seconds."""
        await asyncio.sleep(seconds)
