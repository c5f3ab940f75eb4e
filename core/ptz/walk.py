"""The walk of one patrol: which preset is next and when, which presets fail; it moves nothing itself."""

from __future__ import annotations

import random

from .settings import PatrolSettings, PatrolStop

# So that ten cameras on one link do not turn in the same second.
JITTER = 0.1


class Walk:
    """Count a patrol's steps by monotonic time."""

    def __init__(self, plan: PatrolSettings) -> None:
        self.plan = plan
        self.is_on = True
        self.failing: dict[str, str] = {}
        self.moves = 0
        self._number = -1
        self._next_s = float("-inf")

    @property
    def next_s(self) -> float:
        """Return when the next step is due."""
        return self._next_s

    @property
    def stop(self) -> PatrolStop:
        """Return the stop that was begun last; the first before any."""
        return self.plan.stops[max(self._number, 0)]

    def step(self, now_s: float, settle_s: float) -> PatrolStop:
        """Begin the next stop, and plan the one after it; a stop that fails takes as long as one that does not."""
        self._number = (self._number + 1) % len(self.plan.stops)
        self.moves += 1
        self._next_s = now_s + settle_s + self.stop.dwell_s * random.uniform(1 - JITTER, 1 + JITTER)
        return self.stop

    def interrupt(self) -> None:
        """Go back one step: the stop under way is begun anew when the patrol goes on."""
        if self._next_s > float("-inf"):
            self._number, self._next_s = self._number - 1, float("-inf")

    def told(self, preset: str, why: str) -> bool:
        """Take how a step went, ``why`` "" for well; say whether that is news."""
        before = dict(self.failing)
        if why:
            self.failing[preset] = why
        else:
            self.failing.pop(preset, None)
        return before.keys() != self.failing.keys()
