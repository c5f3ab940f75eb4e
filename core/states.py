"""How everything is now: what the newest event or reading says of each camera, measurement and incident."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from .bus import Bus
from .event_log import Committed, EventLog
from .media.messages import Reading
from .rule_contracts import State, Subject
from .types import Event, Health, Json

# Kinds times cameras times zones of a large site, with room; a plugin that invents zones pushes out its oldest.
SUBJECTS_KEPT = 20_000
# So far back the incidents are looked for at the start; one that is open for longer is in its own table.
INCIDENT_EVENTS = 500
CAMERA_WORDS = {"camera.online": "online", "camera.offline": "offline", "camera.auth_failed": "auth_failed"}
INCIDENT_WORDS = {
    "incident.opened": "open",
    "incident.acknowledged": "acknowledged",
    "incident.closed": "closed",
}
# What tells of the hub's own work is no state of anything.
_NO_STATES = ("rule.", "notice.", "clip.", "hub.", "incident.")
# Where a kind keeps its main number or word, when no field is named after the kind itself.
_MAIN_FIELDS = ("to", "stage", "state", "level_cm", "count", "value")

Listener = Callable[[State | None, State], None]


class StateBook:
    """Fulfil ``rule_contracts.States``. Whoever told last is right, also when the clock was set back meanwhile."""

    def __init__(self) -> None:
        self._states: OrderedDict[Subject, State] = OrderedDict()
        self._by_kind: dict[str, dict[str | None, dict[Subject, None]]] = {}
        self._listeners: tuple[Listener, ...] = ()
        self._seq = 0

    @classmethod
    async def open(cls, events: EventLog, bus: Bus, cameras: Iterable[str] = ()) -> StateBook:
        """Take what the journal says last, then everything that the bus tells. StoreFailed."""
        book = cls()
        bus.listen(book._meet_message, Committed, Reading, Health)
        book._seq = max(book._seq, await events.last_seq())
        told = [*await events.newest((None, *cameras), without=_NO_STATES)]
        for kind in INCIDENT_WORDS:
            told += await events.find(kind=kind, limit=INCIDENT_EVENTS)
        heard = set(book._states)
        for committed in sorted(told, key=lambda one: one.seq):
            book.meet(committed.event, besides=heard)
        return book

    def get(self, subject: Subject) -> State | None:
        """Return how a subject is, None when nothing was told of it yet."""
        return self._states.get(subject)

    def find(self, kind: str, of: str | None = None) -> tuple[State, ...]:
        """Return the states of a kind, of one camera or incident or of all, whatever zone; the newest last."""
        held = self._by_kind.get(kind, {})
        found = [held.get(of, {})] if of is not None else list(held.values())
        states = (self._states[subject] for subjects in found for subject in subjects)
        return tuple(sorted(states, key=lambda state: state.at))

    def listen(self, listener: Listener) -> None:
        """Be told the old and the new state each time something is told, at once: the listener only takes notes."""
        self._listeners = (*self._listeners, listener)

    def forget(self, listener: Listener) -> None:
        """Tell a listener no more."""
        self._listeners = tuple(one for one in self._listeners if one != listener)

    def hear(self, seq: int, event: Event) -> None:
        """Take an event by its place in the journal; one that was heard before changes nothing."""
        if seq > self._seq:
            self._seq = seq
            self.meet(event)

    def meet(self, event: Event, besides: Iterable[Subject] = ()) -> None:
        """Take what an event says; not of the subjects ``besides``."""
        subject, value = _said_by(event)
        if subject is not None and subject not in besides:
            self._put(subject, value, event.data, event.at)

    def put(self, subject: Subject, value: Json, data: Mapping[str, Json], at: datetime) -> None:
        """Take how a subject is, where no event says so: a rule on trial begins with it."""
        self._put(subject, value, data, at)

    def _meet_message(self, message: object) -> None:
        if isinstance(message, Committed):
            self.hear(message.seq, message.event)
        elif isinstance(message, Reading):
            subject = Subject(kind=message.kind, of=message.camera, zone=message.zone)
            self._put(subject, main_value(message.kind, message.data), message.data, message.at)
        elif isinstance(message, Health):
            self._meet_health(message)

    def _meet_health(self, health: Health) -> None:
        """Take a camera that never failed as online: events tell only of changes."""
        sort, _, name = health.part.partition(" ")
        subject = Subject(kind="camera", of=name.rpartition(" ")[0])
        if sort == "camera" and health.state == "ok" and subject.of and subject not in self._states:
            self._put(subject, "online", {}, health.since)

    def _put(self, subject: Subject, value: Json, data: Mapping[str, Json], at: datetime) -> None:
        old = self._states.get(subject)
        is_same = old is not None and _same(old.value, value)
        since = old.since if old is not None and is_same else at
        new = self._states[subject] = State(subject=subject, value=value, data=dict(data), at=at, since=since)
        self._states.move_to_end(subject)
        if old is None:
            self._by_kind.setdefault(subject.kind, {}).setdefault(subject.of, {})[subject] = None
            self._drop_oldest()
        for listener in self._listeners:
            listener(old, new)

    def _drop_oldest(self) -> None:
        while len(self._states) > SUBJECTS_KEPT:
            oldest, _ = self._states.popitem(last=False)
            del self._by_kind[oldest.kind][oldest.of][oldest]


def main_value(kind: str, data: Mapping[str, Json], score: float | None = None) -> Json:
    """Return the main number or word of what was told: ``level_cm`` of ``flood.level``, ``to`` of ``flood.stage``."""
    if "to" in data:
        return data["to"]
    named = kind.rpartition(".")[2]
    for field in (*(one for one in data if one == named or one.startswith(f"{named}_")), *_MAIN_FIELDS):
        if field in data:
            return data[field]
    return score


def _said_by(event: Event) -> tuple[Subject | None, Json]:
    if event.kind in CAMERA_WORDS:
        return Subject(kind="camera", of=event.camera), CAMERA_WORDS[event.kind]
    if event.kind in INCIDENT_WORDS:
        key = event.data.get("key")
        return (Subject(kind="incident", of=key) if isinstance(key, str) else None), INCIDENT_WORDS[event.kind]
    if event.kind.startswith(_NO_STATES):
        return None, None
    subject = Subject(kind=event.kind, of=event.camera, zone=event.zone)
    return subject, main_value(event.kind, event.data, event.score)


def _same(old: Json, new: Json) -> bool:
    # True and 1 are one value to Python, and two to an operator.
    return (type(old) is type(new) and bool(old == new)) or (_is_number(old) and _is_number(new) and bool(old == new))


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
