"""Reads how long a rule rests after a run, and for what: as a whole, or each camera, zone or whatever for itself."""

from __future__ import annotations

import voluptuous as vol

from ..core.types import Json
from ..core.validators import duration, text
from .reading import Reading, Spot

_LONG = vol.Schema(
    {
        vol.Required("for", description="rules.option.cooldown_for"): duration,
        vol.Optional("key", description="rules.option.cooldown_key"): text,
    }
)


def cooldown(value: Json) -> float:
    """Return the seconds of a duration, or of ``{for: 15 min, key: "{{ ... }}"}``; Wrong, vol.Invalid."""
    if isinstance(value, dict) and "for" in value:
        return float(_LONG(dict(value))["for"])
    return duration(value)


def read_cooldown_key(reading: Reading, rule: Spot) -> str:
    """Return the template of what a rule rests for, "" for the rule as a whole."""
    node = rule.value
    held = node.get("cooldown")
    inside = rule.inside("cooldown").inside("key") if isinstance(held, dict) and "key" in held else None
    beside = rule.inside("cooldown_key") if "cooldown_key" in node else None
    if inside is not None and beside is not None:
        reading.wrong(beside, "rules.check.cooldown_key_twice")
    if beside is not None and not held:
        reading.wrong(beside, "rules.check.cooldown_key_alone")
    spot = inside or beside
    if spot is None or not isinstance(spot.value, str):
        return ""
    reading.compile_text(spot.value, spot)
    return str(spot.value)
