"""How many events one plugin object may tell: a burst, then a steady rate; the rest is dropped and counted."""

from __future__ import annotations

# A camera with several rules of its own tells a dozen things at once; five a second for ever is a broken sensor,
# and more than a rule, a page or a person can follow.
BURST, PER_S = 20, 5.0
# Told at once, then again at this distance while it goes on.
TELL_EVERY_S = 600.0
# Whoever tells too much waits a little each time, or one loop of a broken plugin would take a whole core.
SLOW_DOWN_S = 0.02


class FloodGate:
    """Hold a token bucket. Times are monotonic seconds, given by the caller."""

    def __init__(self, burst: int = BURST, per_s: float = PER_S) -> None:
        self.dropped = 0
        self._burst = float(burst)
        self._per_s = per_s
        self._tokens = float(burst)
        self._at_s: float | None = None
        self._told_s: float | None = None
        self._told = 0

    def lets(self, mono_s: float) -> bool:
        """Say whether one more may pass now; one that may not is counted."""
        passed_s = 0.0 if self._at_s is None else max(0.0, mono_s - self._at_s)
        self._at_s = mono_s
        self._tokens = min(self._burst, self._tokens + passed_s * self._per_s)
        if self._tokens < 1.0:
            self.dropped += 1
            return False
        self._tokens -= 1.0
        return True

    def news(self, mono_s: float) -> int:
        """Return how many were dropped since that was told last, 0 where it need not be told now."""
        if self.dropped == self._told or (self._told_s is not None and mono_s - self._told_s < TELL_EVERY_S):
            return 0
        fresh, self._told, self._told_s = self.dropped - self._told, self.dropped, mono_s
        return fresh
