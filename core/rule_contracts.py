"""What the rule engine's words must do, and what they may ask of the hub."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from .clock import Clock
from .contracts import Camera
from .ptz.lease import Mover
from .settings import Settings
from .texts import Texts
from .types import (
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


class Subject(Struct):
    """Name what can have a state: ``camera``, ``incident`` (``of`` is its key), or a kind of event or reading."""

    kind: str
    of: str | None = None
    zone: str | None = None


class State(Struct):
    """Say how a subject is: ``at`` it was told last, ``since`` its value is the same.

    ``value``: online, offline, auth_failed; open, acknowledged, closed; or the main number or word of a kind, None
    when it cannot be told.
    """

    subject: Subject
    value: Json
    at: datetime
    since: datetime
    data: dict[str, Json] = {}


class States(Protocol):
    """How everything is now."""

    def get(self, subject: Subject) -> State | None:
        """Return how a subject is, None when nothing was told of it yet."""
        ...

    def find(self, kind: str, of: str | None = None) -> tuple[State, ...]:
        """Return the states of a kind, of one camera or incident or of all, whatever zone; the newest last."""
        ...

    def hear(self, seq: int, event: Event) -> None:
        """Take an event that was read from the journal before the bus told it: what is decided by it must see it."""
        ...


class TurnsCameras(Protocol):
    """How cameras are turned (``ptz.desk``): a person outranks a rule outranks a patrol.

    Errors: CameraHeld says who holds the camera and until when; NotSupported, CameraLost, AuthFailed, PluginError.
    ``hold_s``: nobody of a lower rank may turn it for so long after.
    """

    async def goto(self, camera: str, preset: str, who: Mover, *, hold_s: float | None = None) -> None:
        """Turn a camera to a preset."""
        ...

    async def move(
        self,
        camera: str,
        speed: tuple[float, float, float],
        seconds: float,
        who: Mover,
        *,
        hold_s: float | None = None,
    ) -> None:
        """Turn a camera at a speed of -1..1 (pan, tilt, zoom) for some seconds."""
        ...

    async def stop(self, camera: str, who: Mover) -> None:
        """Hold a camera still."""
        ...

    async def home(self, camera: str, who: Mover, *, hold_s: float | None = None) -> None:
        """Turn a camera to its home."""
        ...

    async def release(self, camera: str, who: Mover) -> None:
        """Give a camera back."""
        ...

    async def patrol(self, camera: str, who: Mover, *, is_on: bool) -> None:
        """Switch a camera's patrol on or off."""
        ...


class Hub(Protocol):
    """What actions, the rule engine and the web may ask of the hub."""

    settings: Settings
    clock: Clock
    texts: Texts

    @property
    def states(self) -> States:
        """Return how everything is now."""
        ...

    @property
    def ptz(self) -> TurnsCameras:
        """Return what turns cameras."""
        ...

    def camera(self, camera_id: str) -> Camera:
        """Return a camera's control side; ActionFailed names the nearest when there is none."""
        ...

    async def emit(self, event: Event) -> int:
        """Commit an event, publish it, return its place in the journal."""
        ...

    async def burst(self, camera_id: str, at: datetime, before_s: float, after_s: float, key: str) -> str:
        """Record from ``before_s`` before ``at`` to ``after_s`` after it; return the clip's id.

        A burst that overlaps one under way extends it and returns the same id. MediaError.
        """
        ...

    async def snapshot(self, camera_id: str) -> str:
        """Take a picture now, keep it, return its path below the storage folder. MediaError."""
        ...

    async def picture(self, camera_id: str, width_px: int | None = None) -> Picture:
        """Return what the camera sees, not kept. MediaError."""
        ...

    async def notify(self, notice: Notice) -> bool:
        """Commit a notice to the outbox; False when its key was there already."""
        ...

    async def alert(self, alert: Alert) -> AlertOutcome:
        """Tell people of one thing; return whom. StoreFailed: ask again with the same key."""
        ...

    async def open_incident(self, alert: Alert) -> Incident:
        """Open an incident without telling anybody, or count one more event of an open one."""
        ...

    async def acknowledge(self, incident: str, who: str, via: str) -> Incident:
        """Say who takes care of an incident, by its id or key; everybody who was told learns it.

        ActionFailed where there is none, or where somebody else was first: it says who, and when.
        """
        ...

    async def close_incident(self, incident: str, who: str, note: str = "") -> Incident:
        """Close an incident, by its id or key. ActionFailed where none is open."""
        ...

    async def clip(self, clip_id: str) -> Clip | None:
        """Return a finished clip of the index."""
        ...


class Trigger(Protocol):
    """Start a rule. Factory: ``make(options: dict, texts: Texts) -> Trigger``.

    ``kinds`` and ``cameras`` index it (empty means any); ``miss`` decides.
    """

    kinds: tuple[str, ...]
    cameras: tuple[str, ...]

    def miss(self, event: Event) -> str | None:
        """Return None when the event fires this trigger, else the reason why not, in words."""
        ...


class Verdict(Struct):
    """What a condition decided, with the values that decided."""

    is_true: bool
    values: dict[str, Json] = {}


class Moment(Protocol):
    """What a condition may look at."""

    clock: Clock
    settings: Settings
    event: Event
    trigger_id: str

    @property
    def states(self) -> States:
        """Return how everything is now."""
        ...

    def render(self, template: str, more: Mapping[str, Any] = {}) -> Json:
        """Render a template with the run's variables and ``more``; TemplateFailed."""
        ...


class Condition(Protocol):
    """Let a run go on or not; pure. Factory: ``make(options: dict) -> Condition``."""

    def decide(self, moment: Moment) -> Verdict:
        """Decide now; TemplateFailed where a template is wrong."""
        ...


class Action(Protocol):
    """Do one thing. Factory: ``make() -> Action``. The kind's schema checks ``data``.

    ``targets`` names the target keys it takes (``camera``, ``contact``); empty means none.
    Doing the same ``call.key`` twice has the effect of doing it once.
    """

    targets: tuple[str, ...]

    async def run(self, call: ActionCall, hub: Hub) -> ActionResult:
        """Do it; ActionFailed (or any SiagaError) where it could not be done."""
        ...
