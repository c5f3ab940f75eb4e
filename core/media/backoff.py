"""How long to wait before the next try: doubling, jittered, forgotten after a healthy time."""

from __future__ import annotations

import random


class Backoff:
    """Count failures in a row. The jitter keeps fifty cameras from coming back in one instant."""

    def __init__(self, first_s: float, longest_s: float, *, healthy_s: float = 60.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._healthy_s = healthy_s
        self._failures = 0

    def wait_s(self, ran_s: float = 0.0) -> float:
        """Return the wait after a failure; ``ran_s`` is how long it had gone well before."""
        if ran_s >= self._healthy_s:
            self._failures = 0
        # 2**16 is beyond any longest wait, and keeps the number small.
        wait_s = min(self._longest_s, self._first_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return wait_s * random.uniform(0.75, 1.0)
