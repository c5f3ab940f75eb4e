"""How long one must wait after wrong passwords: growing, bounded, and nobody can make another wait."""

from __future__ import annotations

import math
from collections import OrderedDict

from ..core.clock import Clock
from ..core.types import Struct

# After this quiet time the slate is clean.
FORGET_AFTER_S = 3600.0
KEPT = 10_000
# So long an address is known as one from which the account's owner came in.
KNOWN_FOR_S = 30 * 86400.0


class _Limit(Struct):
    free: int
    longest_s: float


# A person mistypes; a machine guesses. An address may be a whole posko behind one router.
_PAIR, _ADDRESS = _Limit(free=4, longest_s=300.0), _Limit(free=12, longest_s=300.0)
# Against guessers at many addresses. Short, since it holds up the owner too, where he comes from a new address.
_ACCOUNT = _Limit(free=100, longest_s=15.0)
_Key = tuple[str, str, str]


class LoginThrottle:
    """Count failures. In memory: a restart of the hub is no tool in a guesser's hand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slates: OrderedDict[_Key, tuple[int, float]] = OrderedDict()
        self._known: OrderedDict[_Key, float] = OrderedDict()

    def wait_s(self, account: str, address: str) -> int:
        """Return the whole seconds until the next try is taken; 0 means now."""
        pair, of_address, of_account = _keys(account, address)
        now_s = self._clock.mono_s()
        waits = [self._wait_of(pair, _PAIR, now_s), self._wait_of(of_address, _ADDRESS, now_s)]
        if self._known.get(pair, 0.0) <= now_s:
            waits.append(self._wait_of(of_account, _ACCOUNT, now_s))
        return math.ceil(max(waits))

    def failed(self, account: str, address: str) -> None:
        """Count a try; called before the password is checked, so that tries side by side count too."""
        now_s = self._clock.mono_s()
        for key in _keys(account, address):
            count, last_s = self._slates.pop(key, (0, now_s))
            if now_s - last_s > FORGET_AFTER_S:
                count = 0
            self._slates[key] = (count + 1, now_s)
        while len(self._slates) > KEPT:
            self._slates.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Clear the slate of the account at this address, and take this try off the two others."""
        pair, *others = _keys(account, address)
        self._slates.pop(pair, None)
        for key in others:
            count, last_s = self._slates.get(key, (1, 0.0))
            self._slates[key] = (count - 1, last_s)
        self._known.pop(pair, None)
        self._known[pair] = self._clock.mono_s() + KNOWN_FOR_S
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def _wait_of(self, key: _Key, limit: _Limit, now_s: float) -> float:
        count, last_s = self._slates.get(key, (0, 0.0))
        if count < limit.free or now_s - last_s > FORGET_AFTER_S:
            return 0.0
        # 2, 4, 8 ... seconds; the exponent is bounded before the power is taken.
        wait_s = min(2.0 ** min(count - limit.free + 1, 16), limit.longest_s)
        return max(0.0, last_s + wait_s - now_s)


def _keys(account: str, address: str) -> tuple[_Key, _Key, _Key]:
    folded = account.strip().casefold()[:64]
    return ("pair", folded, address), ("address", "", address), ("account", folded, "")
