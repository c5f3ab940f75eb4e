"""Hears what was committed, so that an event is met without being read again; what was not heard is read."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from ..core.bus import Bus
from ..core.event_log import Committed, EventLog

BATCH = 500
_WAKES = 2_000


class FollowedHub(Protocol):
    """What following needs of the hub."""

    bus: Bus
    events: EventLog


class Following:
    """Follow the journal: ``listen`` runs as a task, ``news`` is set when something was committed."""

    def __init__(self, hub: FollowedHub) -> None:
        self.news = asyncio.Event()
        self._hub = hub
        # Of what is too much to be met at once the oldest is lost here, and read.
        self._heard: deque[Committed] = deque(maxlen=BATCH)

    async def listen(self) -> None:
        """Hear what is committed, in its order."""
        async with self._hub.bus.subscribe(Committed, size=_WAKES, name="rules") as told:
            # What was committed before this task began.
            self.news.set()
            async for committed in told:
                self._heard.append(committed)
                self.news.set()

    async def after(self, seq: int) -> list[Committed]:
        """Return everything that was committed until now behind a place, up to ``BATCH``. StoreFailed."""
        return await self._hub.events.after(seq, BATCH)

    def heard(self, seq: int) -> list[Committed]:
        """Return what was heard behind a place, as far as nothing is missing between; more may be committed already."""
        while self._heard and self._heard[0].seq <= seq:
            self._heard.popleft()
        found: list[Committed] = []
        for committed in self._heard:
            if committed.seq != seq + 1 + len(found):
                break
            found.append(committed)
        return found
