"""Reads conditions from YAML: in their long form, as a template, or as ``and:``, ``or:``, ``not:``."""

from __future__ import annotations

from typing import Any

import voluptuous as vol

from ..core.validators import text
from ..core.yaml_lines import Gap, LineDict, without
from .areas import with_cameras
from .faults import FAULTS
from .parse_triggers import check_subjects
from .reading import Reading, Spot, as_node
from .rule import BoundCondition
from .step_schemas import switch
from .templates import is_template

GROUPS = ("and", "or", "not")
_COMMON = vol.Schema({"alias": text, "enabled": switch})


def read_conditions(reading: Reading, spot: Spot) -> tuple[BoundCondition, ...]:
    """Read a list of conditions; one that is switched off is left out, as in Home Assistant."""
    found = (read_condition(reading, item) for item in reading.items(spot))
    return tuple(bound for bound in found if bound is not None)


def read_condition(reading: Reading, spot: Spot) -> BoundCondition | None:
    """Read one condition, in its long form or as a template, ``and:``, ``or:``, ``not:``."""
    node = spot.value
    if isinstance(node, str) and not isinstance(node, Gap):
        node = as_node({"condition": "template", "value_template": node}, spot)
    elif isinstance(node, dict) and "condition" not in node:
        for group in GROUPS:
            if isinstance(node, LineDict) and group in node:
                node = _long_form(node, group)
                break
    if not isinstance(node, dict) or "condition" not in node:
        if not isinstance(node, Gap):
            reading.wrong(spot, "rules.check.no_condition_word", names=", ".join(reading.words.conditions))
        return None
    return _worded_condition(reading, spot, node)


def _long_form(node: LineDict, group: str) -> LineDict:
    rest = without(node, (group,))
    rest.update({"condition": group, "conditions": node[group]})
    rest.places = {**node.places, "conditions": node.places.get(group, node.place)}
    return rest


def _worded_condition(reading: Reading, spot: Spot, node: Any) -> BoundCondition | None:  # noqa: ANN401
    here = Spot(node, "condition", f"{spot.path}.condition")
    word = node["condition"]
    kind = reading.words.conditions.get(word) if isinstance(word, str) else None
    if kind is None:
        reading.wrong(here, "rules.check.no_condition", near=word, known=reading.words.conditions, name=word)
        return None
    common = {key: node[key] for key in ("alias", "enabled") if key in node}
    head = reading.checked(_COMMON, spot, as_node(common, spot))
    options = reading.checked(kind.schema, spot, without(node, ("condition", "alias", "enabled")))
    check_subjects(reading, node, spot.path)
    for key in node:
        reading.compile(Spot(node, key, f"{spot.path}.{key}"))
    if isinstance(source := node.get("value_template"), str) and not is_template(source):
        reading.compile_text(source, Spot(node, "value_template", f"{spot.path}.value_template"))
    if "conditions" in node:
        inner = read_conditions(reading, Spot(node, "conditions", f"{spot.path}.conditions"))
        if options is not None:
            options = {**options, "conditions": tuple(bound.condition for bound in inner)}
    if options is None or head is None or not reading.is_on(spot, head):
        return None
    try:
        made = kind.make(with_cameras(reading, node, spot.path, dict(options)))
    except FAULTS as err:
        reading.wrong(here, "rules.check.broken_word", name=word, why=err)
        return None
    return BoundCondition(path=spot.path, word=word, condition=made, alias=head.get("alias", ""))
