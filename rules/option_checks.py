"""Validators that several words of the rules share: numbers, values, weekdays, offsets, positions of the clock."""

from __future__ import annotations

import re
from typing import Any

import voluptuous as vol

from ..core.types import Json
from ..core.validators import OneOrMany, Wrong, duration, text

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def values(value: Any) -> list[Json]:  # noqa: ANN401
    """Return a list of plain values; one alone, null too, is a list of one."""
    items = value if isinstance(value, list) else [value]
    if not all(item is None or isinstance(item, str | int | float) for item in items):
        raise Wrong("rules.check.values")
    return items


def fields(value: Any) -> dict[str, list[Json]]:  # noqa: ANN401
    """Return the wanted values by field; each as ``values`` makes them."""
    if not isinstance(value, dict) or not value:
        raise Wrong("rules.check.fields")
    return {str(field): values(wanted) for field, wanted in value.items()}


def weekdays(value: Any) -> list[str]:  # noqa: ANN401
    """Return a list of days."""
    items = value if isinstance(value, list) else [value]
    for item in items:
        if item not in WEEKDAYS:
            raise Wrong("rules.check.weekday", days=", ".join(WEEKDAYS))
    return items


def offset(value: Any) -> float:  # noqa: ANN401
    """Return seconds, negative for earlier: ``"-00:45:00"``, ``"-45 min"``, ``-2700``, ``{minutes: -45}``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return duration(value) if value >= 0 else -duration(-value)
    if isinstance(value, str) and (found := re.fullmatch(r"\s*([+-])\s*(.+)", value)):
        length = duration(found[2])
        return -length if found[1] == "-" else length
    if isinstance(value, dict) and value and all(_is_negative(count) for count in value.values()):
        return -duration({unit: -count for unit, count in value.items()})
    return duration(value)


def _is_negative(count: Any) -> bool:  # noqa: ANN401
    return isinstance(count, int | float) and not isinstance(count, bool) and count < 0


class ClockPart:
    """Check hours, minutes or seconds of a pattern, as Home Assistant reads them: ``5``, ``"/5"``, ``"*"``."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, value: Any) -> str:  # noqa: ANN401
        """Return the pattern as text."""
        written = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
        if written == "*":
            return written
        found = re.fullmatch(r"(/?)(0|[1-9]\d?)", written)
        if not found or int(found[2]) >= self.size or (found[1] and found[2] == "0"):
            raise Wrong("rules.check.clock_part", most=self.size - 1)
        return written

    def __repr__(self) -> str:
        return f"ClockPart({self.size})"


# A trigger or condition that takes these is told their cameras, as ``camera``, when it is made.
AREA_KEYS: dict[Any, Any] = {
    vol.Optional("group", description="rules.trigger.group"): OneOrMany(text, at_least=1),
    vol.Optional("place", description="rules.trigger.place"): OneOrMany(text, at_least=1),
}
