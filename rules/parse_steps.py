"""Reads a list of actions from YAML: each step by the word that it begins with."""

from __future__ import annotations

from collections.abc import Callable

from ..core.yaml_lines import Gap, plain
from .parse_actions import action_step
from .parse_conditions import GROUPS, read_condition
from .parse_flow import choose_step, if_step, parallel_step, repeat_step, sequence_step, steps_in
from .parse_waits import delay_step, wait_for_trigger_step, wait_template_step
from .reading import Reading, Spot
from .rule import ConditionStep, Step, StopStep, VariablesStep
from .step_schemas import NAME, STOP, VARIABLES


def read_steps(reading: Reading, spot: Spot) -> tuple[Step, ...]:
    """Read a list of actions; a single one stands for a list of one."""
    return steps_in(reading, spot, _read_step)


def _read_step(reading: Reading, spot: Spot) -> Step | None:
    node = spot.value
    if isinstance(node, Gap):
        return None
    if isinstance(node, dict):
        for key, read in _STEPS.items():
            if key in node:
                return read(reading, spot)
    if isinstance(node, str) or (isinstance(node, dict) and any(key in node for key in ("condition", *GROUPS))):
        return _condition_step(reading, spot)
    if isinstance(node, dict):
        first = next((key for key in node if isinstance(key, str)), "")
        near = next((new for old, new in _OLD_WORDS.items() if old in node), first)
        reading.wrong(spot, "rules.check.no_step_word", near=near, known=(*_STEPS, "condition"))
    else:
        reading.wrong(spot, "check.needs_mapping")
    return None


def _variables_step(reading: Reading, spot: Spot) -> Step | None:
    shape = reading.checked(VARIABLES, spot)
    here = spot.inside("variables")
    check_names(reading, here)
    reading.compile(here)
    return None if shape is None else VariablesStep(**reading.head(spot, shape), values=plain(shape["variables"]))


def check_names(reading: Reading, spot: Spot) -> None:
    """Refuse names of variables that no template can say."""
    if isinstance(spot.value, dict):
        for name in spot.value:
            if not isinstance(name, str) or not NAME.fullmatch(name):
                reading.wrong(spot.inside(name), "rules.check.variable_name")


def _stop_step(reading: Reading, spot: Spot) -> Step | None:
    shape = reading.checked(STOP, spot)
    reading.compile(spot.inside("stop"))
    if shape is None:
        return None
    return StopStep(
        **reading.head(spot, shape),
        reason=shape["stop"] or "",
        is_error=shape.get("error", False),
        response_variable=shape.get("response_variable", ""),
    )


def _condition_step(reading: Reading, spot: Spot) -> Step | None:
    bound = read_condition(reading, spot)
    return None if bound is None else ConditionStep(path=spot.path, alias=bound.alias, condition=bound)


# What Home Assistant said before; many an example still does.
_OLD_WORDS = {"service": "action", "wait_for": "wait_for_trigger"}
# A step that both waits and repeats is none; the first word that is found says what it is.
_STEPS: dict[str, Callable[[Reading, Spot], Step | None]] = {
    "action": action_step,
    "delay": delay_step,
    "choose": lambda reading, spot: choose_step(reading, spot, _read_step),
    "if": lambda reading, spot: if_step(reading, spot, _read_step),
    "repeat": lambda reading, spot: repeat_step(reading, spot, _read_step),
    "parallel": lambda reading, spot: parallel_step(reading, spot, _read_step),
    "sequence": lambda reading, spot: sequence_step(reading, spot, _read_step),
    "wait_for_trigger": wait_for_trigger_step,
    "wait_template": wait_template_step,
    "variables": _variables_step,
    "stop": _stop_step,
}
