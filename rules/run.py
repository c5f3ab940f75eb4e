"""One run of a rule: its steps in order, each kept when it ended; a run met again after a crash goes on behind them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import voluptuous as vol

from ..core.errors import ActionFailed, StoreFailed, TemplateFailed
from ..core.rule_contracts import Hub
from ..core.types import ActionCall, ActionResult, Event, Json, Struct, TraceStep
from ..core.validators import duration
from .faults import FAULTS, result_of, verdict_of
from .rule import (
    ActionStep,
    BoundCondition,
    ChooseStep,
    ConditionStep,
    DelayStep,
    IfStep,
    Insistent,
    Rule,
    Step,
    StopStep,
    VariablesStep,
)
from .run_log import RunLog, RunRow, RunState
from .templates import TemplateBox, is_template, plain
from .views import RunMoment, hidden

logger = logging.getLogger(__name__)

# Every contract ends sooner; this is for the plugin that does not keep it.
ACTION_LIMIT_S = 30.0

Outcome = Literal["done", "true", "false", "skipped", "failed", "waiting"]


class _EndOfSequence(Exception):
    """Leave a sequence whose condition did not hold."""


class _EndOfRun(Exception):
    """Leave the run."""

    def __init__(self, state: RunState, reason: str) -> None:
        self.state: RunState = state
        self.reason = reason
        super().__init__(reason)


class Opened(Struct):
    """Name a run that begins, or one that goes on behind the steps that ``ended`` before a restart."""

    rule: Rule
    row: RunRow
    event: Event
    ended: tuple[TraceStep, ...] = ()


class Walk:
    """Take the steps of one run."""

    def __init__(
        self, opened: Opened, hub: Hub, *, box: TemplateBox, log: RunLog, variables: Mapping[str, Any]
    ) -> None:
        self.rule = opened.rule
        self.row = opened.row
        self.event = opened.event
        self.hub = hub
        self._box = box
        self._log = log
        self._ended = {step.path: step for step in opened.ended}
        self._made: dict[str, str] = {}
        self.variables: dict[str, Any] = {**variables, "run": self._made}
        self._moment = RunMoment(box, hub.clock, hub.settings, self.variables)
        self._failed: list[str] = []

    async def go(self) -> tuple[RunState, str]:
        """Take every step; return how the run ended and why."""
        try:
            await self.sequence(self.rule.steps)
        except _EndOfSequence:
            pass
        except _EndOfRun as end:
            return end.state, end.reason
        if self._failed:
            return "finished", self.hub.texts("rules.run.steps_failed", paths=", ".join(self._failed))
        return "finished", ""

    async def sequence(self, steps: Iterable[Step]) -> None:
        """Take steps in order."""
        for step in steps:
            if step.is_enabled:
                await _TAKE[type(step)](self, step)
            elif step.path not in self._ended:
                await self.end(step, "skipped", {"enabled": False})

    def recorded(self, step: Step) -> TraceStep | None:
        """Return how a step ended before the hub was restarted, or None when it had not."""
        held = self._ended.get(step.path)
        return held if held is not None and held.outcome != "waiting" else None

    def waited(self, step: Step) -> TraceStep | None:
        """Return the wait that a restart interrupted, or None."""
        return self._ended.get(step.path)

    async def end(self, step: Step, outcome: Outcome, values: dict[str, Json] | None = None, error: str = "") -> None:
        """Keep how a step ended. A full disk costs the trace, not the alert."""
        told = TraceStep(
            path=step.path,
            what=_what(step),
            at=self.hub.clock.now(),
            outcome=outcome,
            values=hidden(values or {}, self.rule.secrets),
            error=str(hidden(error, self.rule.secrets)),
        )
        try:
            await self._log.put_step(self.row.run_id, told)
        except StoreFailed as err:
            logger.error("rule %s: step %s could not be kept: %s", self.rule.id, step.path, err)

    async def fail(self, step: Step, error: str, values: dict[str, Json] | None = None) -> None:
        """Keep that a step failed, and end the run where the step says so."""
        logger.warning("rule %s: %s: %s", self.rule.id, step.path, hidden(error, self.rule.secrets))
        await self.end(step, "failed", values, error)
        self.after_failure(step, error)

    def after_failure(self, step: Step, error: str) -> None:
        """Remember a failed step; leave the run where the step says so."""
        self._failed.append(step.path)
        if not step.goes_on:
            raise _EndOfRun("failed", f"{step.path}: {error}")

    def render(self, value: Json) -> Json:
        """Render every template inside a value; TemplateFailed."""
        if isinstance(value, dict):
            return {key: self.render(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.render(item) for item in value]
        return self._box.render(value, self.variables) if is_template(value) else value

    def decide(self, conditions: Iterable[BoundCondition]) -> tuple[bool, dict[str, Json]]:
        """Decide conditions in order up to the first that does not hold; with the values that decided."""
        values: dict[str, Json] = {}
        for bound in conditions:
            verdict = verdict_of(bound.condition, self._moment)
            values |= {**verdict.values, **self._moment.looked_at()}
            if not verdict.is_true:
                return False, {**values, "not_held": bound.path}
        return True, values

    def keep_made(self, values: Mapping[str, Json]) -> None:
        """Let later steps know the clip and the picture that this run made."""
        for name, key in (("clip", "clips"), ("snapshot", "images")):
            if made := values.get(key):
                self._made[name] = next(iter(made.values()))

    @property
    def made(self) -> dict[str, str]:
        """Return the last clip and picture of this run."""
        return self._made


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
    except _EndOfSequence:
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
    raise _EndOfRun("failed" if step.is_error else "finished", reason)


async def _take_condition(walk: Walk, step: Step) -> None:
    assert isinstance(step, ConditionStep)
    held = walk.recorded(step)
    if held is None:
        try:
            is_true, values = walk.decide((step.condition,))
        except FAULTS as err:
            # What cannot be decided does not hold, as at the head of the rule.
            await walk.end(step, "false", {}, str(err))
            raise _EndOfSequence from err
        await walk.end(step, "true" if is_true else "false", values)
        if not is_true:
            raise _EndOfSequence
    elif held.outcome != "true":
        raise _EndOfSequence


_TAKE: dict[type[Step], Callable[[Walk, Step], Awaitable[None]]] = {
    ActionStep: _take_action,
    DelayStep: _take_delay,
    ChooseStep: _take_choose,
    IfStep: _take_if,
    VariablesStep: _take_variables,
    StopStep: _take_stop,
    ConditionStep: _take_condition,
}


def _what(step: Step) -> str:
    if step.alias:
        return step.alias
    return step.name if isinstance(step, ActionStep) else type(step).__name__.removesuffix("Step").lower()


def _names(value: Json) -> list[str]:
    if value is None or value == "":
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
