"""The conditions ``state`` and ``numeric_state``: how a camera, an incident, a level or a count is now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import Condition, Moment, State, Verdict
from ..core.types import Json
from ..core.validators import OneOrMany, duration, number, text
from .option_checks import AREA_KEYS, values
from .state_values import as_number, compared, is_between, same
from .trigger_state import a_kind, has_limit, number_subject, whole_subject

Holds = Callable[[Json, State], bool]


class Subjects:
    """Find the states that a condition names, for the moment; a part that is left out is the event's own."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._kind: str = options.get("kind") or ("incident" if "incident" in options else "camera")
        self._names: list[str] = options.get("incident") or options.get("camera") or []
        self._zones: list[str] = options.get("zone", [])

    def found(self, moment: Moment) -> list[State | None]:
        """Return a state for each named camera or incident, and zone; None where nothing was told yet."""
        event = moment.event
        names = self._names or ([event.camera] if event.camera is not None else [])
        found: list[State | None] = []
        for name in names:
            if self._zones:
                found += [self._in_zone(moment, name, zone) for zone in self._zones]
            else:
                found.append(self._without_zone(moment, name))
        return found or [None]

    def _in_zone(self, moment: Moment, name: str, zone: str) -> State | None:
        states = moment.states.find(self._kind, name)
        return next((state for state in states if state.subject.zone == zone), None)

    def _without_zone(self, moment: Moment, name: str) -> State | None:
        """Return the state of the whole picture, else of the event's zone, else the newest of any zone."""
        by_zone = {state.subject.zone: state for state in moment.states.find(self._kind, name)}
        own = moment.event.zone if moment.event.camera == name else None
        return by_zone.get(None) or by_zone.get(own) or next(reversed(by_zone.values()), None)


class StateCondition:
    """Hold when a state is one of some values, for so long when ``for`` is given; unknown never holds.

    With several cameras all of them must, or ``match: any``, as in Home Assistant.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._subjects = Subjects(options)
        self._wanted: list[Json] = options["state"]
        self._field: str | None = options.get("field")
        self._for_s: float = options.get("for", 0.0)
        self._is_any = options.get("match") == "any"

    def decide(self, moment: Moment) -> Verdict:
        """Look at the states now."""

        def holds(value: Json, state: State) -> bool:
            # Without ``for`` no time is compared: a camera's clock may be ahead of ours.
            has_lasted = not self._for_s or (moment.clock.now() - state.since).total_seconds() >= self._for_s
            return has_lasted and any(same(value, one) for one in self._wanted)

        return _verdict(self._subjects, moment, lambda state: compared(state, self._field), holds, self._is_any)


class NumericStateCondition:
    """Hold when a number lies between its limits, which are outside; one that cannot be read never does."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._subjects = Subjects(options)
        self._above: float | None = options.get("above")
        self._below: float | None = options.get("below")
        self._field: str | None = options.get("field")
        self._template: str | None = options.get("value_template")
        self._is_any = options.get("match") == "any"

    def decide(self, moment: Moment) -> Verdict:
        """Look at the numbers now; TemplateFailed."""

        def value_of(state: State) -> Json:
            return as_number(compared(state, self._field, self._template, moment.render))

        def holds(value: Json, _state: State) -> bool:
            return value is not None and is_between(value, self._above, self._below)

        return _verdict(self._subjects, moment, value_of, holds, self._is_any)


def _verdict(
    subjects: Subjects, moment: Moment, value_of: Callable[[State], Json], holds: Holds, is_any: bool
) -> Verdict:
    answers, values_seen = [], []
    for state in subjects.found(moment):
        value = value_of(state) if state is not None else None
        answers.append(state is not None and value is not None and holds(value, state))
        values_seen.append(_shown(state, value))
    is_true = any(answers) if is_any else all(answers)
    return Verdict(is_true=is_true, values=values_seen[0] if len(values_seen) == 1 else {"states": values_seen})


def _shown(state: State | None, value: Json) -> dict[str, Json]:
    if state is None:
        return {"value": None}
    return {"of": state.subject.of, "value": value, "since": state.since.isoformat()}


SUBJECT = {
    vol.Optional("camera", description="rules.condition.state_camera"): OneOrMany(text, at_least=1),
    **AREA_KEYS,
    vol.Optional("kind", description="rules.condition.state_kind"): a_kind,
    vol.Optional("zone", description="rules.condition.state_zone"): OneOrMany(text, at_least=1),
    vol.Optional("incident", description="rules.condition.state_incident"): OneOrMany(text, at_least=1),
    vol.Optional("field", description="rules.trigger.state_field"): text,
    vol.Optional("match", description="rules.condition.state_match"): vol.In(["all", "any"]),
}
STATE_CONDITION = vol.Schema(
    vol.All(
        {
            **SUBJECT,
            vol.Required("state", description="rules.condition.state"): values,
            vol.Optional("for", description="rules.condition.state_for"): duration,
        },
        whole_subject,
    )
)
NUMERIC_STATE_CONDITION = vol.Schema(
    vol.All(
        {
            **SUBJECT,
            vol.Optional("above", description="rules.condition.above"): number,
            vol.Optional("below", description="rules.condition.below"): number,
            vol.Optional("value_template", description="rules.trigger.state_template"): text,
        },
        whole_subject,
        has_limit,
        number_subject,
    )
)


@hookimpl
def offer_conditions() -> Iterable[Kind[Condition]]:
    """Offer the conditions of states."""
    numeric = "Sebuah angka berada di antara batasnya sekarang"
    return (
        Kind("state", STATE_CONDITION, StateCondition, "Sebuah keadaan sekarang", "How something is now"),
        Kind("numeric_state", NUMERIC_STATE_CONDITION, NumericStateCondition, numeric, "A number lies within limits"),
    )
