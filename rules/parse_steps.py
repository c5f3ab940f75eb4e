"""Reads conditions and actions of a rule from YAML: shorthands, choose, if, delay, and the words of plugins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.rule_contracts import Action
from ..core.validators import boolean, duration, text
from ..core.yaml_lines import Gap, LineDict, plain, without
from .faults import FAULTS
from .notify import PREFIX
from .reading import Reading, Spot, as_node, has_template
from .rule import (
    ActionStep,
    BoundCondition,
    Careful,
    ChooseStep,
    ConditionStep,
    DelayStep,
    IfStep,
    Option,
    Step,
    StopStep,
    VariablesStep,
)
from .templates import is_template

_GROUPS = ("and", "or", "not")
_COMMON: dict[Any, Any] = {
    vol.Optional("alias", description="rules.step.alias"): text,
    vol.Optional("enabled", description="rules.step.enabled"): boolean,
    vol.Optional("continue_on_error", description="rules.step.continue_on_error"): boolean,
}
ACTION = vol.Schema(
    {
        **_COMMON,
        vol.Required("action", description="rules.step.action"): text,
        vol.Optional("target", description="rules.step.target"): vol.Any(None, dict),
        vol.Optional("data", description="rules.step.data"): vol.Any(None, dict),
    }
)
DELAY = vol.Schema({**_COMMON, vol.Required("delay", description="rules.step.delay"): object})
CHOOSE = vol.Schema(
    {
        **_COMMON,
        vol.Required("choose", description="rules.step.choose"): object,
        vol.Optional("default", description="rules.step.default"): object,
    }
)
OPTION = vol.Schema(
    {
        vol.Optional("alias", description="rules.step.alias"): text,
        vol.Required("conditions", description="rules.step.option_conditions"): object,
        vol.Required("sequence", description="rules.step.sequence"): object,
    }
)
IF = vol.Schema(
    {
        **_COMMON,
        vol.Required("if", description="rules.step.if"): object,
        vol.Required("then", description="rules.step.then"): object,
        vol.Optional("else", description="rules.step.else"): object,
    }
)
VARIABLES = vol.Schema({**_COMMON, vol.Required("variables", description="rules.step.variables"): dict})
STOP = vol.Schema(
    {
        **_COMMON,
        vol.Required("stop", description="rules.step.stop"): vol.Any(None, text),
        vol.Optional("error", description="rules.step.error"): boolean,
    }
)


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
        for group in _GROUPS:
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
    head = reading.checked(vol.Schema({"alias": text, "enabled": boolean}), spot, as_node(common, spot))
    options = reading.checked(kind.schema, spot, without(node, ("condition", "alias", "enabled")))
    for key in node:
        reading.compile(Spot(node, key, f"{spot.path}.{key}"))
    if isinstance(source := node.get("value_template"), str) and not is_template(source):
        reading.compile_text(source, Spot(node, "value_template", f"{spot.path}.value_template"))
    if "conditions" in node:
        inner = read_conditions(reading, Spot(node, "conditions", f"{spot.path}.conditions"))
        if options is not None:
            options = {**options, "conditions": tuple(bound.condition for bound in inner)}
    if options is None or head is None or not head.get("enabled", True):
        return None
    try:
        made = kind.make(dict(options))
    except FAULTS as err:
        reading.wrong(here, "rules.check.broken_word", name=word, why=err)
        return None
    return BoundCondition(path=spot.path, word=word, condition=made, alias=head.get("alias", ""))


def read_steps(reading: Reading, spot: Spot) -> tuple[Step, ...]:
    """Read a list of actions."""
    found = (_read_step(reading, item) for item in reading.items(spot))
    return tuple(step for step in found if step is not None)


def _read_step(reading: Reading, spot: Spot) -> Step | None:
    node = spot.value
    if isinstance(node, Gap):
        return None
    if isinstance(node, dict):
        for key, read in _STEPS.items():
            if key in node:
                return read(reading, spot)
    if isinstance(node, str) or (isinstance(node, dict) and any(key in node for key in ("condition", *_GROUPS))):
        return _condition_step(reading, spot)
    if isinstance(node, dict):
        near = next((key for key in node if isinstance(key, str)), "")
        reading.wrong(spot, "rules.check.no_step_word", near=near, known=(*_STEPS, "condition"))
    else:
        reading.wrong(spot, "check.needs_mapping")
    return None


def _common(spot: Spot, checked: dict[str, Any]) -> dict[str, Any]:
    return {
        "path": spot.path,
        "alias": checked.get("alias", ""),
        "is_enabled": checked.get("enabled", True),
        "goes_on": checked.get("continue_on_error", True),
    }


def _action_step(reading: Reading, spot: Spot) -> Step | None:
    shape = reading.checked(ACTION, spot)
    node = spot.value
    name = node["action"]
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
        **_common(spot, shape),
        name=name,
        action=action,
        kind=kind,
        target=plain(shape.get("target") or {}),
        values=plain(values),
    )


def _action_kind(reading: Reading, spot: Spot, name: Any) -> Kind[Action] | None:  # noqa: ANN401
    words = reading.words.actions
    kind = words.get(name) if isinstance(name, str) else None
    if kind is None and isinstance(name, str) and name.startswith(PREFIX):
        kind = words.get(PREFIX.rstrip("."))
    if kind is None:
        known = (*words, *(f"{PREFIX}{notifier}" for notifier in reading.settings.names("notifiers")))
        reading.wrong(spot.inside("action"), "rules.check.no_action", near=name, known=known, name=name)
    return kind


def _check_target(reading: Reading, spot: Spot, action: Action, name: str) -> None:
    if not isinstance(spot.value, dict):
        return
    for key in spot.value:
        if key not in action.targets:
            reading.wrong(spot.inside(key), "rules.check.no_target", near=key, known=action.targets, action=name)
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
    return vol.Schema(
        {marker: object if str(marker) in open_keys else check for marker, check in schema.schema.items()}
    )


def _delay_step(reading: Reading, spot: Spot) -> Step | None:
    shape = reading.checked(DELAY, spot)
    here = spot.inside("delay")
    reading.compile(here)
    if not has_template(here.value):
        reading.checked(vol.Schema(duration), here)
    return None if shape is None else DelayStep(**_common(spot, shape), length=plain(here.value))


def _choose_step(reading: Reading, spot: Spot) -> Step | None:
    shape = reading.checked(CHOOSE, spot)
    options = []
    for item in reading.items(spot.inside("choose")):
        option = reading.checked(OPTION, item)
        if not isinstance(item.value, dict):
            continue
        conditions = read_conditions(reading, item.inside("conditions")) if "conditions" in item.value else ()
        steps = read_steps(reading, item.inside("sequence")) if "sequence" in item.value else ()
        options.append(Option(conditions=conditions, steps=steps, alias=(option or {}).get("alias", "")))
    default = read_steps(reading, spot.inside("default")) if "default" in spot.value else ()
    return None if shape is None else ChooseStep(**_common(spot, shape), options=tuple(options), default=default)


def _if_step(reading: Reading, spot: Spot) -> Step | None:
    shape = reading.checked(IF, spot)
    node = spot.value
    conditions = read_conditions(reading, spot.inside("if"))
    then = read_steps(reading, spot.inside("then")) if "then" in node else ()
    otherwise = read_steps(reading, spot.inside("else")) if "else" in node else ()
    if shape is None:
        return None
    return IfStep(**_common(spot, shape), conditions=conditions, then=then, otherwise=otherwise)


def _variables_step(reading: Reading, spot: Spot) -> Step | None:
    shape = reading.checked(VARIABLES, spot)
    reading.compile(spot.inside("variables"))
    return None if shape is None else VariablesStep(**_common(spot, shape), values=plain(shape["variables"]))


def _stop_step(reading: Reading, spot: Spot) -> Step | None:
    shape = reading.checked(STOP, spot)
    reading.compile(spot.inside("stop"))
    if shape is None:
        return None
    return StopStep(**_common(spot, shape), reason=shape["stop"] or "", is_error=shape.get("error", False))


def _condition_step(reading: Reading, spot: Spot) -> Step | None:
    bound = read_condition(reading, spot)
    return None if bound is None else ConditionStep(path=spot.path, alias=bound.alias, condition=bound)


_STEPS: dict[str, Callable[[Reading, Spot], Step | None]] = {
    "action": _action_step,
    "delay": _delay_step,
    "choose": _choose_step,
    "if": _if_step,
    "variables": _variables_step,
    "stop": _stop_step,
}
