"""Builds the parts of one hub, runs them and stops them in order; it has no behaviour of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

import aiohttp

from .audit_log import AuditLog
from .bus import Bus
from .camera_desk import CameraDesk
from .clip_index import ClipIndex
from .clock import Clock, SystemClock
from .contracts import Camera, Notifier, Store
from .errors import ActionFailed, MediaError, Problem, SiagaError, StoreFailed
from .event_log import EventLog
from .health import HealthBook
from .housekeeping import Housekeeping
from .intake import Intake
from .journal import Journal
from .media.messages import Reading
from .media.supervisor import MediaSupervisor
from .memory import Memory
from .notice_states import NoticeRules
from .outbox import Outbox
from .plugin_manager import PluginManager
from .services import Lent, PluginServices
from .settings import Settings
from .tasks import Tasks
from .texts import Texts
from .types import Clip, Event, Notice, Picture, new_id

logger = logging.getLogger(__name__)

STOP_LIMIT_S = 10.0
HTTP_TIMEOUT_S = 30.0


class Part(Protocol):
    """What stands above the core and runs with the hub: the rule engine, the web UI."""

    async def start(self) -> None:
        """Begin; called after the core's parts run."""
        ...

    async def stop(self) -> None:
        """End within 5 s; called before the core's parts stop."""
        ...


