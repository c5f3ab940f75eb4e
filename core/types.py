"""The frozen data that flows between rooms, processes, the journal and the screen.

Coordinates are fractions of the picture, 0..1 from the top left. ``at`` is UTC for people;
``*_mono_s`` is CLOCK_MONOTONIC in seconds, one clock for every process of a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, dataclass_transform

import msgspec
import uuid_utils

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Json = Any  # None, bool, int, float, str, and lists and dicts of them
Point = tuple[float, float]
Polygon = tuple[Point, ...]
StreamRole = Literal["main", "sub"]
Priority = Literal["low", "normal", "high"]


def new_id() -> str:
    """Return a UUID version 7 (RFC 9562): unique, and sorted by the time it was made."""
    return str(uuid_utils.uuid7())


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _FrozenMeta(msgspec.StructMeta):
    """Make every subclass frozen and keyword-only: msgspec passes on the first, not the second."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:  # noqa: ANN401
        return super().__new__(mcls, name, bases, namespace, **{"frozen": True, "kw_only": True, **options})


class Struct(msgspec.Struct, metaclass=_FrozenMeta):
    """Give every travelling type the same shape: frozen, keyword-only, msgspec-encodable."""


class Box(Struct):
    """Bound a thing in the picture; fractions of width and height."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def foot(self) -> Point:
        """Return the middle of the lower edge: where a standing thing touches the ground."""
        return ((self.left + self.right) / 2, self.bottom)

    @property
    def middle(self) -> Point:
        """Return the point in the middle."""
        return ((self.left + self.right) / 2, (self.top + self.bottom) / 2)

    @property
    def area(self) -> float:
        """Return how much of the picture it covers, 0..1."""
        return (self.right - self.left) * (self.bottom - self.top)

    def common(self, other: Box) -> float:
        """Return how much of the picture both cover, 0..1."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down)

    def overlap(self, other: Box) -> float:
        """Return what both cover by what they cover together (intersection over union), 0..1."""
        common = self.common(other)
        return common / (self.area + other.area - common) if common > 0 else 0.0

    def share_in(self, other: Box) -> float:
        """Return which share of this box lies in another, 0..1."""
        return self.common(other) / self.area if self.area > 0 else 0.0


class Frame(Struct):
    """Hold one decoded picture inside an eye; it never leaves that process.

    ``luma`` is uint8 [height, width], a view on the decoder's plane. ``colour()`` converts to
    uint8 BGR [height, width, 3] on first use and is shared by all who ask.
    """

    camera: str
    at: datetime
    arrived_mono_s: float
    is_key: bool
    luma: NDArray[np.uint8]
    colour: Callable[[], NDArray[np.uint8]]


class Detection(Struct):
    """Say that a detector saw one thing of a label in one frame; ``score`` 0..1."""

    label: str
    score: float
    box: Box


class Observation(Struct):
    """Say a fact about the scene that needs no tracking: it becomes an Event as it is.

    ``is_event`` False keeps it as the camera's newest reading (shown, not journaled).
    """

    kind: str
    zone: str | None = None
    score: float | None = None
    data: dict[str, Json] = {}
    boxes: tuple[Box, ...] = ()
    is_event: bool = True


class Sighting(Struct):
    """Follow one thing through a camera's frames under one id."""

    track: int
    label: str
    score: float
    box: Box
    zones: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime

    def is_in(self, zone: str | None) -> bool:
        """Say whether the thing stands in a zone; None is the whole picture."""
        return zone is None or zone in self.zones


class Event(Struct):
    """Record that something happened; committed to the journal before any rule sees it.

    ``snapshot`` is a path below the storage folder. ``data`` follows the kind's schema.
    """

    id: str
    site: str
    kind: str
    at: datetime
    camera: str | None = None
    zone: str | None = None
    score: float | None = None
    data: dict[str, Json] = {}
    snapshot: str | None = None


class Clip(Struct):
    """Index one recording. ``path`` is below the storage folder; ``sha256`` is of the file.

    ``chain`` is SHA-256 over the previous clip's chain and this ``sha256``, filled in by the index. ``origin`` is
    ``card`` where a camera kept it and it was fetched later, "" where the recorder cut it itself.
    """

    id: str
    camera: str
    path: str
    start: datetime
    end: datetime
    codec: str
    size_bytes: int
    sha256: str
    keys: tuple[str, ...] = ()
    has_gap: bool = False
    chain: str = ""
    origin: str = ""


class Picture(Struct):
    """Hold a JPEG of what a camera saw ``at`` a time; a sleeping scene's is its newest keyframe."""

    jpeg: bytes
    at: datetime


