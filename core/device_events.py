"""What a device says of itself, again and again, made into events: told when it begins and when it ends."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from .contracts import Services
from .types import Json

logger = logging.getLogger(__name__)

# What is told when something of a device is over; ``what`` says which kind began it.
ENDED = "device.ended"
# A device that is broken or shaken by the wind tells hundreds of events a minute; rules need the first of them.
_BURST, _PER_S = 20.0, 2.0
# More things than any device watches at once; a device that makes names up must not fill the memory.
_MOST_OPEN = 200
_LOOK_EVERY_S = 1.0
_COMPLAIN_EVERY_S = 60.0


class DeviceEvents:
    """Follow what is on at one device.

    A repeat of what is on is not told again. What the device never calls off ends by silence after ``ends_after_s``;
    0 waits for the device's own word. A flood is thinned to two events a second, and what is left out is counted.
    """

    def __init__(self, services: Services, *, ends_after_s: float = 10.0) -> None:
        self._services = services
        self._ends_after_s = ends_after_s
        # What is on, and when it was said last.
        self._open: dict[tuple[str, str], float] = {}
        self._is_watched = False
        self._credit = _BURST
        self._credit_s = services.clock.mono_s()
        self._complained_s = float("-inf")
        self.left_out = 0

    async def take(
        self, kind: str, source: str = "", is_on: bool | None = True, data: Mapping[str, Json] | None = None
    ) -> None:
        """Take one word of the device. ``is_on`` None: it happened, and has no end.

        ``source`` tells apart what may be on side by side: a rule's name, an input's token.
        """
        key = (kind, source)
        now_s = self._services.clock.mono_s()
        if is_on is None:
            await self._tell(kind, source, True, data or {})
        elif is_on:
            is_new = key not in self._open
            if is_new and len(self._open) >= _MOST_OPEN:
                self._leave_out()
                return
            self._open[key] = now_s
            self._watch()
            if is_new:
                await self._tell(kind, source, True, data or {})
        elif self._open.pop(key, None) is not None:
            await self._tell(kind, source, False, data or {})

    async def lost(self) -> None:
        """End what is on: the device was lost, and nobody knows."""
        for kind, source in list(self._open):
            if self._open.pop((kind, source), None) is not None:
                await self._tell(kind, source, False, {})

    def _watch(self) -> None:
        if self._ends_after_s > 0 and not self._is_watched:
            self._is_watched = True
            self._services.start("what is on", self._end_silent)

    async def _end_silent(self) -> None:
        try:
            while self._open:
                await self._services.clock.sleep(_LOOK_EVERY_S)
                limit_s = self._services.clock.mono_s() - self._ends_after_s
                for (kind, source), said_s in list(self._open.items()):
                    if said_s <= limit_s and self._open.get((kind, source)) == said_s:
                        del self._open[kind, source]
                        await self._tell(kind, source, False, {})
        finally:
            self._is_watched = False

    async def _tell(self, kind: str, source: str, is_on: bool, data: Mapping[str, Json]) -> None:
        now_s = self._services.clock.mono_s()
        self._credit = min(_BURST, self._credit + (now_s - self._credit_s) * _PER_S)
        self._credit_s = now_s
        if self._credit < 1.0:
            self._leave_out()
            return
        self._credit -= 1.0
        # An end is a kind of its own: a rule on ``device.line`` must not alarm once more when the line is left.
        if is_on:
            await self._services.emit(kind, data={**data, "source": source})
        else:
            await self._services.emit(ENDED, data={**data, "what": kind, "source": source})

    def _leave_out(self) -> None:
        self.left_out += 1
        now_s = self._services.clock.mono_s()
        if now_s - self._complained_s >= _COMPLAIN_EVERY_S:
            self._complained_s = now_s
            logger.warning("a device tells too many events; %d were left out so far", self.left_out)
