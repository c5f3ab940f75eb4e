"""Reads the ``tests:`` of a rule; names that do not exist are mistakes, as in the rule itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import voluptuous as vol

from ...core.states import CAMERA_WORDS, INCIDENT_WORDS
from ...core.validators import OneOrMany, Wrong, duration, number, text
from ...core.yaml_lines import place_of, plain
from ..reading import Reading, Spot
from .written import Expected, Happening, Known, RuleTest

# A test that goes on for longer tries nothing that a week would not.
LONGEST_S = 31 * 86_400.0
_CAMERA_STATES = {"camera": tuple(CAMERA_WORDS.values()), "incident": tuple(INCIDENT_WORDS.values())}


def moment(value: Any) -> datetime:  # noqa: ANN401
    """Return a local time: ``2026-11-22 19:05`` or ``2026-11-22 19.05``."""
    for pattern in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H.%M", "%Y-%m-%d %H:%M:%S"):
        try:
            return datetime.strptime(str(value), pattern)
        except ValueError:
            continue
    raise Wrong("rules.tests.moment")


def _after(value: Any) -> float:  # noqa: ANN401
    seconds = duration(value)
    if not 0 <= seconds <= LONGEST_S:
        raise Wrong("rules.tests.too_long")
    return seconds


_STATE = {
    vol.Required("kind", description="rules.tests.state_kind"): text,
    vol.Optional("camera", description="rules.tests.camera"): text,
    vol.Optional("zone", description="rules.tests.zone"): text,
    vol.Optional("value", description="rules.tests.value"): object,
    vol.Optional("data", description="rules.tests.data"): dict,
}
_HAPPENING = {
    vol.Required("kind", description="rules.tests.kind"): text,
    vol.Optional("after", default=0, description="rules.tests.after"): _after,
    vol.Optional("camera", description="rules.tests.camera"): text,
    vol.Optional("zone", description="rules.tests.zone"): text,
    vol.Optional("score", description="rules.tests.score"): vol.All(number, vol.Range(min=0, max=1)),
    vol.Optional("data", description="rules.tests.data"): dict,
}
_EXPECTED = {
    vol.Required("action", description="rules.tests.action"): text,
    vol.Optional("target", description="rules.tests.target"): dict,
    vol.Optional("data", description="rules.tests.expected_data"): dict,
    vol.Optional("after", description="rules.tests.expected_after"): _after,
}
TEST = vol.Schema(
    {
        vol.Required("name", description="rules.tests.name"): text,
        vol.Optional("at", description="rules.tests.at"): moment,
        vol.Optional("states", default=list, description="rules.tests.states"): OneOrMany(_STATE),
        vol.Optional("events", default=list, description="rules.tests.events"): OneOrMany(_HAPPENING),
        vol.Optional("until", description="rules.tests.until"): _after,
        vol.Required("expect", description="rules.tests.expect"): OneOrMany(_EXPECTED),
    }
)


def read_tests(reading: Reading, spot: Spot) -> tuple[RuleTest, ...]:
    """Read the tests of a rule; what is wrong with them is kept in ``reading``."""
    found = (_read_test(reading, item) for item in reading.items(spot))
    return tuple(test for test in found if test is not None)


def _read_test(reading: Reading, spot: Spot) -> RuleTest | None:
    shape = reading.checked(TEST, spot)
    node = spot.value
    if not isinstance(node, dict):
        return None
    for part in ("states", "events"):
        _check_names(reading, spot, part)
    if "expect" in node:
        _check_actions(reading, spot.inside("expect"))
    if shape is None:
        return None
    test, place = plain(shape), place_of(node, next(iter(node), None))
    return RuleTest(
        name=test["name"],
        file=place.file,
        line=place.line,
        at=test.get("at"),
        until_s=test.get("until"),
        states=tuple(Known(**one) for one in test["states"]),
        events=tuple(Happening(**_timed(one)) for one in test["events"]),
        expect=tuple(Expected(**_timed(one)) for one in test["expect"]),
    )


def _timed(one: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in one.items() if key != "after"}
    return {**rest, "after_s": one["after"]} if "after" in one else rest


def _check_names(reading: Reading, spot: Spot, part: str) -> None:
    if part not in spot.value:
        return
    for item in reading.items(spot.inside(part)):
        node = item.value
        if not isinstance(node, dict):
            continue
        if "kind" in node and not (part == "states" and node["kind"] in _CAMERA_STATES):
            _check_kind(reading, item.inside("kind"))
        elif part == "states" and "kind" in node:
            _check_state(reading, item)
        # An incident has its key where another state has its camera.
        if "camera" in node and node.get("kind") != "incident":
            reading.names(item.inside("camera"), "camera")
        if "zone" in node:
            reading.names(item.inside("zone"), "zone", [node["camera"]] if isinstance(node.get("camera"), str) else [])


def _check_kind(reading: Reading, spot: Spot) -> None:
    if isinstance(spot.value, str) and "*" in spot.value:
        # A trigger may take many kinds; what happens is one.
        reading.wrong(spot, "rules.tests.one_kind")
    else:
        reading.names(spot, "kind")


def _check_state(reading: Reading, spot: Spot) -> None:
    """Tell a word that a camera or incident never has: the test would pass, and say nothing."""
    node, known = spot.value, _CAMERA_STATES[spot.value["kind"]]
    value = node.get("value")
    if "camera" not in node:
        reading.wrong(spot.inside("kind"), "rules.tests.whose")
    if value not in known:
        where = spot.inside("value" if "value" in node else "kind")
        reading.wrong(where, "rules.tests.state_word", near=str(value), known=known)


def _check_actions(reading: Reading, spot: Spot) -> None:
    known = (*reading.words.actions, *(f"notify.{name}" for name in reading.settings.names("notifiers")))
    for item in reading.items(spot):
        node = item.value
        name = node.get("action") if isinstance(node, dict) else None
        if isinstance(name, str) and name not in known:
            reading.wrong(item.inside("action"), "rules.check.no_action", near=name, known=known, name=name)
