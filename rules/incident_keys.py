"""Under which keys the rules open incidents, and which key that somebody waits for is a slip of the pen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

import msgspec

from ..core.checks import did_you_mean
from ..core.errors import Problem
from ..core.settings import Settings
from ..core.texts import Texts
from ..core.yaml_lines import place_of
from .reading import Spot
from .rule import ActionStep, Rule
from .templates import is_template

OPENING = ("notify", "incident.open")
# A letter or two of a key; less alike may be a key of its own.
_SLIP = 0.85


def opened_keys(rules: Iterable[Rule], settings: Settings) -> frozenset[str]:
    """Return every key that is known: written in a step, or made of a rule's id and a camera.

    Nothing where a template makes one: it may make any.
    """
    keys: set[str] = set()
    for rule in rules:
        keys |= {rule.id, *(f"{rule.id}/{camera}" for camera in settings.names("cameras"))}
        for step in _actions_in(rule.steps):
            key = step.values.get("incident") if step.name in OPENING else None
            if is_template(key):
                return frozenset()
            if isinstance(key, str):
                keys.add(key)
    return frozenset(keys)


def slips(named: Iterable[Spot], opened: frozenset[str], texts: Texts) -> Iterator[Problem]:
    """Return what is wrong with keys that nobody opens and that look like one that somebody does.

    Any other key may be made by a template, a plugin or the API: who waits for it is not wrong.
    """
    for spot in named:
        key = spot.value
        if not isinstance(key, str) or key in opened or key.endswith("*") or is_template(key):
            continue
        if near := get_close_matches(key, sorted(opened), 1, _SLIP):
            place = place_of(spot.container, spot.key)
            what = texts("rules.check.no_incident", incident=key) + did_you_mean(key, near, texts)
            yield Problem(file=place.file, line=place.line, path=spot.path, what=what)


def _actions_in(part: Any) -> Iterator[ActionStep]:  # noqa: ANN401  a step, or what may hold steps
    if isinstance(part, ActionStep):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from _actions_in(one)
    elif isinstance(part, msgspec.Struct):
        for name in part.__struct_fields__:
            value = getattr(part, name)
            if isinstance(value, tuple | msgspec.Struct):
                yield from _actions_in(value)
