"""The triggers that Siaga brings: ``event``, by kind, camera, zone, label, change and number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import Trigger
from ..core.texts import Texts
from ..core.types import Event, Json
from ..core.validators import Wrong, duration, number, text
from .option_checks import AREA_KEYS, fields, values

# Where a kind of event keeps what it changed to and from, and its number, when the rule names no field.
TO_FIELDS = ("to", "stage", "state")
FROM_FIELDS = ("from", "from_stage", "previous")
NUMBER_FIELDS = ("level_cm", "count", "value")

# The last words of kinds whose one tells that the other is over: motion.start and motion.end.
_ENDS: dict[str, tuple[str, ...]] = {
    "start": ("end",),
    "end": ("start",),
    "enter": ("leave",),
    "leave": ("enter",),
    "offline": ("online",),
    "auth_failed": ("online",),
    "online": ("offline", "auth_failed"),
    "off": ("on",),
    "on": ("off",),
    "opened": ("acknowledged", "closed"),
    "acknowledged": ("closed",),
    "blind": ("level", "stage"),
}
# What tells two things of one camera, zone and kind apart.
_SAME = ("label", "track", "incident", "key", "detector", "plate")

Check = Callable[[Event], "str | None"]


class EventTrigger:
    """Fire on an event of the journal whose every named field fits."""

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        self.kinds: tuple[str, ...] = tuple(options["kind"])
        self.cameras: tuple[str, ...] = tuple(options.get("camera", ()))
        self._texts = texts
        self._field: str | None = options.get("field")
        self._level = tuple(self._make_level_checks(options))
        self._checks = (*self._make_checks(options), *self._level, *self._make_from_check(options))
        self._from = options.get("from")
        self.for_s: float = options.get("for", 0.0)
        self.breaking_kinds: tuple[str, ...] = tuple(_ending(self.kinds))
        self.is_lasting = bool(self._level or self._from or self.breaking_kinds)
        if self.for_s and not self.is_lasting:
            raise vol.Invalid(texts("rules.check.nothing_ends_it", kinds=", ".join(self.kinds)))

    def miss(self, event: Event) -> str | None:
        """Return None when the event fires this trigger, else the first field that does not fit."""
        if not any(fits(kind, event.kind) for kind in self.kinds):
            return self._wrong("kind", event.kind, self.kinds)
        if self.cameras and event.camera not in self.cameras:
            return self._wrong("camera", event.camera, self.cameras)
        for check in self._checks:
            if (reason := check(event)) is not None:
                return reason
        return None

    def breaks(self, began: Event, event: Event) -> bool:
        """Say whether an event tells that what another one told is so no more."""
        if (began.camera, began.zone) != (event.camera, event.zone) or not _is_same_thing(began, event):
            return False
        if event.kind != began.kind:
            return event.kind in self.breaking_kinds and event.kind in _ending((began.kind,))
        if self._level:
            return any(check(event) is not None for check in self._level)
        read = self._reader(TO_FIELDS)
        return self._from is not None and _word(read(event)) != _word(read(began))

    def subject(self, event: Event) -> str:
        """Return what an event is about: its camera, zone and kind, and what it tells apart there."""
        apart = [event.data[field] for field in _SAME if field in event.data]
        return "/".join(str(part) for part in (event.camera or "", event.zone or "", event.kind, *apart))

    def _make_checks(self, options: dict[str, Any]) -> Iterable[Check]:
        if "zone" in options:
            yield self._one_of("zone", options["zone"], lambda event: event.zone)
        if "label" in options:
            yield self._one_of("label", options["label"], _label)

    def _make_from_check(self, options: dict[str, Any]) -> Iterable[Check]:
        if "from" in options:
            yield self._one_of("from", options["from"], self._reader(FROM_FIELDS))

    def _make_level_checks(self, options: dict[str, Any]) -> Iterable[Check]:
        """Make the checks of how something is now: what no longer passes them has changed back."""
        if "to" in options:
            yield self._one_of("to", options["to"], self._reader(TO_FIELDS))
        for field, wanted in options.get("event_data", {}).items():
            yield self._one_of(f"data.{field}", wanted, partial(_field, field))
        if "above" in options or "below" in options:
            yield self._number_between(options.get("above"), options.get("below"))

    def _one_of(self, name: str, wanted: list[Json], read: Callable[[Event], Json]) -> Check:
        words = frozenset(_word(item) for item in wanted)

        def check(event: Event) -> str | None:
            value = read(event)
            return None if _word(value) in words else self._wrong(name, value, wanted)

        return check

    def _number_between(self, above: float | None, below: float | None) -> Check:
        read = self._reader(NUMBER_FIELDS, with_score=True)
        shown = self._field or "/".join((*NUMBER_FIELDS, "score"))

        def check(event: Event) -> str | None:
            value = read(event)
            if isinstance(value, bool) or not isinstance(value, int | float):
                return self._texts("rules.miss.no_number", field=shown, value=value)
            if above is not None and not value > above:
                return self._texts("rules.miss.not_above", field=shown, value=value, limit=above)
            if below is not None and not value < below:
                return self._texts("rules.miss.not_below", field=shown, value=value, limit=below)
            return None

        return check

    def _reader(self, fields: tuple[str, ...], with_score: bool = False) -> Callable[[Event], Json]:
        # ``field`` names what above and below look at; to and from follow it only when it is their own.
        own = self._field if self._field is not None and fields is NUMBER_FIELDS else None
        wanted = (own,) if own else fields

        def read(event: Event) -> Json:
            for field in wanted:
                if field in event.data:
                    return event.data[field]
            return event.score if with_score and own in (None, "score") else None

        return read

    def _wrong(self, name: str, value: Json, wanted: Iterable[Json]) -> str:
        shown = ", ".join("-" if item is None else str(item) for item in wanted)
        return self._texts("rules.miss.field", field=name, value="-" if value is None else value, wanted=shown)


def fits(pattern: str, kind: str) -> bool:
    """Say whether a kind of event fits a name, a prefix such as ``flood.*``, or ``*``."""
    return pattern == kind or (pattern.endswith("*") and kind.startswith(pattern[:-1]))


def _ending(kinds: Iterable[str]) -> Iterator[str]:
    """Name the kinds that tell the end of others, where it follows from their names."""
    for kind in kinds:
        room, _, word = kind.rpartition(".")
        for end in _ENDS.get(word, ()):
            yield f"{room}.{end}"


def _is_same_thing(began: Event, event: Event) -> bool:
    return all(began.data[field] == event.data.get(field, began.data[field]) for field in _SAME if field in began.data)


def _word(value: Json) -> str | None:
    """Make 2 and "2" and 2.0 one: YAML and detectors write a stage either way."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def _field(field: str, event: Event) -> Json:
    return event.data.get(field)


