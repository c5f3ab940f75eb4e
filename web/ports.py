"""What the pages ask of the hub and of the rule engine, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ..core.alerts.tellings import Told
from ..core.audit_log import AuditLog
from ..core.bus import Bus
from ..core.clip_index import ClipIndex
from ..core.clock import Clock
from ..core.contracts import Camera, EventKind, Kind, Notifier
from ..core.errors import Problem
from ..core.event_log import EventLog
from ..core.gap_book import GapBook
from ..core.health import HealthBook
from ..core.hosting.keeper import HostState
from ..core.inbound import KeyedReceipt
from ..core.journal import Journal
from ..core.media.live_views import LiveView
from ..core.media.messages import EyeCameraReport, Reading, StreamReport
from ..core.ptz.desk import PtzDesk
from ..core.settings import Settings
from ..core.tasks import Tasks
from ..core.types import Event, Health, Incident, Json, Notice, Picture, StreamRole, Trace
from ..rules.files_deciding import ReloadOutcome
from ..rules.rule import NearMiss, RuleState


class MediaPort(Protocol):
    """What the video supervisor tells."""

    def stream(self, camera: str, role: StreamRole) -> StreamReport | None:
        """Return how a stream is doing, None before the first word of it."""
        ...

    def eye_report(self, camera: str) -> EyeCameraReport | None:
        """Return how an eye does with a camera, None before its first word."""
        ...

    def processes(self) -> Sequence[Health]:
        """Return recorder and eyes; figures hold pid, rss_bytes, cpu_s, restarts."""
        ...


class PluginPort(Protocol):
    """What one plugin tells about itself."""

    @property
    def name(self) -> str:
        """Return its name."""
        ...

    @property
    def source(self) -> str:
        """Return where it comes from: built in, installed, or a file."""
        ...

    @property
    def is_on(self) -> bool:
        """Say whether it works."""
        ...

    @property
    def is_disabled(self) -> bool:
        """Say whether the configuration switched it off."""
        ...

    @property
    def reason(self) -> str:
        """Say why it is off."""
        ...

    @property
    def offers(self) -> tuple[str, ...]:
        """Return what it brings."""
        ...


class PluginsPort(Protocol):
    """What the plugin manager tells."""

    @property
    def plugins(self) -> Sequence[PluginPort]:
        """Return every plugin, also those that are off."""
        ...

    @property
    def cameras(self) -> Mapping[str, Kind[Any]]:
        """Return camera kinds."""
        ...

    @property
    def detectors(self) -> Mapping[str, Kind[Any]]:
        """Return detector kinds."""
        ...

    @property
    def stores(self) -> Mapping[str, Kind[Any]]:
        """Return store kinds."""
        ...

    @property
    def notifiers(self) -> Mapping[str, Kind[Any]]:
        """Return notifier kinds."""
        ...

    @property
    def links(self) -> Mapping[str, Kind[Any]]:
        """Return link kinds by name."""
        ...

    @property
    def triggers(self) -> Mapping[str, Kind[Any]]:
        """Return the triggers that rules may use."""
        ...

    @property
    def conditions(self) -> Mapping[str, Kind[Any]]:
        """Return the conditions that rules may use."""
        ...

    @property
    def actions(self) -> Mapping[str, Kind[Any]]:
        """Return the actions that rules may use."""
        ...

    @property
    def event_kinds(self) -> Mapping[str, EventKind]:
        """Return the documented kinds of event."""
        ...


class NoticePort(Protocol):
    """One notice as the outbox keeps it."""

    @property
    def notice(self) -> Notice:
        """Return what was to be sent."""
        ...

    @property
    def state(self) -> str:
        """Return how far it got."""
        ...

    @property
    def updated_at(self) -> datetime:
        """Return when it got there."""
        ...

    @property
    def last_error(self) -> str:
        """Return why the last try failed."""
        ...


class OutboxPort(Protocol):
    """What delivers notices."""

    async def find(
        self,
        *,
        state: Any = None,  # noqa: ANN401  the outbox's own words for a state
        event_id: str | None = None,
        limit: int = 50,
    ) -> Sequence[NoticePort]:
        """Return notices, newest first."""
        ...

    async def receive(self, keyed: KeyedReceipt) -> None:
        """Take a receipt that came later."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """Return how many notices stand in each state."""
        ...

    @property
    def unknown_receipts(self) -> int:
        """Return how many receipts belonged to no notice of ours."""
        ...


class ViewsPort(Protocol):
    """What brings live views."""

    def view(self, camera: str) -> AbstractContextManager[LiveView]:
        """Watch a camera for the length of the block."""
        ...


class AlertsPort(Protocol):
    """What the alert desk tells of incidents, and what may be answered."""

    async def incidents(self, state: str | None = None, limit: int = 50, before: str | None = None) -> list[Incident]:
        """Return the newest incidents, newest first."""
        ...

    async def incident(self, id_or_key: str) -> Incident | None:
        """Return one incident."""
        ...

    async def events(self, incident_id: str, limit: int = 50) -> tuple[Event, ...]:
        """Return the newest events of an incident."""
        ...

    async def told(self, incident_id: str) -> tuple[Told, ...]:
        """Return every message about an incident."""
        ...

    async def report(self, incident_id: str) -> dict[str, Json] | None:
        """Return what happened to an incident in the order of time."""
        ...

    async def acknowledge(self, incident: str, who: str, via: str) -> Incident:
        """Say who takes care of an incident. ActionFailed."""
        ...

    async def close(self, incident: str, who: str, note: str = "") -> Incident:
        """Close an incident. ActionFailed."""
        ...

    def on_duty(self, rota: str, at: datetime | None = None) -> tuple[str, ...]:
        """Return the contacts on duty at a time."""
        ...


class HostsPort(Protocol):
    """What is known of plugins that run in processes of their own."""

    @property
    def states(self) -> Sequence[HostState]:
        """Return how each of them is."""
        ...

    def release(self, plugin: str) -> bool:
        """Let one that rests try again now; False where none of that name does."""
        ...


class CamerasPort(Protocol):
    """What the camera desk is to the pages."""

    @property
    def hosts(self) -> HostsPort:
        """Return the plugins' processes."""
        ...


