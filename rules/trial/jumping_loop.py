"""An event loop whose time jumps: when nothing is left to do now, it is the time of whatever is due next."""

from __future__ import annotations

import asyncio
import selectors
from datetime import datetime, timedelta


class JumpingLoop(asyncio.SelectorEventLoop):
    """Run as asyncio's own loop does, by a time of its own that begins at 0 and never waits.

    Work in other threads would be outrun: who runs on this loop uses none.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the seconds that have passed on this loop."""
        return self._jumping.passed_s


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; where the loop would wait, the time has passed already."""
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("nothing is left that could ever happen")
        self.passed_s += max(timeout, 0.0)
        return []


class LoopClock:
    """Fulfil ``core.clock.Clock`` by the running loop's time, beginning at a moment."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._loop = asyncio.get_running_loop()
        self._begin_s = self._loop.time()

    def now(self) -> datetime:
        """Return the simulated wall clock, UTC."""
        return self._start + timedelta(seconds=self.mono_s())

    def mono_s(self) -> float:
        """Return the simulated seconds since the beginning."""
        return self._loop.time() - self._begin_s

    async def sleep(self, seconds: float) -> None:
        """Wait for simulated seconds."""
        await asyncio.sleep(seconds)
