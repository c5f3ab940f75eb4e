"""How the value of a state is read and compared, by triggers and conditions alike."""

from __future__ import annotations

from math import isfinite
from typing import Any, Protocol

from ..core.rule_contracts import State
from ..core.types import Json


class Renders(Protocol):
    """Render a template with some names of its own."""

    def __call__(self, template: str, more: dict[str, Any], /) -> Json:
        """Return what it gives; TemplateFailed."""
        ...


def compared(state: State, field: str | None, template: str | None = None, render: Renders | None = None) -> Json:
    """Return a state's value, or a field of its data, or what a template makes of them. TemplateFailed."""
    if template is not None and render is not None:
        return render(template, names_of(state))
    return state.value if field is None else state.data.get(field)


def names_of(state: State) -> dict[str, Any]:
    """Return what a ``value_template`` sees."""
    return {"state": state_view(state), "value": state.value}


def state_view(state: State) -> dict[str, Any]:
    """Show a state to templates."""
    subject = state.subject
    return {
        "kind": subject.kind,
        "of": subject.of,
        "zone": subject.zone,
        "value": state.value,
        "data": state.data,
        "at": state.at,
        "since": state.since,
    }


def as_number(value: Json) -> float | None:
    """Return a number, also one that is written as text; None for anything else, a switch too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if isfinite(found) else None


def is_between(value: float, above: float | None, below: float | None) -> bool:
    """Say whether a number is inside its limits, which themselves are outside."""
    return (above is None or value > above) and (below is None or value < below)


def same(one: Json, other: Json) -> bool:
    """Compare values as an operator does: 2, 2.0 and "2" are one, true is not 1."""
    return word_of(one) == word_of(other) and (one is None) == (other is None)


def word_of(value: Json) -> str:
    """Write a value for people and for comparing; "-" for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
