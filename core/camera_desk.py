"""The cameras of this hub: made from their kinds, started, tried again, and given to the recorder."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping

from .bandwidth import Bandwidth
from .clock import Clock
from .contracts import Camera, Kind
from .errors import AuthFailed, CameraLost, SiagaError
from .health import HealthBook
from .hosting.desk import HostDesk
from .intake import Intake
from .media.supervisor import MediaSupervisor
from .plugin_manager import PluginManager
from .preset_book import PresetBook
from .services import Lent, PluginServices
from .settings import CameraSettings
from .tasks import Crash, TaskHandle, Tasks, fenced_call

logger = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
# A refused password does not get better by itself, and some cameras lock the account.
AUTH_WAIT_S = 60.0
# A login over a weak network takes some seconds; who says nothing for so long is not there.
START_LIMIT_S = 30.0
PRESETS_LIMIT_S = 12.0
# What a plugin's process has after its cameras were stopped.
PROCESS_LIMIT_S = 0.5
# A hundred logins in one instant are an attack on a weak network; three cameras need not wait for one another.
SPREAD_S, LONGEST_SPREAD_S = 0.03, 3.0


class CameraDesk:
    """Own every camera's control side."""

    def __init__(
        self,
        lent: Lent,
        *,
        plugins: PluginManager,
        media: MediaSupervisor,
        health: HealthBook,
        intake: Intake,
    ) -> None:
        self.cameras: dict[str, Camera] = {}
        self.start_limit_s = START_LIMIT_S
        self._lent = lent
        self._plugins = plugins
        self._media = media
        self._health = health
        self._intake = intake
        self.bandwidth = Bandwidth(lent.site.id, clock=lent.clock, media=media, emit=intake.emit)
        self.hosts = HostDesk(lent, plugins=plugins, health=health, on_back=self._start_again)
        self._starters: dict[str, TaskHandle] = {}
        self._settings: Mapping[str, CameraSettings] = {}
        self._tasks: Tasks | None = None
        self._presets = PresetBook(lent.memory)

    def make(self, settings: Mapping[str, CameraSettings], *, isolates: bool = True) -> None:
        """Build every camera; one whose plugin fails is shown as off, the others are built.

        ``isolates``: those of strangers' plugins are built in processes of their own.
        """
        self.hosts.is_on = isolates
        for camera_id, camera in settings.items():
            kind: Kind[Camera] = self._plugins.cameras[camera.type]
            services = PluginServices(self._lent, f"camera {camera_id}", camera_id)
            try:
                self.cameras[camera_id] = self.hosts.make(kind, camera, services)
            except SiagaError as err:
                self._health.set(f"camera {camera_id}", "off", str(err))
                logger.error("camera %s is off: %s", camera_id, err)

    def start(self, tasks: Tasks, settings: Mapping[str, CameraSettings]) -> None:
        """Start every camera as a task of its own, so that a slow one holds no other."""
        self._tasks, self._settings = tasks, settings
        self.bandwidth.start(tasks)
        self.hosts.start(tasks)
        for camera_id in self.cameras:
            self._start(camera_id)

    def _start(self, camera_id: str) -> None:
        if self._tasks is not None:
            starter = self._starter(self.cameras[camera_id], self._settings[camera_id])
            self._starters[camera_id] = self._tasks.start(f"camera {camera_id}: start", starter)

    def _start_again(self, camera_id: str) -> None:
        """Start a camera whose plugin has come back; its recording has not noticed."""
        if (before := self._starters.get(camera_id)) is not None:
            before.cancel()
        self._start(camera_id)

    async def stop(self, limit_s: float) -> tuple[str, ...]:
        """Stop every camera, all at once; return those that did not let go within the limit, by name."""
        for starter in self._starters.values():
            starter.cancel()
        closing = Tasks(self._clock)
        handles = [
            closing.start(f"camera {camera_id}", camera.stop, restart=False)
            for camera_id, camera in self.cameras.items()
        ]
        await closing.finish(limit_s - PROCESS_LIMIT_S)
        for handle in handles:
            handle.cancel()
        late = tuple(handle.name for handle in handles if not handle.done)
        return (*late, *await self.hosts.stop(PROCESS_LIMIT_S))

    def _starter(self, camera: Camera, settings: CameraSettings) -> Callable[[], Awaitable[None]]:
        async def start() -> None:
            part, wait_s = f"camera {settings.id}", FIRST_WAIT_S
            self._health.set(part, "starting")
            if (spread_s := min(LONGEST_SPREAD_S, SPREAD_S * (len(self.cameras) - 1))) > 0.2:
                await self._clock.sleep(random.uniform(0.0, spread_s))
            while True:
                try:
                    await self._plugins.guard(self._open(camera, settings), settings.id)
                    self._intake.on_started(settings.id)
                    self._health.set(part, "ok")
                    await self._learn_presets(camera, settings.id)
                    return
                except SiagaError as err:
                    is_auth, reason = isinstance(err, AuthFailed), str(err)
                    refused_s = err.wait_s if isinstance(err, AuthFailed) else 0.0
                self._health.set(part, "lost", reason)
                await self._intake.on_start_failed(settings.id, reason, is_auth=is_auth)
                wait_s = AUTH_WAIT_S if is_auth else min(wait_s * 2, LONGEST_WAIT_S)
                await self._clock.sleep(max(refused_s, wait_s * random.uniform(0.5, 1.0)))

        return start

    async def _learn_presets(self, camera: Camera, camera_id: str) -> None:
        # After the pictures: a camera that does not answer this loses nothing but the check of its presets.
        ptz = fenced_call(lambda: camera.ptz)
        if ptz is None or isinstance(ptz, Crash):
            return
        try:
            async with asyncio.timeout(PRESETS_LIMIT_S):
                await self._presets.learn(camera_id, ptz)
        except TimeoutError:
            logger.debug("camera %s does not say its presets", camera_id)

    async def _open(self, camera: Camera, settings: CameraSettings) -> None:
        try:
            async with asyncio.timeout(self.start_limit_s) as limit:
                await camera.start()
                sources = await camera.streams()
        except TimeoutError as err:
            if not limit.expired():
                raise  # the plugin's own
            words = self._lent.texts("hub.camera_silent", camera=settings.id, seconds=f"{self.start_limit_s:g}")
            raise CameraLost(words) from err
        last = await self._intake.last_told(settings.id)
        await self._media.open_camera(settings, await self.bandwidth.opened(settings, camera, sources), last)

    @property
    def _clock(self) -> Clock:
        return self._lent.clock
