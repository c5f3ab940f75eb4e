"""Reads the steps that do something: an action of a plugin on its targets, or a script that rules share."""

from __future__ import annotations

from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.rule_contracts import Action
from ..core.yaml_lines import plain
from .calling import AREAS
from .faults import FAULTS
from .notify import PREFIX
from .reading import Reading, Spot, as_node, has_template
from .rule import ActionStep, Careful, Step
from .step_schemas import ACTION
from .steps import Script, ScriptStep

SCRIPT_PREFIX = "script."


def action_step(reading: Reading, spot: Spot) -> Step | None:
    """Read the call of an action, or of a script by ``script.<id>``."""
    shape = reading.checked(ACTION, spot)
    node = spot.value
    name = node["action"]
    if isinstance(name, str) and name.startswith(SCRIPT_PREFIX):
        return _script_step(reading, spot, shape, name)
    kind = _action_kind(reading, spot, name)
    if kind is None:
        return None
    try:
        action: Action = kind.make()
    except FAULTS as err:
        reading.wrong(spot.inside("action"), "rules.check.broken_word", name=name, why=err)
        return None
    if node.get("target") is not None:
        _check_target(reading, spot.inside("target"), action, name)
    values = node.get("data")
    if values is None:
        values = as_node({}, spot)
        node = as_node({**node, "data": values}, spot)
    here = Spot(node, "data", f"{spot.path}.data")
    if isinstance(values, dict):
        reading.checked(_loosened(kind.schema, values), here)
        reading.compile(here)
    if shape is None or not isinstance(values, dict):
        return None
    _check_careful(reading, spot, name, action)
    return ActionStep(
        **reading.head(spot, shape),
        name=name,
        action=action,
        kind=kind,
        target=plain(shape.get("target") or {}),
        values=plain(values),
        response_variable=shape.get("response_variable", ""),
    )


def _script_step(reading: Reading, spot: Spot, shape: dict[str, Any] | None, name: str) -> Step | None:
    node = spot.value
    if node.get("target") is not None:
        reading.wrong(spot.inside("target"), "rules.check.no_target", action=name)
    script = reading.script(name.removeprefix(SCRIPT_PREFIX), spot.inside("action"))
    values = node.get("data")
    if values is not None:
        reading.compile(spot.inside("data"))
    if script is None or shape is None or not isinstance(values, dict | None):
        return None
    _check_fields(reading, spot, script, values or {})
    return ScriptStep(
        **reading.head(spot, shape),
        script=script,
        values=plain(values or {}),
        response_variable=shape.get("response_variable", ""),
    )


def _check_fields(reading: Reading, spot: Spot, script: Script, values: dict[str, Any]) -> None:
    known = [field.name for field in script.fields]
    for key in values:
        if key not in known:
            where = spot.inside("data").inside(key)
            reading.wrong(where, "rules.check.no_field", near=key, known=known, name=key, script=script.id)
    for field in script.fields:
        if field.is_required and not field.has_default and field.name not in values:
            where = spot.inside("data") if values else spot.inside("action")
            where = Spot(where.container, where.key, f"{spot.path}.data.{field.name}")
            reading.wrong(where, "rules.check.field_missing", name=field.name, script=script.id)


def _action_kind(reading: Reading, spot: Spot, name: Any) -> Kind[Action] | None:  # noqa: ANN401
    words = reading.words.actions
    kind = words.get(name) if isinstance(name, str) else None
    if kind is None and isinstance(name, str) and name.startswith(PREFIX):
        kind = words.get(PREFIX.rstrip("."))
    if kind is None:
        notifiers = (f"{PREFIX}{notifier}" for notifier in reading.settings.names("notifiers"))
        known = (*words, *notifiers, *(f"{SCRIPT_PREFIX}{script}" for script in reading.script_names()))
        reading.wrong(spot.inside("action"), "rules.check.no_action", near=name, known=known, name=name)
    return kind


def _check_target(reading: Reading, spot: Spot, action: Action, name: str) -> None:
    if not isinstance(spot.value, dict):
        return
    targets = (*action.targets, *(AREAS if "camera" in action.targets else ()))
    for key in spot.value:
        if key not in targets:
            known = dict.fromkeys(targets)
            reading.wrong(spot.inside(key), "rules.check.no_target", near=key, known=known, action=name)
        else:
            reading.names(spot.inside(key), str(key))
    reading.compile(spot)


def _check_careful(reading: Reading, spot: Spot, name: str, action: Action) -> None:
    if not isinstance(action, Careful):
        return
    node = spot.value
    target, values = node.get("target") or {}, node.get("data") or {}
    for fault in action.faults(name, target, values, reading.settings):
        where = spot
        for key in fault.path.split("."):
            inner = where.value
            if isinstance(inner, list) and key.isdigit() and int(key) < len(inner):
                where = where.inside(int(key))
                continue
            if not isinstance(inner, dict) or key not in inner:
                where = Spot(where.container, where.key, f"{spot.path}.{fault.path}")
                break
            where = where.inside(key)
        near = fault.near or None
        reading.wrong(where, fault.key, near=near, known=fault.known, **fault.values)


def _loosened(schema: vol.Schema, values: dict[str, Any]) -> vol.Schema:
    """Return the schema with nothing asked of what a template will give; that is checked when it is known."""
    if not isinstance(schema.schema, dict):
        return schema if not has_template(values) else vol.Schema(object)
    open_keys = {key for key, value in values.items() if has_template(value)}
    if not open_keys:
        return schema
    return vol.Schema(
        {marker: object if str(marker) in open_keys else check for marker, check in schema.schema.items()}
    )
