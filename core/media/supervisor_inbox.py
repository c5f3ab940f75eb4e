"""What one child has told and the hub has not dealt with yet: in order, bounded, pictures go before facts."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from .messages import ClipDone, ClipFailed, EyeEvent, Reading, StreamChanged
from .supervisor_report import ProcessChange

Item = EyeEvent | Reading | StreamChanged | ClipDone | ClipFailed | ProcessChange
MAX_ITEMS = 2000
MAX_PICTURE_BYTES = 16_000_000


class Inbox:
    """Hold items until the hub's journal has taken them, also while its disk is full for a minute."""

    def __init__(self, max_items: int = MAX_ITEMS, max_picture_bytes: int = MAX_PICTURE_BYTES) -> None:
        self.dropped_pictures = 0
        self.dropped_readings = 0
        self.dropped_facts = 0
        self._max_items = max_items
        self._max_picture_bytes = max_picture_bytes
        self._items: deque[Item] = deque()
        self._picture_bytes = 0
        self._has_item = asyncio.Event()
        self._is_settled = asyncio.Event()
        self._is_settled.set()

    async def settled(self) -> None:
        """Wait until everything was dealt with."""
        await self._is_settled.wait()

    def put(self, item: Item) -> None:
        """Take an item; never waits."""
        self._items.append(item)
        self._picture_bytes += _picture_bytes(item)
        while self._picture_bytes > self._max_picture_bytes:
            self._drop_oldest_picture()
        if len(self._items) > self._max_items:
            self._drop_one()
        self._is_settled.clear()
        self._has_item.set()

    async def get(self) -> Item:
        """Return the oldest item; what was got before counts as dealt with."""
        while not self._items:
            self._is_settled.set()
            self._has_item.clear()
            await self._has_item.wait()
        item = self._items.popleft()
        self._picture_bytes -= _picture_bytes(item)
        return item

    def _drop_oldest_picture(self) -> None:
        for index, item in enumerate(self._items):
            if isinstance(item, EyeEvent) and item.jpeg:
                self._items[index] = msgspec.structs.replace(item, jpeg=b"")
                self._picture_bytes -= len(item.jpeg)
                self.dropped_pictures += 1
                return
        self._picture_bytes = 0

    def _drop_one(self) -> None:
        for index, item in enumerate(self._items):
            if isinstance(item, Reading):
                del self._items[index]
                self.dropped_readings += 1
                return
        for index, item in enumerate(self._items):
            # A clip stands on the disk and is accepted from here alone; there are never many.
            if not isinstance(item, ClipDone):
                del self._items[index]
                self._picture_bytes -= _picture_bytes(item)
                self.dropped_facts += 1
                return


def _picture_bytes(item: Item) -> int:
    return len(item.jpeg) if isinstance(item, EyeEvent) else 0
