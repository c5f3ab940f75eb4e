"""How each sort of step is taken: actions, delays, choices, variables, stops and conditions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

import voluptuous as vol

from ..core.errors import ActionFailed, TemplateFailed
from ..core.rule_contracts import Hub
from ..core.types import ActionCall, ActionResult, Json
from ..core.validators import duration
from .faults import FAULTS, result_of
from .rule import (
    ActionStep,
    BoundCondition,
    ChooseStep,
    ConditionStep,
    DelayStep,
    IfStep,
    Insistent,
    Step,
    StopStep,
    VariablesStep,
)
from .templates import plain
from .walk import EndOfRun, EndOfSequence, Taker, Walk

logger = logging.getLogger(__name__)

# Every contract ends sooner; this is for the plugin that does not keep it.
ACTION_LIMIT_S = 30.0


async def _take_action(walk: Walk, step: Step) -> None:
    assert isinstance(step, ActionStep)
    if (held := walk.recorded(step)) is not None:
        walk.keep_made(held.values)
        if held.outcome == "failed":
            walk.after_failure(step, held.error)
        return
    try:
        call, rescued = _call(walk, step)
        result = await _run(step, call, walk.hub)
    except FAULTS as err:
        await walk.fail(step, str(err) or type(err).__name__)
        return
    walk.keep_made(result.data)
    values = plain({"target": call.target, "data": call.data, **result.data})
    if not result.is_ok:
        await walk.fail(step, result.error, values)
        return
    await walk.end(step, "done", values, rescued)


def _call(walk: Walk, step: ActionStep) -> tuple[ActionCall, str]:
    target = {key: tuple(_names(walk.render(value))) for key, value in step.target.items()}
    data: dict[str, Json] = {}
    rescued = ""
    for key, value in step.values.items():
        try:
            data[key] = walk.render(value)
        except TemplateFailed as err:
            other = _rescue(walk, step, key, str(err))
            if other is None:
                raise
            data[key], rescued = other, str(err)
            logger.warning("rule %s: %s.data.%s: %s", walk.rule.id, step.path, key, err)
    known = {str(key) for key in step.kind.schema.schema} if isinstance(step.kind.schema.schema, dict) else set()
    for name, made in walk.made.items():
        if name in known:
            data.setdefault(name, made)
    try:
        checked = step.kind.schema(data)
    except vol.Invalid as err:
        raise ActionFailed(f"data: {err}") from err
    call = ActionCall(
        action=step.name,
        key=f"{walk.row.run_id}:{step.path}",
        target=target,
        data=checked,
        event=walk.event,
        run_id=walk.row.run_id,
        rule_id=walk.rule.id,
    )
    return call, rescued


def _rescue(walk: Walk, step: ActionStep, key: str, why: str) -> Json | None:
    if isinstance(step.action, Insistent):
        return step.action.rescue(key, why, walk.rule.alias, walk.event, walk.hub)
    return None


async def _run(step: ActionStep, call: ActionCall, hub: Hub) -> ActionResult:
    try:
        async with asyncio.timeout(ACTION_LIMIT_S):
            return await result_of(step.action, call, hub)
    except TimeoutError as err:
        raise ActionFailed(hub.texts("rules.action.too_slow", action=step.name, seconds=f"{ACTION_LIMIT_S:g}")) from err


async def _take_delay(walk: Walk, step: Step) -> None:
    assert isinstance(step, DelayStep)
    if walk.recorded(step) is not None:
        return
    clock = walk.hub.clock
    until = _deadline(walk, step)
    if until is None:
        try:
            length_s = duration(walk.render(step.length))
        except (TemplateFailed, vol.Invalid) as err:
            await walk.fail(step, str(err))
            return
        until = clock.now() + timedelta(seconds=length_s)
        await walk.end(step, "waiting", {"until": until.isoformat()})
    while (left_s := (until - clock.now()).total_seconds()) > 0:
        await clock.sleep(left_s)
    await walk.end(step, "done", {"until": until.isoformat()})


def _deadline(walk: Walk, step: DelayStep) -> datetime | None:
    held = walk.waited(step)
    return datetime.fromisoformat(held.values["until"]) if held is not None else None


async def _take_choose(walk: Walk, step: Step) -> None:
    assert isinstance(step, ChooseStep)
    chosen = await _choice(walk, step, tuple(option.conditions for option in step.options))
    if chosen is None:
        return
    steps = step.options[chosen].steps if chosen < len(step.options) else step.default
    await _inner(walk, steps)


async def _take_if(walk: Walk, step: Step) -> None:
    assert isinstance(step, IfStep)
    chosen = await _choice(walk, step, (step.conditions,))
    if chosen is not None:
        await _inner(walk, step.otherwise if chosen else step.then)


async def _choice(walk: Walk, step: Step, ways: tuple[tuple[BoundCondition, ...], ...]) -> int | None:
    """Return the number of the first way that holds, ``len(ways)`` for none; decided once per run."""
    if (held := walk.recorded(step)) is not None:
        if held.outcome == "failed":
            walk.after_failure(step, held.error)
            return None
        return int(held.values["chosen"])
    values: dict[str, Json] = {}
    chosen = len(ways)
    try:
        for number, conditions in enumerate(ways):
            is_true, decided = walk.decide(conditions)
            values |= decided
            if is_true:
                chosen = number
                break
    except FAULTS as err:
        await walk.fail(step, str(err), values)
        return None
    await walk.end(step, "true" if chosen < len(ways) else "false", {**values, "chosen": chosen})
    return chosen


async def _inner(walk: Walk, steps: Iterable[Step]) -> None:
    # As in Home Assistant, a condition that does not hold ends the sequence it stands in, no more.
    try:
        await walk.sequence(steps)
    except EndOfSequence:
        return


async def _take_variables(walk: Walk, step: Step) -> None:
    assert isinstance(step, VariablesStep)
    if (held := walk.recorded(step)) is None:
        values: dict[str, Json] = {}
        try:
            for name, value in step.values.items():
                values[name] = walk.variables[name] = walk.render(value)
        except TemplateFailed as err:
            await walk.fail(step, str(err))
            return
        await walk.end(step, "done", values)
    elif held.outcome == "failed":
        walk.after_failure(step, held.error)
    else:
        walk.variables.update(held.values)


async def _take_stop(walk: Walk, step: Step) -> None:
    assert isinstance(step, StopStep)
    try:
        reason = str(walk.render(step.reason))
    except TemplateFailed as err:
        reason = str(err)
    await walk.end(step, "done", {"reason": reason})
    raise EndOfRun("failed" if step.is_error else "finished", reason)


async def _take_condition(walk: Walk, step: Step) -> None:
    assert isinstance(step, ConditionStep)
    held = walk.recorded(step)
    if held is None:
        try:
            is_true, values = walk.decide((step.condition,))
        except FAULTS as err:
            # What cannot be decided does not hold, as at the head of the rule.
            await walk.end(step, "false", {}, str(err))
            raise EndOfSequence from err
        await walk.end(step, "true" if is_true else "false", values)
        if not is_true:
            raise EndOfSequence
    elif held.outcome != "true":
        raise EndOfSequence


TAKERS: dict[type[Step], Taker] = {
    ActionStep: _take_action,
    DelayStep: _take_delay,
    ChooseStep: _take_choose,
    IfStep: _take_if,
    VariablesStep: _take_variables,
    StopStep: _take_stop,
    ConditionStep: _take_condition,
}


def _names(value: Json) -> list[str]:
    if value is None or value == "":
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
