"""A camera's picture of now for many watchers: asked of the eye once, shared, never old."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from ..core.errors import MediaError
from ..core.texts import Texts
from ..core.types import Picture, Struct
from .ports import HubPort

# Ten screens that ask every two seconds cost an eye one picture a second, not five.
SHARED_FOR_S = 0.9
ANSWER_WITHIN_S = 8.0
AT_ONCE = 4
KEPT = 64


class _Shared(Struct):
    picture: Picture
    taken_mono_s: float


class Pictures:
    """Take pictures, one at a time for each camera and width."""

    def __init__(self, hub: HubPort) -> None:
        self._hub = hub
        self._newest: OrderedDict[tuple[str, int | None], _Shared] = OrderedDict()
        self._locks: dict[tuple[str, int | None], asyncio.Lock] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def take(self, camera: str, width_px: int | None) -> Picture:
        """Return a picture of now. MediaError where there is none, or none in time."""
        key = (camera, width_px)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S), self._locks.setdefault(key, asyncio.Lock()):
                known = self._newest.get(key)
                if known and self._hub.clock.mono_s() - known.taken_mono_s < SHARED_FOR_S:
                    return known.picture
                async with self._slots:
                    picture = await self._hub.picture(camera, width_px)
        except TimeoutError as err:
            raise MediaError(Texts(self._hub.settings.site.language)("web.picture.late")) from err
        self._newest[key] = _Shared(picture=picture, taken_mono_s=self._hub.clock.mono_s())
        self._newest.move_to_end(key)
        while len(self._newest) > KEPT:
            self._newest.popitem(last=False)
        return picture
