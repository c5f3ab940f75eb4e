"""The hub of a trial: real engine, sources, states and alert desk; what acts on the world is written down instead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count

from ...core.alerts.desk import AlertDesk
from ...core.alerts.ports import Ports
from ...core.bus import Bus
from ...core.clock import Clock
from ...core.contracts import Camera
from ...core.errors import ActionFailed, MediaError
from ...core.event_log import EventLog
from ...core.journal import Journal
from ...core.notice_states import NoticeRecord
from ...core.rule_contracts import Hub, TurnsCameras
from ...core.settings import Settings
from ...core.states import StateBook
from ...core.tasks import Tasks
from ...core.texts import Texts
from ...core.types import (
    ActionCall,
    ActionResult,
    Alert,
    AlertOutcome,
    Clip,
    Event,
    Incident,
    Json,
    Notice,
    Picture,
    Struct,
)
from ..engine import RuleEngine
from ..outside import do_action
from ..rule import ActionStep, LoadedRules
from ..run_log import Decided
from .jumping_loop import LoopClock
from .memory_journal import MemoryJournal

_STOP_S = 1.0


class Deed(Struct):
    """Write down one action that a rule asked for. ``after_s`` is since the trial began, ``path`` its step."""

    after_s: float
    at: datetime
    action: str
    rule_id: str
    run_id: str
    path: str
    target: dict[str, tuple[str, ...]] = {}
    data: dict[str, Json] = {}


class Stage:
    """Fulfil ``EngineHub`` for a trial; runs on a ``JumpingLoop``. Open it with ``set_stage``."""

    journal: Journal
    events: EventLog
    alerts: AlertDesk

    def __init__(self, settings: Settings, texts: Texts, start: datetime) -> None:
        self.settings = settings
        self.texts = texts
        self.clock: Clock = LoopClock(start)
        self.bus = Bus()
        self.tasks = Tasks(self.clock)
        self.deeds: list[Deed] = []
        self._states = StateBook()
        self._numbers = count(1)

    @property
    def states(self) -> StateBook:
        """Return how everything is now."""
        return self._states

    async def open(self) -> None:
        """Make the journal in memory and what stands on it."""
        self.journal = MemoryJournal(self.texts)
        self.events = await EventLog.open(self.journal, self.bus)
        self._states = await StateBook.open(self.events, self.bus, self.settings.cameras)
        self.alerts = AlertDesk(
            self.journal,
            self.events,
            self.settings,
            clock=self.clock,
            texts=self.texts,
            bus=self.bus,
            tasks=self.tasks,
            ports=Ports(
                put=self.notify,
                records=_no_records,
                of_provider=_no_record,
                emit=self.emit,
                clip=self.clip,
                carries=lambda _notifier: frozenset(),
            ),
        )
        await self.alerts.open()
        await self.alerts.start()

    async def close(self) -> None:
        """Let go of everything."""
        await self.alerts.stop()
        await self.tasks.stop(_STOP_S)
        await self.journal.close()

    async def act(self, step: ActionStep, call: ActionCall, hub: Hub) -> ActionResult:
        """Write an action down, and answer as it would have; people and incidents are the real desk's."""
        self.deeds.append(
            Deed(
                after_s=round(self.clock.mono_s(), 3),
                at=self.clock.now(),
                action=call.action,
                rule_id=call.rule_id,
                run_id=call.run_id,
                path=call.key.removeprefix(f"{call.run_id}:"),
                target=call.target,
                data=call.data,
            )
        )
        if call.action.partition(".")[0] in ("notify", "incident"):
            return await do_action(step, call, hub)
        cameras = call.target.get("camera") or ((call.event.camera,) if call.event and call.event.camera else ())
        number = next(self._numbers)
        if call.action == "recording.burst":
            return ActionResult(data={"clips": {camera: f"clip-{number}-{camera}" for camera in cameras}})
        if call.action == "snapshot":
            return ActionResult(data={"images": {camera: f"snapshots/{camera}/{number}.jpg" for camera in cameras}})
        return ActionResult(data={key: value for key, value in call.data.items() if value is not None})

    # --- what rules may ask (rule_contracts.Hub) ------------------------------------------------

    async def emit(self, event: Event) -> int:
        """Commit an event to the journal in memory."""
        return await self.events.add(event)

    async def notify(self, notice: Notice) -> bool:
        """Take a message of the desk: nobody is written to."""
        return True

    async def alert(self, alert: Alert) -> AlertOutcome:
        """Let the desk decide who would be told."""
        return await self.alerts.alert(alert)

    async def open_incident(self, alert: Alert) -> Incident:
        """Open an incident of the trial."""
        return await self.alerts.open_incident(alert)

    async def acknowledge(self, incident: str, who: str, via: str) -> Incident:
        """Acknowledge an incident of the trial."""
        return await self.alerts.acknowledge(incident, who, via)

    async def close_incident(self, incident: str, who: str, note: str = "") -> Incident:
        """Close an incident of the trial."""
        return await self.alerts.close(incident, who, note)

    async def clip(self, clip_id: str) -> Clip | None:
        """Return None: nothing is recorded."""
        return None

    @property
    def ptz(self) -> TurnsCameras:
        """Refuse: no camera is turned."""
        raise ActionFailed(self.texts("rules.trial.no_cameras"))

    def camera(self, camera_id: str) -> Camera:
        """Refuse: no camera is touched."""
        raise ActionFailed(self.texts("rules.trial.no_cameras"))

    async def burst(self, camera_id: str, at: datetime, before_s: float, after_s: float, key: str) -> str:
        """Refuse: nothing is recorded."""
        raise MediaError(self.texts("rules.trial.no_cameras"))

    async def snapshot(self, camera_id: str) -> str:
        """Refuse: no picture is taken."""
        raise MediaError(self.texts("rules.trial.no_cameras"))

    async def picture(self, camera_id: str, width_px: int | None = None) -> Picture:
        """Refuse: no picture is taken."""
        raise MediaError(self.texts("rules.trial.no_cameras"))


@asynccontextmanager
async def set_stage(settings: Settings, texts: Texts, start: datetime) -> AsyncIterator[Stage]:
    """Open a stage for the length of the block."""
    stage = Stage(settings, texts, start)
    await stage.open()
    try:
        yield stage
    finally:
        await stage.close()


@asynccontextmanager
async def playing(
    stage: Stage, loaded: LoadedRules, told: Callable[[Decided], None] | None = None
) -> AsyncIterator[RuleEngine]:
    """Run rules on a stage for the length of the block; ``told`` hears what was decided."""
    engine = RuleEngine(stage, loaded, act=stage.act, told=told)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def _no_records(_keys: Sequence[str]) -> dict[str, NoticeRecord]:
    return {}


async def _no_record(_provider_id: str) -> NoticeRecord | None:
    return None
