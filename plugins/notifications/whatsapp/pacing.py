"""How fast WhatsApp lets a number speak: to all together, and to one recipient."""

from __future__ import annotations

from collections import OrderedDict

# Meta, "Throughput": 80 messages a second for each business phone number by default.
NUMBER_PER_S = 80.0
NUMBER_BURST = 80.0
# Meta, "Pair rate limits": one message in 6 s to one recipient; 45 at once borrow from the future.
PAIR_PER_S = 1 / 6
PAIR_BURST = 45.0
MAX_RECIPIENTS = 1000


class Bucket:
    """Count what may be sent: filled at a rate, never above its burst."""

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._level = burst
        self._at_s = now_s

    def wait_s(self, now_s: float) -> float:
        """Return how long until one more may go; 0 for now."""
        self._level = min(self._burst, self._level + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        return max(0.0, (1 - self._level) / self._per_s)

    def take(self) -> None:
        """Count one that goes."""
        self._level -= 1

    def empty(self) -> None:
        """Believe the far side that nothing is left."""
        self._level = min(self._level, 0.0)


class Pace:
    """Keep one notifier within the limits; times are monotonic seconds."""

    def __init__(self, now_s: float) -> None:
        self._number = Bucket(NUMBER_PER_S, NUMBER_BURST, now_s)
        self._pairs: OrderedDict[str, Bucket] = OrderedDict()
        self._closed_until_s = now_s

    def take(self, recipient: str, now_s: float) -> float:
        """Return 0 and count one message, or return the seconds to wait first."""
        pair = self._pair(recipient, now_s)
        wait_s = max(self._closed_until_s - now_s, self._number.wait_s(now_s), pair.wait_s(now_s))
        if wait_s <= 0:
            self._number.take()
            pair.take()
            return 0.0
        return wait_s

    def close(self, seconds: float, now_s: float) -> None:
        """Send nothing for a while: the number or the account was told to slow down."""
        self._closed_until_s = max(self._closed_until_s, now_s + seconds)

    def close_pair(self, recipient: str, now_s: float) -> None:
        """Believe a pair rate limit: this recipient's allowance is used up."""
        self._pair(recipient, now_s).empty()

    def _pair(self, recipient: str, now_s: float) -> Bucket:
        pair = self._pairs.get(recipient)
        if pair is None:
            pair = self._pairs[recipient] = Bucket(PAIR_PER_S, PAIR_BURST, now_s)
        self._pairs.move_to_end(recipient)
        if len(self._pairs) > MAX_RECIPIENTS:
            self._pairs.popitem(last=False)
        return pair