class Hub:
    """One kelurahan's hub. ``await Hub.open(...)``, ``start``, and ``stop`` whatever happened."""

    journal: Journal
    events: EventLog
    clips: ClipIndex
    audit: AuditLog
    memory: Memory
    outbox: Outbox
    media: MediaSupervisor
    intake: Intake
    store: Store
    desk: CameraDesk

    def __init__(
        self,
        settings: Settings,
        plugins: PluginManager,
        *,
        problems: tuple[Problem, ...] = (),
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.plugins = plugins
        self.problems = problems
        self.clock: Clock = clock or SystemClock()
        self.texts = Texts(settings.site.language)
        self.bus = Bus()
        self.tasks = Tasks(self.clock)
        self.health = HealthBook(self.bus, self.clock)
        self.storage = Path(settings.folder) / settings.storage.path
        self.notifiers: dict[str, Notifier] = {}
        self._parts: list[Part] = []
        self._session: aiohttp.ClientSession | None = None

    @property
    def cameras(self) -> Mapping[str, Camera]:
        """Return the cameras that could be made."""
        return self.desk.cameras

    @property
    def readings(self) -> Mapping[tuple[str, str, str | None], Reading]:
        """Return the newest reading of each camera, kind and zone."""
        return self.intake.readings

    async def open(self) -> None:
        """Open the journal and build the core's parts; nothing moves yet. StoreFailed, PluginError."""
        try:
            self.storage.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise StoreFailed(self.texts("hub.storage_not_made", path=self.storage, why=err.strerror)) from err
        self.store = self.plugins.make(self.plugins.stores["local"], self.storage)
        self.journal = await Journal.open(self.storage / "siaga.db", texts=self.texts)
        self.events = await EventLog.open(self.journal, self.bus)
        self.clips = await ClipIndex.open(self.journal, self.texts)
        self.audit = await AuditLog.open(self.journal)
        self.memory = await Memory.open(self.journal)
        site = self.settings.site
        self.intake = Intake(
            site.id,
            clock=self.clock,
            bus=self.bus,
            events=self.events,
            clips=self.clips,
            store=self.store,
            health=self.health,
        )
        lent = Lent(
            site=site,
            clock=self.clock,
            texts=self.texts,
            tasks=self.tasks,
            memory=self.memory,
            storage=self.storage,
            emit=self.intake.emit,
            http=self._http,
        )
        self._make_notifiers(lent)
        self.outbox = Outbox(
            self.journal,
            self.bus,
            self.clock,
            self.tasks,
            self.notifiers,
            self.intake.emit,
            site.id,
            rules=NoticeRules(self.texts),
        )
        self._build_media(lent)

    def _build_media(self, lent: Lent) -> None:
        self.media = MediaSupervisor(
            settings=self.settings.media,
            storage=self.storage,
            plugin_folder=Path(self.settings.folder) / "plugins",
            clock=self.clock,
            tasks=self.tasks,
            health=self.health,
            sink=self.intake,
            texts=self.texts,
            plugins_off=[plugin.name for plugin in self.plugins.plugins if not plugin.is_on],
        )
        self.housekeeping = Housekeeping(
            self.settings, self.storage, clock=self.clock, intake=self.intake, health=self.health
        )
        self.desk = CameraDesk(lent, plugins=self.plugins, media=self.media, health=self.health)
        self.desk.make(self.settings.cameras)

    def add(self, part: Part) -> None:
        """Let a part from a higher room run with the hub, in the order given."""
        self._parts.append(part)

    async def start(self) -> None:
        """Start everything: what was waiting first, then cameras, then those who act on what they tell."""
        await self.outbox.start()
        await self.media.start()
        self.tasks.start("streams away", self.intake.watch_streams)
        self.tasks.start("housekeeping", self.housekeeping.run)
        self.desk.start(self.tasks, self.settings.cameras)
        for part in self._parts:
            await part.start()
        await self.emit(Event(id=new_id(), site=self.settings.site.id, kind="hub.start", at=self.clock.now()))
        self.plugins.hub_ready(self)

    async def stop(self) -> tuple[str, ...]:
        """Stop in order within ``STOP_LIMIT_S``; return the names of those that were late."""
        late: list[str] = []
        steps: list[tuple[str, Callable[[], Awaitable[object]], float]] = [
            *((type(part).__name__, part.stop, 2.0) for part in reversed(self._parts)),
            ("cameras", self.desk.stop, 2.0),
            ("media", self.media.stop, 5.0),
            ("outbox", self.outbox.stop, 2.0),
            ("notifiers", self._close_notifiers, 1.0),
        ]
        deadline_s = self.clock.mono_s() + STOP_LIMIT_S - 1.0
        for name, stop, limit_s in steps:
            await self._stop_one(name, stop, min(limit_s, max(0.2, deadline_s - self.clock.mono_s())), late)
        late += await self.tasks.stop(max(0.5, deadline_s - self.clock.mono_s()))
        if self._session is not None:
            await self._session.close()
        await self.journal.close()
        return tuple(late)

    # --- what actions, rules and pages may ask (rule_contracts.Hub) -----------------------------

    def camera(self, camera_id: str) -> Camera:
        """Return a camera's control side, or say which exist."""
        try:
            return self.desk.cameras[camera_id]
        except KeyError as err:
            names = ", ".join(sorted(self.desk.cameras))
            raise ActionFailed(self.texts("hub.no_such_camera", camera=camera_id, cameras=names)) from err

    async def emit(self, event: Event) -> int:
        """Commit an event and publish it; return its place in the journal."""
        return await self.intake.emit(event)

    async def burst(self, camera_id: str, at: datetime, before_s: float, after_s: float, key: str) -> str:
        """Cut a clip around a moment; return its id."""
        settings = self.settings.cameras.get(camera_id)
        if settings is not None and settings.record.mode == "off":
            raise MediaError(self.texts("hub.recording_off", camera=camera_id))
        return await self.media.burst(camera_id, at, before_s, after_s, key)

    async def snapshot(self, camera_id: str) -> str:
        """Take a picture now and keep it."""
        taken = await self.media.picture(camera_id)
        try:
            return await self.intake.keep_picture(camera_id, new_id(), taken.at or self.clock.now(), taken.jpeg)
        except StoreFailed as err:
            raise MediaError(str(err)) from err

    async def picture(self, camera_id: str, width_px: int | None = None) -> Picture:
        """Return what a camera sees, not kept."""
        taken = await self.media.picture(camera_id, width_px)
        return Picture(jpeg=taken.jpeg, at=taken.at or self.clock.now())

    async def notify(self, notice: Notice) -> bool:
        """Commit a notice to the outbox."""
        return await self.outbox.put(notice)

    async def clip(self, clip_id: str) -> Clip | None:
        """Return a finished clip."""
        return await self.clips.get(clip_id)

    # --- inside ---------------------------------------------------------------------------------

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HTTP_TIMEOUT_S))
        return self._session

    def _make_notifiers(self, lent: Lent) -> None:
        for notifier_id, settings in self.settings.notifiers.items():
            part = f"notifier {notifier_id}"
            try:
                kind = self.plugins.notifiers[settings.type]
                self.notifiers[notifier_id] = self.plugins.make(kind, settings, PluginServices(lent, part))
            except SiagaError as err:
                self.health.set(part, "off", str(err))
                logger.error("notifier %s is off: %s", notifier_id, err)

    async def _close_notifiers(self) -> None:
        for notifier in self.notifiers.values():
            await notifier.close()

    @staticmethod
    async def _stop_one(name: str, stop: Callable[[], Awaitable[object]], limit_s: float, late: list[str]) -> None:
        try:
            async with asyncio.timeout(limit_s):
                await stop()
        except TimeoutError:
            late.append(name)
        except (SiagaError, OSError) as err:
            logger.warning("%s did not stop cleanly: %s", name, err)
