"""The triggers ``state`` and ``numeric_state``: a camera's link, an incident, a level or a count that changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import State, Trigger
from ..core.texts import Texts
from ..core.types import Event, Json
from ..core.validators import OneOrMany, Wrong, duration, number, text
from .option_checks import AREA_KEYS, values
from .sourced import ENDS, FITS, Move, Render, Seen, SourcedTrigger, Watched
from .state_values import as_number, compared, is_between, same, word_of

KIND = "rule.state"


class WatchingTrigger(SourcedTrigger):
    """Fire when the state source says that a subject came to what this trigger waits for; hold it for a time."""

    kinds: tuple[str, ...] = (KIND,)
    # What ends the time comes by the same kind of event.
    breaking_kinds: tuple[str, ...] = ()
    is_lasting = False

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        super().__init__(texts)
        self.what = repr(sorted(options.items()))
        self.for_s: float = options.get("for", 0.0)
        self.watched = watched_of(options)
        self._field: str | None = options.get("field")

    def miss(self, event: Event) -> str | None:
        """Return None when the subject came to what is waited for."""
        if (reason := super().miss(event)) is not None:
            return reason
        if event.data.get("phase") != FITS:
            return self._texts("rules.miss.state_over", value=word_of(event.data.get("to")))
        return None

    def breaks(self, began: Event, event: Event) -> bool:
        """Say whether the subject left what it had come to."""
        is_over = self._owns(event) and event.data.get("phase") == ENDS
        return is_over and self.subject(began) == self.subject(event)

    def subject(self, event: Event) -> str:
        """Return which camera's, zone's or incident's state an event is about."""
        return "/".join(str(part) for part in (event.data.get("subject"), event.data.get("of"), event.zone))

    def compared(self, state: State, render: Render) -> Json:
        """Return the value or the field that is looked at."""
        return compared(state, self._field)


class StateTrigger(WatchingTrigger):
    """Fire when a value changes, from and to what was asked for; Home Assistant's trigger of that name.

    Unlike there, a change of other data alone never fires: a gauge tells its confidence every second.
    """

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        super().__init__(options, texts)
        self._to = _wanted(options.get("to"))
        self._from = _wanted(options.get("from"))
        self._not_to: list[Json] = options.get("not_to", [])
        self._not_from: list[Json] = options.get("not_from", [])

    def seen(self, value: Json) -> Seen:
        """Remember a value and whether it is one to come from and one to come to."""
        return Seen(value, [self._may_come_from(value), self._is_wanted(value)])

    def move(self, before: Seen | None, value: Json) -> Move:
        """Fire on a change that fits; what was held is over with any other value, or back where it came from."""
        now = self.seen(value)
        if before is not None and same(before.value, value):
            return Move((), now)
        phases: tuple[str, ...] = ()
        if self.for_s and before is not None and self._is_over(before, value):
            phases = (ENDS,)
        if self._fires(before, value):
            phases = (*phases, FITS)
        return Move(phases, now)

    def told(self, before: Seen | None, value: Json) -> dict[str, Json]:
        """Tell from what to what."""
        return {"from": before.value if before is not None else None, "to": value}

    def why_not(self, before: Seen | None, value: Json) -> str:
        """Say which side of the change does not fit."""
        old = before.value if before is not None else None
        if before is not None and same(old, value):
            return self._texts("rules.miss.state_same", value=word_of(value))
        if not self._is_wanted(value):
            wanted = self._listed(self._to, self._not_to)
            return self._texts("rules.miss.field", field="to", value=word_of(value), wanted=wanted)
        wanted = self._listed(self._from, self._not_from)
        return self._texts("rules.miss.field", field="from", value=word_of(old), wanted=wanted)

    def _fires(self, before: Seen | None, value: Json) -> bool:
        if before is None:
            # The first value ever: it came to be so only where a value to come to is named.
            is_named = bool(self._to or self._not_to)
            return is_named and self._may_come_from(None) and self._is_wanted(value)
        return self._may_come_from(before.value) and self._is_wanted(value)

    def _is_over(self, before: Seen, value: Json) -> bool:
        if self._from and not self._to and not self._not_to:
            return self._may_come_from(value)
        return self._is_wanted(before.value)

    def _may_come_from(self, value: Json) -> bool:
        return (not self._from or _is_in(value, self._from)) and not _is_in(value, self._not_from)

    def _is_wanted(self, value: Json) -> bool:
        return (not self._to or _is_in(value, self._to)) and not _is_in(value, self._not_to)

    def _listed(self, wanted: list[Json], unwanted: list[Json]) -> str:
        if unwanted:
            return self._texts("rules.miss.anything_but", values=", ".join(map(word_of, unwanted)))
        return ", ".join(map(word_of, wanted)) or "*"