class Notice(Struct):
    """Ask for one message to one address; ``key`` makes it unique for ever (idempotency).

    ``image`` is a path below the storage folder, ``clip`` the id of a clip that may still grow.
    ``parameters`` fill a template message where the notifier has one. ``expires_at``: later than this it is of no use.
    ``thread`` is the far side's id of the message that this one continues; ``asks_answer`` wants a button to
    acknowledge ``incident_id`` where the notifier can show one. ``since`` is when that happened of which it tells:
    what is sent much later says so.
    """

    id: str
    key: str
    notifier: str
    to: str
    text: str
    created_at: datetime
    expires_at: datetime
    image: str | None = None
    clip: str | None = None
    priority: Priority = "normal"
    parameters: tuple[str, ...] = ()
    event_id: str | None = None
    run_id: str | None = None
    incident_id: str | None = None
    thread: str | None = None
    asks_answer: bool = False
    since: datetime | None = None


class Escalation(Struct):
    """Say whom to tell when nobody acknowledged an alert within ``after_s`` of it; ``text`` "" repeats the alert's."""

    after_s: float
    target: dict[str, tuple[str, ...]] = {}
    text: str = ""


class Alert(Struct):
    """Ask that people be told of one thing; the alert desk makes the notices.

    ``key`` is the same when the step is repeated after a crash. ``target`` maps ``contact``, ``team`` and ``rota``
    to names; ``notifier`` limits it to one, ``to`` are bare addresses there. ``incident`` is the key under which
    many events are one incident ("" for none), ``group_s`` how long the same step stays silent for it. ``late_s``
    is by how much the rule was late: a wait that the rule itself asks for is no delay.
    """

    key: str
    text: str
    target: dict[str, tuple[str, ...]] = {}
    notifier: str | None = None
    to: tuple[str, ...] = ()
    title: str = ""
    priority: Priority = "normal"
    incident: str = ""
    group_s: float = 0.0
    escalate: tuple[Escalation, ...] = ()
    image: str | None = None
    clip: str | None = None
    parameters: tuple[str, ...] = ()
    expires_s: float = 1_800.0
    late_s: float = 0.0
    event: Event | None = None
    run_id: str = ""
    rule_id: str = ""
    step: str = ""


class AlertOutcome(Struct):
    """Say what an alert led to: who is told (``notifier:address``), and its incident.

    ``known`` were told already under the same key. By name and with the reason: ``held`` are told later (quiet
    hours, a limit), ``left_out`` cannot be reached at all. ``is_grouped``: it only counted, nobody is told anew.
    """

    told: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    held: dict[str, str] = {}
    left_out: dict[str, str] = {}
    incident_id: str | None = None
    is_grouped: bool = False


class Incident(Struct):
    """Gather many events into one matter that somebody answers: open, acknowledged, closed.

    ``key`` is the operator's grouping key; one incident of a key is open at a time.
    """

    id: str
    key: str
    site: str
    title: str
    state: Literal["open", "acknowledged", "closed"]
    opened_at: datetime
    last_at: datetime
    priority: Priority = "normal"
    events: int = 1
    camera: str | None = None
    zone: str | None = None
    rule_id: str = ""
    event_id: str | None = None
    snapshot: str | None = None
    acknowledged_by: str = ""
    acknowledged_via: str = ""
    acknowledged_at: datetime | None = None
    closed_by: str = ""
    closed_at: datetime | None = None
    note: str = ""


class Receipt(Struct):
    """Say what became of a notice. ``provider_id`` is the far side's message id."""

    state: Literal["accepted", "sent", "delivered", "read", "failed"]
    at: datetime
    provider_id: str | None = None
    detail: str = ""


class ActionCall(Struct):
    """Ask for one action of a rule; ``key`` is the same when the step is repeated after a crash.

    ``late_s``: so long after its time the run began, because the hub was away or the event came late.
    """

    action: str
    key: str
    target: dict[str, tuple[str, ...]] = {}
    data: dict[str, Json] = {}
    event: Event | None = None
    run_id: str = ""
    rule_id: str = ""
    late_s: float = 0.0


class ActionResult(Struct):
    """Say how an action went; ``data`` goes into the trace and to ``response_variable``."""

    is_ok: bool = True
    data: dict[str, Json] = {}
    error: str = ""


class Health(Struct):
    """Say how one part is: a process, a camera's stream, a plugin, the journal, the disk."""

    part: str
    state: Literal["starting", "ok", "degraded", "lost", "off"]
    since: datetime
    reason: str = ""
    last_seen: datetime | None = None
    figures: dict[str, float] = {}


class TraceStep(Struct):
    """Say what one step of a rule did, with the values that decided. ``path`` as ``actions[2]``."""

    path: str
    what: str
    at: datetime
    outcome: Literal["done", "true", "false", "skipped", "failed", "waiting"]
    values: dict[str, Json] = {}
    error: str = ""


class Trace(Struct):
    """Say why each step of one run of a rule did or did not happen."""

    run_id: str
    rule_id: str
    started_at: datetime
    state: Literal["running", "finished", "conditions_failed", "failed", "cut_off", "dropped"]
    event_id: str | None = None
    ended_at: datetime | None = None
    steps: tuple[TraceStep, ...] = ()
    reason: str = ""


class AuditEntry(Struct):
    """Record who did what to what: a login, a view of evidence, a PTZ move, a change."""

    at: datetime
    who: str
    what: str
    subject: str = ""
    detail: Mapping[str, Json] = {}
