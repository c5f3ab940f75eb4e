"""Reads triggers from YAML, of a rule or of a step that waits for one."""

from __future__ import annotations

import voluptuous as vol

from ..core.validators import boolean, text
from ..core.yaml_lines import LineDict, join_path, without
from .areas import with_cameras
from .faults import FAULTS
from .reading import Reading, Spot, digest_of
from .rule import BoundTrigger, CarefulTrigger

TRIGGER_HEAD = vol.Schema(
    {
        vol.Optional("trigger", description="rules.trigger.trigger"): text,
        vol.Optional("id", description="rules.trigger.id"): text,
        vol.Optional("alias", description="rules.trigger.alias"): text,
        vol.Optional("enabled", description="rules.trigger.enabled"): boolean,
    }
)


def read_triggers(reading: Reading, spot: Spot) -> tuple[BoundTrigger, ...]:
    """Read a list of triggers, of a rule or of a step that waits; one that is switched off is left out."""
    found = []
    for number, item in enumerate(reading.items(spot)):
        bound = _read_trigger(reading, item, number)
        if bound is not None:
            found.append(bound)
    return tuple(found)


def _read_trigger(reading: Reading, spot: Spot, number: int) -> BoundTrigger | None:
    node = spot.value
    known = reading.words.triggers
    if not isinstance(node, LineDict):
        reading.wrong(spot, "check.needs_mapping")
        return None
    if "trigger" not in node:
        near = next((key for key in node if isinstance(key, str)), "")
        reading.wrong(spot, "rules.check.no_trigger_word", near=near, known=("trigger",), names=", ".join(known))
        return None
    word = node["trigger"]
    kind = known.get(word) if isinstance(word, str) else None
    if kind is None:
        reading.wrong(spot.inside("trigger"), "rules.check.no_trigger", near=word, known=known, name=word)
        return None
    head_keys = ("trigger", "id", "alias", "enabled")
    head_node = without(node, [key for key in node if key not in head_keys])
    head = reading.checked(TRIGGER_HEAD, spot, head_node)
    options = reading.checked(kind.schema, spot, without(node, head_keys))
    check_subjects(reading, node, spot.path)
    if isinstance(node.get("value_template"), str):
        reading.compile_text(node["value_template"], spot.inside("value_template"))
    if head is None or options is None or not head.get("enabled", True):
        return None
    try:
        made = kind.make(with_cameras(reading, node, spot.path, dict(options)), reading.texts)
    except FAULTS as err:
        reading.wrong(spot.inside("trigger"), "rules.check.broken_word", name=word, why=err)
        return None
    if isinstance(made, CarefulTrigger):
        for fault in made.faults(reading.settings):
            spot_of = spot.inside(fault.path)
            reading.wrong(spot_of, fault.key, near=fault.near or None, known=fault.known, **fault.values)
    mark = digest_of(without(node, ["id", "alias"]))
    return BoundTrigger(id=head.get("id", str(number)), path=spot.path, word=word, trigger=made, mark=mark)


def check_subjects(reading: Reading, node: LineDict, path: str) -> None:
    """Check the names of kinds, cameras, zones, groups and places in a trigger or condition."""
    cameras = node.get("camera", ())
    listed = cameras if isinstance(cameras, list) else [cameras]
    named = [name for name in listed if isinstance(name, str)]
    for sort in ("kind", "camera", "zone", "group", "place"):
        if sort in node:
            reading.names(Spot(node, sort, join_path(path, sort)), sort, named)
    for key in ("incident", "key"):
        if key in node and (key == "incident" or node.get("trigger") == "incident"):
            reading.note_incidents(Spot(node, key, join_path(path, key)))
