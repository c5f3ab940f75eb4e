"""The cameras of this hub: made from their kinds, started, tried again, and given to the recorder."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Mapping

from .clock import Clock
from .contracts import Camera, Kind
from .errors import AuthFailed, SiagaError
from .health import HealthBook
from .media.supervisor import MediaSupervisor
from .plugin_manager import PluginManager
from .services import Lent, PluginServices
from .settings import CameraSettings
from .tasks import Tasks

logger = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
# A refused password does not get better by itself, and some cameras lock the account.
AUTH_WAIT_S = 60.0


class CameraDesk:
    """Own every camera's control side."""

    def __init__(self, lent: Lent, *, plugins: PluginManager, media: MediaSupervisor, health: HealthBook) -> None:
        self.cameras: dict[str, Camera] = {}
        self._lent = lent
        self._plugins = plugins
        self._media = media
        self._health = health

    def make(self, settings: Mapping[str, CameraSettings]) -> None:
        """Build every camera; one whose plugin fails is shown as off, the others are built."""
        for camera_id, camera in settings.items():
            kind: Kind[Camera] = self._plugins.cameras[camera.type]
            services = PluginServices(self._lent, f"camera {camera_id}", camera_id)
            try:
                self.cameras[camera_id] = self._plugins.make(kind, camera, services)
            except SiagaError as err:
                self._health.set(f"camera {camera_id}", "off", str(err))
                logger.error("camera %s is off: %s", camera_id, err)

    def start(self, tasks: Tasks, settings: Mapping[str, CameraSettings]) -> None:
        """Start every camera as a task of its own, so that a slow one holds no other."""
        for camera_id, camera in self.cameras.items():
            tasks.start(f"camera {camera_id}: start", self._starter(camera, settings[camera_id]), restart=False)

    async def stop(self) -> None:
        """Stop every camera; one that fails to let go is logged."""
        for camera_id, camera in self.cameras.items():
            try:
                await camera.stop()
            except (SiagaError, OSError) as err:
                logger.warning("camera %s did not stop cleanly: %s", camera_id, err)

    def _starter(self, camera: Camera, settings: CameraSettings) -> Callable[[], Awaitable[None]]:
        async def start() -> None:
            part, wait_s = f"camera {settings.id}", FIRST_WAIT_S
            while True:
                try:
                    await self._plugins.guard(self._open(camera, settings), settings.id)
                    self._health.set(part, "ok")
                    return
                except SiagaError as err:
                    self._health.set(part, "lost", str(err))
                    wait_s = AUTH_WAIT_S if isinstance(err, AuthFailed) else min(wait_s * 2, LONGEST_WAIT_S)
                await self._clock.sleep(wait_s * random.uniform(0.5, 1.0))

        return start

    async def _open(self, camera: Camera, settings: CameraSettings) -> None:
        await camera.start()
        await self._media.open_camera(settings, await camera.streams())

    @property
    def _clock(self) -> Clock:
        return self._lent.clock
