"""Builds the parts of one hub, runs them and stops them in order; it has no behaviour of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import msgspec

from .alerts.desk import AlertDesk
from .alerts.ports import Ports
from .audit_log import AuditLog
from .bus import Bus
from .camera_desk import CameraDesk
from .clip_index import ClipIndex
from .clock import Clock, SystemClock
from .contracts import Camera, Notifier, Store, carries_of
from .device_clocks import DeviceClocks
from .errors import ActionFailed, MediaError, Problem, StoreFailed
from .event_log import EventLog
from .first_news import FirstNews
from .gap_book import GapBook
from .gap_filling import GapFilling
from .health import HealthBook
from .housekeeping import Housekeeping
from .intake import Intake
from .journal import Journal
from .link_desk import LinkDesk
from .media.live_views import LiveViews
from .media.messages import Reading
from .media.supervisor import MediaSupervisor
from .media.supervisor_report import MediaTuning
from .memory import Memory
from .notice_states import NoticeRules
from .notifier_desk import NotifierDesk
from .outbox import Outbox
from .plugin_manager import PluginManager
from .preset_book import PresetBook
from .ptz.desk import PtzDesk
from .ptz.ports import Ports as PtzPorts
from .services import Lent
from .settings import Settings
from .states import StateBook
from .stopping import End, Part, end_of_part, stopped, whole
from .tasks import Tasks
from .texts import Texts
from .types import Alert, AlertOutcome, Clip, Event, Incident, Notice, Picture, new_id

logger = logging.getLogger(__name__)

# The whole stop takes 10 s at most: this much for all that may be waited for, the rest for what must be done.
STOP_LIMIT_S = 7.5
HTTP_TIMEOUT_S = 30.0


class Hub:
    """One kelurahan's hub. ``await Hub.open(...)``, ``start``, and ``stop`` whatever happened."""

    journal: Journal
    events: EventLog
    states: StateBook
    clips: ClipIndex
    gaps: GapBook
    audit: AuditLog
    memory: Memory
    outbox: Outbox
    alerts: AlertDesk
    media: MediaSupervisor
    intake: Intake
    store: Store
    desk: CameraDesk
    links: LinkDesk
    senders: NotifierDesk
    views: LiveViews
    ptz: PtzDesk

    def __init__(
        self,
        settings: Settings,
        plugins: PluginManager,
        *,
        problems: tuple[Problem, ...] = (),
        clock: Clock | None = None,
        tuning: MediaTuning | None = None,
    ) -> None:
        self.settings = settings
        self.plugins = plugins
        self.problems = problems
        self.clock: Clock = clock or SystemClock()
        self.texts = Texts(settings.site.language)
        self.bus = Bus()
        self.tasks = Tasks(self.clock)
        self.health = HealthBook(self.bus, self.clock)
        self.storage = settings.storage_folder
        self._parts: list[Part] = []
        self._ends: list[End] = []
        self._tuning = tuning
        self._session: aiohttp.ClientSession | None = None

    @property
    def cameras(self) -> Mapping[str, Camera]:
        """Return the cameras that could be made."""
        return self.desk.cameras

    @property
    def bandwidth(self) -> Mapping[str, str]:
        """Return on which step of ``bandwidth`` each camera stands that was opened."""
        return self.desk.bandwidth.steps

    @property
    def notifiers(self) -> Mapping[str, Notifier]:
        """Return the notifiers that could be made."""
        return self.senders.notifiers

    @property
    def readings(self) -> Mapping[tuple[str, str, str | None], Reading]:
        """Return the newest reading of each camera, kind and zone."""
        return self.intake.readings

    async def open(self) -> None:
        """Open the journal and build the core's parts; nothing moves yet. StoreFailed, PluginError."""
        await self._open_journal()
        site = self.settings.site
        self.intake = Intake(
            site.id,
            clock=self.clock,
            bus=self.bus,
            events=self.events,
            clips=self.clips,
            store=self.store,
            health=self.health,
            texts=self.texts,
            gaps=self.gaps,
        )
        for state in self.states.find("camera"):
            if state.value != "online" and state.subject.of is not None:
                self.intake.remember_away(state.subject.of, f"camera.{state.value}")
        lent = Lent(
            site=site,
            clock=self.clock,
            texts=self.texts,
            tasks=self.tasks,
            memory=self.memory,
            folder=Path(self.settings.folder),
            storage=self.storage,
            emit=self.intake.emit,
            http=self._http,
            clip=self.clips.get,
        )
        self.senders = NotifierDesk(lent, plugins=self.plugins, health=self.health)
        self.senders.make(self.settings.notifiers)
        self._ends.append(End("notifiers", self.senders.close, 1.0))
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
        self._ends.append(End("outbox", whole(self.outbox.stop), 2.0))
        await self._open_alerts()
        self.links = LinkDesk(lent, plugins=self.plugins, health=self.health)
        self.links.make(self.settings.links)
        self._build_media(lent)

    async def _open_journal(self) -> None:
        try:
            self.storage.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise StoreFailed(self.texts("hub.storage_not_made", path=self.storage, why=err.strerror)) from err
        self.store = self.plugins.make(self.plugins.stores["local"], self.storage)
        self.journal = await Journal.open(self.settings.journal_file, texts=self.texts)
        for part in ("journal", "storage"):
            self.health.set(part, "ok")
        self._ends += [
            End("journal", whole(self.journal.close), 1.0, least_s=1.0),
            End("http", whole(self._close_session), 0.5),
            End("tasks", self.tasks.stop, 2.0),
        ]
        self.events = await EventLog.open(self.journal, self.bus)
        self.states = await StateBook.open(self.events, self.bus, self.settings.cameras)
        self.clips = await ClipIndex.open(self.journal, self.texts, self.storage)
        self.gaps = await GapBook.open(self.journal, self.settings.cameras, self.texts("gaps.hub_off"))
        self.audit = await AuditLog.open(self.journal)
        self.memory = await Memory.open(self.journal)
        seen = await PresetBook(self.memory).known(list(self.settings.cameras))
        self.settings = msgspec.structs.replace(self.settings, seen_presets=seen)

    async def _open_alerts(self) -> None:
        self.alerts = AlertDesk(
            self.journal,
            self.events,
            self.settings,
            clock=self.clock,
            texts=self.texts,
            bus=self.bus,
            tasks=self.tasks,
            ports=Ports(
                put=self.outbox.put,
                records=self.outbox.records,
                of_provider=self.outbox.of_provider,
                emit=self.intake.emit,
                clip=self.clips.get,
                carries=lambda name: carries_of(self.notifiers.get(name)),
            ),
        )
        await self.alerts.open()
        self._ends.append(End("alerts", whole(self.alerts.stop), 1.5))

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
            tuning=self._tuning,
            plugins_off=[plugin.name for plugin in self.plugins.plugins if not plugin.is_on],
        )
        self.views = LiveViews(self.media.packets, self.clock)
        # 4 s for the processes, and what it takes to end those that are late.
        self._ends.append(End("media", whole(self.media.stop), 5.0))
        self.housekeeping = Housekeeping(
            self.settings,
            self.storage,
            clock=self.clock,
            intake=self.intake,
            health=self.health,
            events=self.events,
            outbox=self.outbox,
            alerts=self.alerts,
            gaps=self.gaps,
        )
        self.desk = CameraDesk(lent, plugins=self.plugins, media=self.media, health=self.health, intake=self.intake)
        self._ends.append(End("cameras", self.desk.stop, 3.0))
        self.desk.make(self.settings.cameras, isolates=self.settings.isolates_plugins)
        self.ptz = PtzDesk(self._ptz_ports(), cameras=lambda: tuple(self.desk.cameras))
        self._ends.append(End("ptz", self.ptz.stop_watching, 1.0))

    def _ptz_ports(self) -> PtzPorts:
        return PtzPorts(
            site=self.settings.site.id,
            zone=ZoneInfo(self.settings.site.timezone),
            clock=self.clock,
            texts=self.texts,
            tasks=self.tasks,
            memory=self.memory,
            health=self.health,
            camera=self.desk.cameras.get,
            settings=self.settings.cameras.get,
            audit=self.audit.add,
            emit=self.intake.emit,
            stands=self.media.stands,
            has_incident=self.alerts.has_incident,
        )

    def add(self, part: Part) -> None:
        """Let a part from a higher room run with the hub, in the order given."""
        self._parts.append(part)

    async def start(self) -> None:
        """Start everything: what was waiting first, then cameras, then those who act on what they tell."""
        await self.outbox.start()
        await self.alerts.start()
        await self.media.start()
        self.tasks.start("streams away", self.intake.watch_streams)
        self.tasks.start("housekeeping", self.housekeeping.run)
        self.desk.start(self.tasks, self.settings.cameras)
        self.ptz.start(self.tasks)
        clocks = DeviceClocks(self.settings.site.id, clock=self.clock, emit=self.emit, show=self.intake.on_reading)
        clocks.start(self.tasks, self.cameras)
        GapFilling(self, clocks).start(self.tasks)
        self.links.start(self.tasks)
        self.views.start(self.tasks)
        for part in self._parts:
            await part.start()
        news = FirstNews(self.settings.site.id, clock=self.clock, texts=self.texts, emit=self.emit)
        self.tasks.start("hub.start", lambda: news.tell(self.plugins.plugins))
        self.plugins.hub_ready(self)

    async def stop(self) -> tuple[str, ...]:
        """Stop whatever was opened, the newest first, within 10 s; return the names of those that were late.

        Each stop is a task of its own: one that raises is logged, one that does not even hear its
        cancellation is left behind, and neither keeps the others from stopping.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + STOP_LIMIT_S
        closing = Tasks(self.clock)
        late: list[str] = []
        for end in [*(end_of_part(part) for part in reversed(self._parts)), *reversed(self._ends)]:
            limit_s = min(end.limit_s, max(end.least_s, deadline_s - loop.time()))
            late += await stopped(closing, end, limit_s)
        return tuple(late)

    def take_people(self, settings: Settings, problems: tuple[Problem, ...]) -> None:
        """Go on with changed rules, scripts, contacts, teams, rotas and holidays; the rest waits for a restart."""
        self.settings, self.problems = settings, problems
        self.alerts.take_people(settings)

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

    async def alert(self, alert: Alert) -> AlertOutcome:
        """Tell people of one thing."""
        return await self.alerts.alert(alert)

    async def open_incident(self, alert: Alert) -> Incident:
        """Open an incident, or count one more event of an open one."""
        return await self.alerts.open_incident(alert)

    async def acknowledge(self, incident: str, who: str, via: str) -> Incident:
        """Say who takes care of an incident."""
        return await self.alerts.acknowledge(incident, who, via)

    async def close_incident(self, incident: str, who: str, note: str = "") -> Incident:
        """Close an incident."""
        return await self.alerts.close(incident, who, note)

    async def clip(self, clip_id: str) -> Clip | None:
        """Return a finished clip."""
        return await self.clips.get(clip_id)

    # --- inside ---------------------------------------------------------------------------------

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HTTP_TIMEOUT_S))
        return self._session

    async def _close_session(self) -> None:
        if self._session is not None:
            await self._session.close()
