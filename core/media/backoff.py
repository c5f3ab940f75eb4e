"""How long to wait before the next try: doubling, jittered, forgotten after a healthy time."""

from __future__ import annotations

import random


class Backoff:
    """Count failures in a row.

    ``least`` is the smallest share of a wait that is drawn. Where a hundred cameras lose one link together it should be
    small: they come back spread over the first wait, and not all in its last quarter.
    """

    def __init__(self, first_s: float, longest_s: float, *, healthy_s: float = 60.0, least: float = 0.75) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._healthy_s = healthy_s
        self._least = least
        self._failures = 0

    def wait_s(self, ran_s: float = 0.0) -> float:
        """Return the wait after a failure; ``ran_s`` is how long it had gone well before."""
        if ran_s >= self._healthy_s:
            self._failures = 0
        # 2**16 is beyond any longest wait, and keeps the number small.
        wait_s = min(self._longest_s, self._first_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return wait_s * random.uniform(self._least, 1.0)
