"""How each sort of step is taken: actions, choices, variables, stops and conditions here; others in files beside."""

from __future__ import annotations

import asyncio
import logging

from ..core.errors import ActionFailed, SiagaError, StoreFailed, TemplateFailed
from ..core.types import ActionCall, ActionResult, Json
from .calling import Made, call_of
from .faults import FAULTS
from .reading import has_template
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
from .run_groups import take_parallel, take_sequence
from .run_repeat import take_repeat
from .run_scripts import take_script
from .run_waits import take_delay, take_wait_template, take_wait_trigger
from .steps import ParallelStep, RepeatStep, ScriptStep, SequenceStep, WaitTemplateStep, WaitTriggerStep
from .templates import plain
from .walk import EndOfRun, EndOfSequence, Taker, Walk

logger = logging.getLogger(__name__)

# Every contract ends sooner; this is for the plugin that does not keep it.
ACTION_LIMIT_S = 30.0


class _TooSlow(ActionFailed):
    """Say that an action did not end in its time; what it began may still be done."""


class _PutOff(SiagaError):
    """Say that an action was not kept and has to be done later, under the same key."""


async def _take_action(walk: Walk, step: Step) -> None:
    assert isinstance(step, ActionStep)
    if (held := walk.recorded(step)) is not None:
        walk.keep_made(held.values)
        _answered(walk, step, held.values)
        if held.outcome == "failed":
            walk.after_failure(step, held.error)
        return
    try:
        made = call_of(walk, step)
        if isinstance(step.action, Insistent):
            result = await _insist(step, step.action, made, walk)
        else:
            result = await _run(step, made.call, walk)
    except _PutOff as err:
        walk.put_off(step, str(err))
        return
    except FAULTS as err:
        await walk.fail(step, str(err) or type(err).__name__)
        return
    walk.keep_made(result.data)
    values = plain({"target": made.call.target, "data": made.call.data, **result.data})
    if step.response_variable and result.is_ok:
        values["response"] = plain(result.data)
        _answered(walk, step, values)
    if not result.is_ok:
        await walk.fail(step, result.error, values)
        return
    await walk.end(step, "done", values, "; ".join(made.faults.values()))


def _answered(walk: Walk, step: ActionStep, values: dict[str, Json]) -> None:
    if step.response_variable and "response" in values:
        walk.assign(step.response_variable, values["response"])


async def _insist(step: ActionStep, action: Insistent, made: Made, walk: Walk) -> ActionResult:
    """Do what must be done; _PutOff where only the disk stands in the way."""
    try:
        for path, why in made.unreached.items():
            await action.unreached(path, why, made.call, walk.hub)
        return await _run(step, made.call, walk)
    except (StoreFailed, _TooSlow) as err:
        raise _PutOff(str(err)) from err


async def _run(step: ActionStep, call: ActionCall, walk: Walk) -> ActionResult:
    try:
        async with asyncio.timeout(ACTION_LIMIT_S):
            return await walk.act(step, call, walk.hub)
    except TimeoutError as err:
        raise _TooSlow(
            walk.hub.texts("rules.action.too_slow", action=step.name, seconds=f"{ACTION_LIMIT_S:g}")
        ) from err


async def _take_choose(walk: Walk, step: Step) -> None:
    assert isinstance(step, ChooseStep)
    chosen = await _choice(walk, step, tuple(option.conditions for option in step.options))
    if chosen is None:
        return
    steps = step.options[chosen].steps if chosen < len(step.options) else step.default
    await walk.inner(steps)


async def _take_if(walk: Walk, step: Step) -> None:
    assert isinstance(step, IfStep)
    chosen = await _choice(walk, step, (step.conditions,))
    if chosen is not None:
        await walk.inner(step.otherwise if chosen else step.then)


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


async def _take_variables(walk: Walk, step: Step) -> None:
    assert isinstance(step, VariablesStep)
    held = walk.recorded(step)
    if held is not None and held.outcome == "failed":
        for name, value in held.values.items():
            walk.assign(name, value)
        walk.after_failure(step, held.error)
        return
    values: dict[str, Json] = {}
    for name, value in step.values.items():
        try:
            # What the rule itself says is taken from the rule: the trace may have hidden it.
            is_decided = held is not None and has_template(value)
            values[name] = held.values[name] if held is not None and is_decided else walk.render(value)
        except TemplateFailed as err:
            await walk.fail(step, str(err), values)
            return
        walk.assign(name, values[name])
    if held is None:
        await walk.end(step, "done", values)


async def _take_stop(walk: Walk, step: Step) -> None:
    assert isinstance(step, StopStep)
    try:
        reason = str(walk.render(step.reason))
    except TemplateFailed as err:
        reason = str(err)
    response = walk.variables.get(step.response_variable) if step.response_variable else None
    if step.response_variable and not isinstance(response, dict):
        await walk.fail(step, walk.hub.texts("rules.run.no_response", name=step.response_variable))
        raise EndOfRun("failed", reason)
    if walk.recorded(step) is None:
        await walk.end(step, "done", {"reason": reason, **({"response": plain(response)} if response else {})})
    raise EndOfRun("failed" if step.is_error else "finished", reason, response)


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
    DelayStep: take_delay,
    ChooseStep: _take_choose,
    IfStep: _take_if,
    VariablesStep: _take_variables,
    StopStep: _take_stop,
    ConditionStep: _take_condition,
    SequenceStep: take_sequence,
    ParallelStep: take_parallel,
    RepeatStep: take_repeat,
    WaitTriggerStep: take_wait_trigger,
    WaitTemplateStep: take_wait_template,
    ScriptStep: take_script,
}
