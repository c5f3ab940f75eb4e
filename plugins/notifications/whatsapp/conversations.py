"""What a WhatsApp notifier remembers across restarts: who wrote to us when, and keys too long to travel."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timezone

from ....core import Services

# Meta: free messages are allowed for 24 hours after the recipient's last message. The margin covers clocks that
# differ and a message that waits on its way: 131047 would come back only through the webhook, after the fact.
WINDOW_S = 24 * 3600 - 600
MAX_KEPT = 500
# A memory takes 64,000 characters of JSON; keys are long where names are.
MAX_CHARACTERS = 60_000
_WINDOWS = "windows"
_LONG_KEYS = "long_keys"


class Conversations:
    """Keep two small bounded books in the notifier's memory; what is oldest goes first."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._books: dict[str, dict[str, str | float]] = {}
        self._lock = asyncio.Lock()

    async def is_open(self, number: str) -> bool:
        """Say whether a free message may go to this number now."""
        last_s = (await self._book(_WINDOWS)).get(_digits(number))
        return isinstance(last_s, int | float) and self._services.clock.now().timestamp() - last_s < WINDOW_S

    async def heard(self, number: str, at: datetime) -> None:
        """Note that this number wrote to us; an older message changes nothing."""
        book = await self._book(_WINDOWS)
        number = _digits(number)
        at_s = min(at, self._services.clock.now()).timestamp()
        last_s = book.get(number)
        if not isinstance(last_s, int | float) or at_s > last_s:
            await self._put(_WINDOWS, number, at_s)

    async def close(self, number: str) -> None:
        """Believe Meta that the 24 hours are over."""
        if _digits(number) in await self._book(_WINDOWS):
            await self._put(_WINDOWS, _digits(number), 0.0)

    async def keep_key(self, short: str, key: str) -> None:
        """Keep a key that travels as its hash."""
        if (await self._book(_LONG_KEYS)).get(short) != key:
            await self._put(_LONG_KEYS, short, key)

    async def key_of(self, short: str) -> str:
        """Return the key behind what came back."""
        return str((await self._book(_LONG_KEYS)).get(short, short))

    async def _book(self, name: str) -> dict[str, str | float]:
        async with self._lock:
            if name not in self._books:
                kept = await self._services.recall(name)
                self._books[name] = dict(kept) if isinstance(kept, dict) else {}
            return self._books[name]

    async def _put(self, name: str, key: str, value: str | float) -> None:
        if _weight(key, value) > MAX_CHARACTERS:
            return
        async with self._lock:
            book = self._books[name]
            book.pop(key, None)
            book[key] = value
            weight = sum(_weight(*item) for item in book.items())
            while book and (len(book) > MAX_KEPT or weight > MAX_CHARACTERS):
                oldest = next(iter(book))
                weight -= _weight(oldest, book.pop(oldest))
            await self._services.remember(name, dict(book))


def _weight(key: str, value: str | float) -> int:
    return len(json.dumps({key: value}, ensure_ascii=False)) + 2


def _digits(number: str) -> str:
    return number.lstrip("+")


def moment(seconds: object, services: Services) -> datetime:
    """Return a webhook's Unix time as UTC; now where it is none."""
    try:
        return datetime.fromtimestamp(float(str(seconds)), timezone.utc)
    except (ValueError, OverflowError, OSError):
        return services.clock.now()
