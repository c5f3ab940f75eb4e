"""What the door remembers for a while: views already in the audit, who calls how often, right logins."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict

from ..core.clock import Clock

# A player asks for one clip in many ranges: that is one view.
ONE_VIEW_S = 600.0
VIEWS_KEPT = 1000
# WhatsApp sends some receipts for each message; a hundred at once is a busy night.
BURST, PER_S = 100.0, 20.0
ADDRESSES_KEPT = 1000
# Prometheus asks every 15 s: one Argon2 in ten minutes, not forty.
BELIEVED_S = 600.0
BELIEVED_KEPT = 20


class ViewLog:
    """Know which views were written into the audit already."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str, str], float] = {}

    def is_new(self, session: str, what: str, path: str) -> bool:
        """Say whether this view is to be written, and remember it."""
        now_s, key = self._clock.mono_s(), (session, what, path)
        if self._until.get(key, 0.0) > now_s:
            return False
        self._until = {k: until for k, until in self._until.items() if until > now_s}
        while len(self._until) >= VIEWS_KEPT:
            del self._until[next(iter(self._until))]
        self._until[key] = now_s + ONE_VIEW_S
        return True


class HookRate:
    """Let each address call so often and no more; the oldest addresses are forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def may_call(self, address: str) -> bool:
        """Take one call off the address's allowance."""
        now_s = self._clock.mono_s()
        left, then_s = self._left.pop(address, (BURST, now_s))
        left = min(BURST, left + (now_s - then_s) * PER_S)
        self._left[address] = (left - 1 if left >= 1 else left, now_s)
        while len(self._left) > ADDRESSES_KEPT:
            self._left.popitem(last=False)
        return left >= 1


class BasicLogins:
    """Remember, by a keyed hash and for a while, which ``Authorization`` headers were right.

    ``mark`` is the account's mark when it was right: with a new password or a switched-off account it is another.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._salt = secrets.token_bytes(16)
        self._until: dict[bytes, float] = {}

    def is_believed(self, header: str, mark: str) -> bool:
        """Say whether this header was right lately, and would be now."""
        return self._until.get(self._digest(header, mark), 0.0) > self._clock.mono_s()

    def believe(self, header: str, mark: str) -> None:
        """Remember a header that was right."""
        while len(self._until) >= BELIEVED_KEPT:
            del self._until[next(iter(self._until))]
        self._until[self._digest(header, mark)] = self._clock.mono_s() + BELIEVED_S

    def _digest(self, header: str, mark: str) -> bytes:
        # A header may hold any bytes; the mark is of a fixed length, so the two cannot run into each other.
        return hashlib.blake2b((mark + header).encode("utf-8", "surrogateescape"), key=self._salt).digest()
