"""Notices when the wall clock is set: what it moved by against the clock that only runs."""

from __future__ import annotations

from datetime import datetime

from .clock import Clock

# NTP slews small errors, half a millisecond a second; what is set at once and matters is more than this.
SMALLEST_S = 5.0


class WallSteps:
    """Compare the two clocks each time that somebody asks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now = clock.now()
        self._mono_s = clock.mono_s()

    def step(self) -> tuple[float, datetime]:
        """Return by how many seconds the wall clock was set since the last asking (0 when not), and its time then."""
        before, before_s = self._now, self._mono_s
        self._now, self._mono_s = self._clock.now(), self._clock.mono_s()
        step_s = (self._now - before).total_seconds() - (self._mono_s - before_s)
        return (step_s if abs(step_s) >= SMALLEST_S else 0.0), before
