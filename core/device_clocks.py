"""How far each camera's clock is off: measured, shown, and told once when it matters."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from .clock import Clock
from .contracts import Camera
from .device_contracts import HasClock
from .media.messages import Reading
from .tasks import Crash, Tasks, fenced
from .types import Event, Json, new_id

logger = logging.getLogger(__name__)

FIRST_AFTER_S, EVERY_S, ANSWER_LIMIT_S = 20.0, 3600.0, 12.0
# Evidence whose picture shows another minute than the journal is doubted; it is right again well below that.
WRONG_S, RIGHT_S = 30.0, 15.0
KIND = "camera.clock"


class DeviceClocks:
    """Ask each camera that tells its time, now and then."""

    def __init__(
        self,
        site: str,
        *,
        clock: Clock,
        emit: Callable[[Event], Awaitable[int]],
        show: Callable[[Reading], Awaitable[None]],
    ) -> None:
        self._site = site
        self._clock = clock
        self._emit = emit
        self._show = show
        self._wrong: set[str] = set()

    def start(self, tasks: Tasks, cameras: Mapping[str, Camera]) -> None:
        """Follow every camera that has a clock, each by a task of its own."""
        for camera_id, camera in cameras.items():
            if isinstance(camera, HasClock):
                tasks.start(f"camera {camera_id}: clock", self._follower(camera_id, camera))

    def _follower(self, camera_id: str, camera: HasClock) -> Callable[[], Awaitable[None]]:
        async def follow() -> None:
            # Not all in one second, and not while they are still being logged into.
            await self._clock.sleep(FIRST_AFTER_S * random.uniform(0.5, 1.5))
            while True:
                offset_s = await self.measure(camera_id, camera)
                if offset_s is not None:
                    await self._take(camera_id, offset_s)
                await self._clock.sleep(EVERY_S * random.uniform(0.9, 1.1))

        return follow

    async def measure(self, camera_id: str, camera: HasClock) -> float | None:
        """Return by how many seconds a camera is ahead of the hub, to about a second; None when it does not say."""
        before = self._clock.now()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                told = await fenced(camera.device_time)
        except TimeoutError:
            return None
        if isinstance(told, Crash) or not isinstance(told, datetime) or told.tzinfo is None:
            logger.debug("camera %s does not tell its time: %s", camera_id, told)
            return None
        # It was said halfway, as far as anybody knows.
        middle = before + (self._clock.now() - before) / 2
        return (told - middle).total_seconds()

    async def _take(self, camera_id: str, offset_s: float) -> None:
        data: dict[str, Json] = {"offset_s": round(offset_s, 1)}
        await self._show(Reading(camera=camera_id, kind=KIND, at=self._clock.now(), zone=None, data=data))
        was_wrong = camera_id in self._wrong
        is_wrong = abs(offset_s) > (RIGHT_S if was_wrong else WRONG_S)
        if is_wrong == was_wrong:
            return
        self._wrong.symmetric_difference_update({camera_id})
        event = Event(
            id=new_id(),
            site=self._site,
            kind=KIND,
            at=self._clock.now(),
            camera=camera_id,
            data={**data, "is_right": not is_wrong},
        )
        await self._emit(event)