class HubPort(Protocol):
    """What the concrete hub is to the pages."""

    settings: Settings
    clock: Clock
    bus: Bus
    tasks: Tasks
    journal: Journal
    events: EventLog
    clips: ClipIndex
    gaps: GapBook
    audit: AuditLog
    health: HealthBook
    storage: Path
    problems: tuple[Problem, ...]

    @property
    def desk(self) -> CamerasPort:
        """Return the camera desk."""
        ...

    @property
    def views(self) -> ViewsPort:
        """Return the live views."""
        ...

    @property
    def media(self) -> MediaPort:
        """Return the video supervisor."""
        ...

    @property
    def plugins(self) -> PluginsPort:
        """Return the plugin manager."""
        ...

    @property
    def alerts(self) -> AlertsPort:
        """Return the alert desk."""
        ...

    @property
    def outbox(self) -> OutboxPort:
        """Return the outbox."""
        ...

    @property
    def ptz(self) -> PtzDesk:
        """Return what turns cameras."""
        ...

    @property
    def bandwidth(self) -> Mapping[str, str]:
        """Return each camera's step of saving bandwidth."""
        ...

    @property
    def cameras(self) -> Mapping[str, Camera]:
        """Return the cameras that could be made."""
        ...

    @property
    def notifiers(self) -> Mapping[str, Notifier]:
        """Return the notifiers that could be made."""
        ...

    @property
    def readings(self) -> Mapping[tuple[str, str, str | None], Reading]:
        """Return the newest reading of each camera, kind and zone."""
        ...

    async def picture(self, camera_id: str, width_px: int | None = None) -> Picture:
        """Return what the camera sees. MediaError."""
        ...

    async def emit(self, event: Event) -> int:
        """Commit an event and publish it."""
        ...


class EnginePort(Protocol):
    """What the rule engine tells; the pages never change a rule."""

    async def rules(self) -> Sequence[RuleState]:
        """Return every rule, also those that are wrong."""
        ...

    async def traces(self, rule_id: str, limit: int = 20) -> Sequence[Trace]:
        """Return a rule's newest runs, newest first."""
        ...

    async def traces_of_event(self, event_id: str) -> Sequence[Trace]:
        """Return what an event began, of every rule."""
        ...

    def webhook_methods(self, webhook: str) -> frozenset[str]:
        """Return by which methods rules listen to a webhook; empty when none does."""
        ...

    def near_misses(self, rule_id: str) -> Sequence[NearMiss]:
        """Return why events of the right kind did not fire a rule, newest first."""
        ...


class RuleFilesPort(Protocol):
    """What reads the files of the rules again."""

    last: ReloadOutcome | None

    async def reload(self) -> ReloadOutcome:
        """Read, check and take them, or change nothing. StoreFailed."""
        ...
