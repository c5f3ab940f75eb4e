"""How long one must wait after wrong passwords: growing, bounded, per account and per address."""

from __future__ import annotations

import math
from collections import OrderedDict

from ..core.clock import Clock

# A person mistypes; a machine guesses. An address may be a whole posko behind one router.
FREE_FOR_ACCOUNT, FREE_FOR_ADDRESS = 4, 12
LONGEST_WAIT_S = 300.0
# After this quiet time the slate is clean.
FORGET_AFTER_S = 3600.0
KEPT = 10_000


class LoginThrottle:
    """Count failures. In memory: a restart of the hub is no tool in a guesser's hand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slates: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def wait_s(self, account: str, address: str) -> int:
        """Return the whole seconds until the next try is taken; 0 means now."""
        now_s = self._clock.mono_s()
        waits = [self._wait_of(key, free, now_s) for key, free in _keys(account, address)]
        return math.ceil(max(waits))

    def failed(self, account: str, address: str) -> None:
        """Count a try; called before the password is checked, so that tries side by side count too."""
        now_s = self._clock.mono_s()
        for key, _ in _keys(account, address):
            count, last_s = self._slates.pop(key, (0, now_s))
            if now_s - last_s > FORGET_AFTER_S:
                count = 0
            self._slates[key] = (count + 1, now_s)
        while len(self._slates) > KEPT:
            self._slates.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Clear the account's slate and take this try off the address's."""
        (account_key, _), (address_key, _) = _keys(account, address)
        self._slates.pop(account_key, None)
        count, last_s = self._slates.get(address_key, (1, 0.0))
        self._slates[address_key] = (count - 1, last_s)

    def _wait_of(self, key: tuple[str, str], free: int, now_s: float) -> float:
        count, last_s = self._slates.get(key, (0, 0.0))
        if count < free or now_s - last_s > FORGET_AFTER_S:
            return 0.0
        # 2, 4, 8 ... seconds; the exponent is bounded before the power is taken.
        wait_s = min(2.0 ** min(count - free + 1, 16), LONGEST_WAIT_S)
        return max(0.0, last_s + wait_s - now_s)


def _keys(account: str, address: str) -> tuple[tuple[tuple[str, str], int], tuple[tuple[str, str], int]]:
    folded = account.strip().casefold()[:64]
    return (("account", folded), FREE_FOR_ACCOUNT), (("address", address), FREE_FOR_ADDRESS)