class NumericStateTrigger(WatchingTrigger):
    """Fire when a number crosses its limits, from outside to inside; Home Assistant's trigger of that name.

    A value that cannot be read is neither: a gauge that is blind for a moment does not cross its limit again.
    """

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        super().__init__(options, texts)
        self._above: float | None = options.get("above")
        self._below: float | None = options.get("below")
        self._template: str | None = options.get("value_template")

    def compared(self, state: State, render: Render) -> Json:
        """Return the number, of the template where there is one."""
        return as_number(compared(state, self._field, self._template, render))

    def seen(self, value: Json) -> Seen:
        """Remember whether the number is inside."""
        return Seen(value, is_between(value, self._above, self._below))

    def move(self, before: Seen | None, value: Json) -> Move:
        """Fire when the number came inside; a first number that is inside came there while nobody looked."""
        now = self.seen(value)
        was_inside = before is not None and before.side is True
        if now.side and not was_inside:
            return Move((FITS,), now)
        if was_inside and not now.side and self.for_s:
            return Move((ENDS,), now)
        return Move((), now)

    def told(self, before: Seen | None, value: Json) -> dict[str, Json]:
        """Tell the number, what it was, and the limits."""
        limits = {"above": self._above, "below": self._below}
        return {"from": before.value if before is not None else None, "to": value, "value": value, **limits}

    def why_not(self, before: Seen | None, value: Json) -> str:
        """Say the value and the limit that it did not cross."""
        field = self._field or self.watched.kinds[0]
        if self._above is not None and not value > self._above:
            return self._texts("rules.miss.not_above", field=field, value=word_of(value), limit=word_of(self._above))
        if self._below is not None and not value < self._below:
            return self._texts("rules.miss.not_below", field=field, value=word_of(value), limit=word_of(self._below))
        old = word_of(before.value if before is not None else None)
        return self._texts("rules.miss.not_crossed", field=field, value=word_of(value), before=old)


def watched_of(options: dict[str, Any]) -> Watched:
    """Return the subjects that a word's options name."""
    zones = tuple(options.get("zone", ()))
    if "kind" in options:
        return Watched(tuple(options["kind"]), tuple(options.get("camera", ())), zones)
    if "incident" in options:
        return Watched(("incident",), tuple(options["incident"]))
    return Watched(("camera",), tuple(options["camera"]), zones)


def whole_subject(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse options that name no subject, or two at once."""
    if not {"kind", "incident", "camera", "group", "place"} & options.keys():
        raise Wrong("rules.check.no_subject")
    if "incident" in options and ({"kind", "camera", "zone", "group", "place"} & options.keys()):
        raise Wrong("rules.check.two_subjects")
    if "zone" in options and "kind" not in options:
        raise Wrong("rules.check.zone_of_kind")
    return options


def a_kind(value: Any) -> str:  # noqa: ANN401
    """Return one kind of event or reading; a state is of one kind, so a prefix would mix levels with counts."""
    kind = text(value)
    if "*" in kind:
        raise Wrong("rules.check.one_kind")
    return kind


def _one_side(options: dict[str, Any]) -> dict[str, Any]:
    for side in ("from", "to"):
        if side in options and f"not_{side}" in options:
            raise Wrong("rules.check.both_sides", one=side, other=f"not_{side}")
    return options


def has_limit(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse a number without a limit, and limits between which nothing is."""
    above, below = options.get("above"), options.get("below")
    if above is None and below is None:
        raise Wrong("rules.check.no_limit")
    if above is not None and below is not None and above >= below:
        raise Wrong("rules.check.empty_range", above=word_of(above), below=word_of(below))
    return options


def number_subject(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse the number of a camera's link, which has none."""
    if not {"kind", "incident", "field", "value_template"} & options.keys():
        raise Wrong("rules.check.number_of_kind")
    return options


def _wanted(listed: list[Json] | None) -> list[Json]:
    # ``to:`` alone means any change, as in Home Assistant.
    return [] if listed in (None, [None]) else listed


def _is_in(value: Json, listed: list[Json]) -> bool:
    return any(same(value, one) for one in listed)


SUBJECT = {
    vol.Optional("camera", description="rules.trigger.state_camera"): OneOrMany(text, at_least=1),
    **AREA_KEYS,
    vol.Optional("kind", description="rules.trigger.state_kind"): OneOrMany(a_kind, at_least=1),
    vol.Optional("zone", description="rules.trigger.state_zone"): OneOrMany(text, at_least=1),
    vol.Optional("incident", description="rules.trigger.state_incident"): OneOrMany(text, at_least=1),
    vol.Optional("field", description="rules.trigger.state_field"): text,
}
STATE_TRIGGER = vol.Schema(
    vol.All(
        {
            **SUBJECT,
            vol.Optional("from", description="rules.trigger.state_from"): values,
            vol.Optional("to", description="rules.trigger.state_to"): values,
            vol.Optional("not_from", description="rules.trigger.state_not_from"): values,
            vol.Optional("not_to", description="rules.trigger.state_not_to"): values,
            vol.Optional("for", description="rules.trigger.state_for"): duration,
        },
        whole_subject,
        _one_side,
    )
)
NUMERIC_STATE_TRIGGER = vol.Schema(
    vol.All(
        {
            **SUBJECT,
            vol.Optional("above", description="rules.trigger.crosses_above"): number,
            vol.Optional("below", description="rules.trigger.crosses_below"): number,
            vol.Optional("value_template", description="rules.trigger.state_template"): text,
            vol.Optional("for", description="rules.trigger.number_for"): duration,
        },
        whole_subject,
        has_limit,
        number_subject,
    )
)


@hookimpl
def offer_triggers() -> Iterable[Kind[Trigger]]:
    """Offer the triggers of states."""
    numeric = "Sebuah angka melewati batasnya"
    return (
        Kind("state", STATE_TRIGGER, StateTrigger, "Sebuah keadaan berubah", "A state changes"),
        Kind("numeric_state", NUMERIC_STATE_TRIGGER, NumericStateTrigger, numeric, "A number crosses its limit"),
    )
