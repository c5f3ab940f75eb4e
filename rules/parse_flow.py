"""Reads the steps that hold other steps: choose, if, repeat, sequence, parallel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import voluptuous as vol

from ..core.validators import Wrong
from ..core.yaml_lines import Gap, plain
from .parse_conditions import read_conditions
from .reading import Reading, Spot, has_template
from .rule import ChooseStep, IfStep, Option, Step
from .step_schemas import CHOOSE, IF, LOOP, OPTION, PARALLEL, REPEAT, SEQUENCE
from .steps import TURN_LIMIT, ParallelStep, RepeatStep, SequenceStep

ReadStep = Callable[[Reading, Spot], Step | None]
Way = Literal["count", "for_each", "while", "until"]
_WAYS: tuple[Way, ...] = ("count", "for_each", "while", "until")


def steps_in(reading: Reading, spot: Spot, read: ReadStep) -> tuple[Step, ...]:
    """Read a list of steps; a single one stands for a list of one."""
    found = (read(reading, item) for item in reading.items(spot))
    return tuple(step for step in found if step is not None)


def choose_step(reading: Reading, spot: Spot, read: ReadStep) -> Step | None:
    """Read a choose: a list of options, or a single one."""
    shape = reading.checked(CHOOSE, spot)
    options = []
    for item in reading.items(spot.inside("choose")):
        option = reading.checked(OPTION, item)
        if not isinstance(item.value, dict):
            continue
        conditions = read_conditions(reading, item.inside("conditions")) if "conditions" in item.value else ()
        steps = steps_in(reading, item.inside("sequence"), read) if "sequence" in item.value else ()
        options.append(Option(conditions=conditions, steps=steps, alias=(option or {}).get("alias", "")))
    default = steps_in(reading, spot.inside("default"), read) if "default" in spot.value else ()
    if shape is None:
        return None
    return ChooseStep(**reading.head(spot, shape), options=tuple(options), default=default)


def if_step(reading: Reading, spot: Spot, read: ReadStep) -> Step | None:
    """Read an if with its then and else."""
    shape = reading.checked(IF, spot)
    node = spot.value
    conditions = read_conditions(reading, spot.inside("if"))
    then = steps_in(reading, spot.inside("then"), read) if "then" in node else ()
    otherwise = steps_in(reading, spot.inside("else"), read) if "else" in node else ()
    if shape is None:
        return None
    return IfStep(**reading.head(spot, shape), conditions=conditions, then=then, otherwise=otherwise)


def sequence_step(reading: Reading, spot: Spot, read: ReadStep) -> Step | None:
    """Read steps that stand together as one."""
    shape = reading.checked(SEQUENCE, spot)
    steps = steps_in(reading, spot.inside("sequence"), read)
    return None if shape is None else SequenceStep(**reading.head(spot, shape), steps=steps)


def parallel_step(reading: Reading, spot: Spot, read: ReadStep) -> Step | None:
    """Read branches; a branch is a step, or a list of them."""
    shape = reading.checked(PARALLEL, spot)
    branches = tuple(_branch(reading, item, read) for item in reading.items(spot.inside("parallel")))
    if not branches and not isinstance(spot.value["parallel"], Gap):
        reading.wrong(spot.inside("parallel"), "rules.check.no_branch")
    return None if shape is None else ParallelStep(**reading.head(spot, shape), branches=branches)


def _branch(reading: Reading, spot: Spot, read: ReadStep) -> tuple[Step, ...]:
    if isinstance(spot.value, list):
        return steps_in(reading, spot, read)
    step = read(reading, spot)
    return () if step is None else (step,)


def repeat_step(reading: Reading, spot: Spot, read: ReadStep) -> Step | None:
    """Read a loop: one way to count its turns, and the steps of a turn."""
    shape = reading.checked(REPEAT, spot)
    here = spot.inside("repeat")
    node = here.value
    if isinstance(node, Gap):
        return None
    loop = reading.checked(LOOP, here)
    if not isinstance(node, dict):
        return None
    steps = steps_in(reading, here.inside("sequence"), read) if "sequence" in node else ()
    ways = [way for way in _WAYS if way in node]
    if len(ways) != 1:
        if loop is not None:
            reading.wrong(here, "rules.check.one_way", names=", ".join(_WAYS))
        return None
    way = ways[0]
    conditions = read_conditions(reading, here.inside(way)) if way in ("while", "until") else ()
    if way in ("count", "for_each"):
        _check_turns(reading, here.inside(way), way)
    if shape is None or loop is None:
        return None
    count, items = plain(node.get("count")), plain(node.get("for_each"))
    return RepeatStep(
        **reading.head(spot, shape), way=way, steps=steps, count=count, items=items, conditions=conditions
    )


def _check_turns(reading: Reading, spot: Spot, way: Way) -> None:
    reading.compile(spot)
    if way == "count" and not has_template(spot.value):
        reading.checked(vol.Schema(_whole_turns), spot)
    if way == "for_each" and not has_template(spot.value):
        reading.checked(vol.Schema(_list_of_turns), spot)


def _whole_turns(value: Any) -> int:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= TURN_LIMIT:
        raise Wrong("rules.check.turns", limit=TURN_LIMIT)
    return value


def _list_of_turns(value: Any) -> list[Any]:  # noqa: ANN401
    if not isinstance(value, list) or len(value) > TURN_LIMIT:
        raise Wrong("rules.check.turn_items", limit=TURN_LIMIT)
    return value