def _label(event: Event) -> Json:
    label = event.data.get("label")
    return event.kind.rpartition(".")[2] if label is None and event.kind.startswith("object.") else label


def _texts_list(value: Any) -> list[str]:  # noqa: ANN401
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise Wrong("rules.check.texts")
    return items


EVENT_TRIGGER = vol.Schema(
    {
        vol.Required("kind", description="rules.trigger.kind"): _texts_list,
        vol.Optional("camera", description="rules.trigger.camera"): _texts_list,
        **AREA_KEYS,
        vol.Optional("zone", description="rules.trigger.zone"): _texts_list,
        vol.Optional("label", description="rules.trigger.label"): _texts_list,
        vol.Optional("to", description="rules.trigger.to"): values,
        vol.Optional("from", description="rules.trigger.from"): values,
        vol.Optional("above", description="rules.trigger.above"): number,
        vol.Optional("below", description="rules.trigger.below"): number,
        vol.Optional("field", description="rules.trigger.field"): text,
        vol.Optional("event_data", description="rules.trigger.event_data"): fields,
        vol.Optional("for", description="rules.trigger.for"): duration,
    }
)


@hookimpl
def offer_triggers() -> Iterable[Kind[Trigger]]:
    """Offer the trigger ``event``."""
    return (Kind("event", EVENT_TRIGGER, EventTrigger, "Kejadian dari kamera atau dari Siaga", "An event"),)
