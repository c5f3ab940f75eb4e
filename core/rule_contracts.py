"""What the rule engine's words must do, and what they may ask of the hub."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from .clock import Clock
from .contracts import Camera
from .settings import Settings
from .texts import Texts
from .types import ActionCall, ActionResult, Alert, AlertOutcome, Clip, Event, Incident, Json, Notice, Picture, Struct


class Subject(Struct):
    """Name what has a state. ``kind`` is ``camera`` (its link), ``incident``, or a kind of event or reading.

    ``of`` is the camera's id, or the incident's key; ``zone`` narrows a kind of event or reading.
    """

    kind: str
    of: str | None = None
    zone: str | None = None


class State(Struct):
    """Tell how a subject is: a camera ``online``, ``offline``, ``auth_failed``; an incident ``open``, ``acknowledged``,
    ``closed``; else the ``data`` of its newest event or reading. ``since``: unchanged from then on."""

    subject: Subject
    value: Json
    data: dict[str, Json]
    at: datetime
    since: datetime


class States(Protocol):
    """What is known of cameras, readings and incidents now."""

    def get(self, subject: Subject) -> State | None:
        """Return the newest state; without a zone, the newest of any zone. None when nothing is known."""
        ...


class Hub(Protocol):
    """What actions, the rule engine and the web may ask of the hub."""

    settings: Settings
    clock: Clock
    texts: Texts
    states: States

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

    async def clip(self, clip_id: str) -> Clip | None:
        """Return a finished clip of the index."""
        ...

    async def alert(self, alert: Alert) -> AlertOutcome:
        """Tell people of a matter: incident, grouping, quiet hours, limits and escalation apply. StoreFailed."""
        ...

    async def open_incident(self, alert: Alert) -> Incident:
        """Open the incident of ``alert.incident``, or join the one that is open; nobody is told. StoreFailed."""
        ...

    async def acknowledge(self, incident: str, who: str, via: str) -> Incident:
        """Take note who answers an incident (id or key); everybody who was told learns it. ActionFailed: none is open."""
        ...

    async def close_incident(self, incident: str, who: str, note: str = "") -> Incident:
        """Close an incident (id or key). ActionFailed: none is open."""
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
    states: States
    event: Event
    trigger_id: str

    def render(self, template: str) -> Json:
        """Render a template with the run's variables; TemplateFailed."""
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
