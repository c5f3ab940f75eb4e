"""One run of a rule: its steps in order, each kept when it ended; a run met again after a crash goes on behind them."""

from __future__ import annotations

import logging
from collections import ChainMap
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any, Literal

from msgspec.structs import replace

from ..core.errors import ActionFailed, StoreFailed
from ..core.types import Event, Json, Struct, TraceStep
from .faults import verdict_of
from .lateness import stood_still_s
from .outside import Act, RunHub, Waits
from .rule import ActionStep, BoundCondition, Rule, Step
from .run_log import RunLog, RunRow, RunState
from .steps import TURN_LIMIT, ScriptStep, WaitTemplateStep, WaitTriggerStep
from .templates import TemplateBox, is_template
from .views import RunMoment, hidden

logger = logging.getLogger(__name__)

Outcome = Literal["done", "true", "false", "skipped", "failed", "waiting"]
# Steps whose word in the YAML does not follow from the name of their class.
_WORDS: dict[type[Step], str] = {WaitTriggerStep: "wait_for_trigger", WaitTemplateStep: "wait_template"}
_FAILED_NAMED = 8  # failed steps that the reason of a run names; a loop may have thousands


class EndOfSequence(Exception):
    """Leave a sequence whose condition did not hold."""


class EndOfRun(Exception):
    """Leave the run, or the script that is called; ``response`` is what the script answers."""

    def __init__(self, state: RunState, reason: str, response: dict[str, Json] | None = None) -> None:
        self.state: RunState = state
        self.reason = reason
        self.response = response
        super().__init__(reason)


class Opened(Struct):
    """Name a run that begins, or one that goes on behind the steps that ``ended`` before a restart."""

    rule: Rule
    row: RunRow
    event: Event
    ended: tuple[TraceStep, ...] = ()


class Fate:
    """Count what went wrong in a run: which steps failed, whether one was put off, how many turns and calls it took."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.failures = 0
        self.has_put_off = False
        self.turns = 0

    def add(self, path: str) -> None:
        """Remember a failed step; of many, the first few by name."""
        self.failures += 1
        if len(self.failed) < _FAILED_NAMED:
            self.failed.append(path)

    def again(self, paths: Sequence[str], failures: int) -> None:
        """Remember the failed steps of a loop that a restart does not go through again."""
        for path in paths:
            self.add(path)
        self.failures += max(0, failures - len(paths))


class Walk:
    """Take the steps of one run; ``takers`` know how, by the sort of step.

    A turn of a loop, a branch and a script walk by a walk of their own (``inside``), which shares what was recorded
    and sees variables of its own before the outer ones.
    """

    def __init__(
        self,
        opened: Opened,
        hub: RunHub,
        *,
        takers: Mapping[type[Step], Taker],
        box: TemplateBox,
        log: RunLog,
        variables: Mapping[str, Any],
        waits: Waits,
        act: Act,
    ) -> None:
        self._takers = takers
        self.rule = opened.rule
        self.row = opened.row
        self.event = opened.event
        self.hub = hub
        self.box = box
        self.waits = waits
        self.act = act
        self._log = log
        self._ended = {step.path: step for step in opened.ended}
        self._made: dict[str, str] = {}
        self.given: Mapping[str, Any] = {**variables, "run": self._made}
        self.fate = Fate()
        self._from = self._to = ""
        self._see({**self.given}, ())

    @property
    def late_s(self) -> float:
        """Return how late the run began, and how long it stood still since."""
        return self.row.late_s + stood_still_s(self.row.started_at, self._ended.values(), self.hub.clock.now())

    @property
    def has_put_off(self) -> bool:
        """Say whether a step was left for the next time this run is gone through."""
        return self.fate.has_put_off

    async def go(self) -> tuple[RunState, str]:
        """Take every step that has not ended; return how the run ended and why.

        Where ``has_put_off`` is true afterwards, going again takes what was put off.
        """
        self.fate = Fate()
        # As after a restart: what the steps set is set again by what they recorded.
        self._made.clear()
        self._see({**self.given}, ())
        try:
            await self.inner(self.rule.steps)
        except EndOfRun as end:
            return end.state, end.reason
        if self.fate.failures:
            more = self.fate.failures - len(self.fate.failed)
            paths = [*self.fate.failed, *([self.hub.texts("rules.run.and_more", count=more)] if more else [])]
            return "finished", self.hub.texts("rules.run.steps_failed", paths=", ".join(paths))
        return "finished", ""

    async def sequence(self, steps: Iterable[Step]) -> None:
        """Take steps in order. EndOfSequence where a condition among them does not hold."""
        for step in steps:
            if step.is_enabled:
                await self._takers[type(step)](self, step)
            elif self.path(step) not in self._ended:
                await self.end(step, "skipped", {"enabled": False})

    async def inner(self, steps: Iterable[Step]) -> None:
        """Take steps in order; a condition that does not hold ends these and no more, as in Home Assistant."""
        try:
            await self.sequence(steps)
        except EndOfSequence:
            return

    # --- where it is, and what it sees ------------------------------------------------------------

    def inside(self, old: str, new: str, own: dict[str, Any], *, is_branch: bool = False) -> Walk:
        """Return a walk for steps whose paths begin with ``old``: here they begin with ``new``.

        It sees the variables ``own`` first; what a branch waited for is its own.
        """
        inner = copy(self)
        inner._from, inner._to = old, new
        inner._see(own, self._scopes, own if is_branch else self._home)
        return inner

    def branch(self) -> Walk:
        """Return a walk for one branch of several that are taken side by side."""
        return self.inside(self._from, self._to, {}, is_branch=True)

    def afresh(self, old: str, new: str, own: dict[str, Any]) -> Walk:
        """Return a walk for a script: it sees ``own`` and what every run is given, nothing else of its caller."""
        inner = copy(self)
        inner._from, inner._to = old, new
        inner._see({**self.given, **own}, ())
        return inner

    def path(self, step: Step | str) -> str:
        """Return the path of a step (or of what stands in one) in this run: a loop's steps have one for each turn."""
        path = step if isinstance(step, str) else step.path
        return self._to + path[len(self._from) :] if self._from and path.startswith(self._from) else path

    def assign(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Set a variable where it is known, else for the whole run (or script), as Home Assistant does."""
        scope = next((scope for scope in self._scopes if name in scope), self._scopes[-1])
        scope[name] = value

    def assign_here(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Set a variable that the other branches of a parallel step have for themselves."""
        self._home[name] = value

    def _see(self, own: dict[str, Any], outer: tuple[dict[str, Any], ...], home: dict[str, Any] | None = None) -> None:
        self._scopes = (own, *outer)
        self._home = own if home is None else home
        self.variables: Mapping[str, Any] = ChainMap(*self._scopes) if outer else own
        self._moment = RunMoment(
            self.box,
            self.hub.clock,
            self.hub.settings,
            self.variables,
            states=self.hub.states,
            event=self.event,
            trigger_id=self.row.trigger_id,
        )

    # --- what is recorded -------------------------------------------------------------------------

    def recorded(self, step: Step | str) -> TraceStep | None:
        """Return how a step ended before the hub was restarted, or None when it had not."""
        held = self._ended.get(self.path(step))
        return held if held is not None and held.outcome != "waiting" else None

    def waited(self, step: Step | str) -> TraceStep | None:
        """Return what a step that a restart interrupted had recorded, or None."""
        return self._ended.get(self.path(step))

    async def end(self, step: Step, outcome: Outcome, values: dict[str, Json] | None = None, error: str = "") -> None:
        """Keep how a step ended. A full disk costs the trace, not the alert."""
        await self.note(self.path(step), _what(step), outcome, values, error)

    async def note(
        self, path: str, what: str, outcome: Outcome, values: dict[str, Json] | None = None, error: str = ""
    ) -> None:
        """Keep a line of the trace."""
        ended = TraceStep(
            path=path, what=what, at=self.hub.clock.now(), outcome=outcome, values=values or {}, error=error
        )
        self._ended[path] = ended
        told = replace(ended, values=hidden(ended.values, self.rule.secrets), error=self.hidden(error))
        try:
            await self._log.put_step(self.row.run_id, told)
        except StoreFailed as err:
            logger.error("rule %s: step %s could not be kept: %s", self.rule.id, path, err)

    async def forget(self, paths: Iterable[str]) -> None:
        """Drop what stands at or below paths from the trace; whoever asks has kept what a restart needs of it."""
        gone = tuple(paths)
        below = tuple(f"{path}." for path in gone)
        for path in [path for path in self._ended if path in gone or path.startswith(below)]:
            del self._ended[path]
        try:
            await self._log.drop_steps(self.row.run_id, gone)
        except StoreFailed as err:
            logger.error("rule %s: old turns could not be dropped: %s", self.rule.id, err)

    async def fail(self, step: Step, error: str, values: dict[str, Json] | None = None) -> None:
        """Keep that a step failed, and end the run where the step says so."""
        logger.warning("rule %s: %s: %s", self.rule.id, self.path(step), self.hidden(error))
        await self.end(step, "failed", values, error)
        self.after_failure(step, error)

    def put_off(self, step: Step, why: str) -> None:
        """Leave a step unrecorded, for the next time this run is gone through, now or after a restart."""
        logger.error("rule %s: %s is put off: %s", self.rule.id, self.path(step), self.hidden(why))
        self.fate.has_put_off = True
        self.after_failure(step, why)

    def hidden(self, text: str) -> str:
        """Return a text without the rule's secrets."""
        return str(hidden(text, self.rule.secrets))

    def after_failure(self, step: Step, error: str) -> None:
        """Remember a failed step; leave the run where the step says so."""
        path = self.path(step)
        self.fate.add(path)
        if not step.goes_on:
            raise EndOfRun("failed", f"{path}: {error}")

    def turn(self) -> None:
        """Count one turn of a loop or one call of a script. ActionFailed when a run takes too many."""
        self.fate.turns += 1
        if self.fate.turns > TURN_LIMIT:
            raise ActionFailed(self.hub.texts("rules.run.too_many_turns", limit=TURN_LIMIT))

    # --- templates and conditions -----------------------------------------------------------------

    def render(self, value: Json) -> Json:
        """Render every template inside a value; TemplateFailed."""
        if isinstance(value, dict):
            return {key: self.render(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.render(item) for item in value]
        return self.box.render(value, self.variables) if is_template(value) else value

    def render_text(self, source: str) -> Json:
        """Render a text that is a template by its place, also when it is one bare expression; TemplateFailed."""
        return self.box.render(source, self.variables)

    def decide(self, conditions: Iterable[BoundCondition]) -> tuple[bool, dict[str, Json]]:
        """Decide conditions in order up to the first that does not hold; with the values that decided."""
        values: dict[str, Json] = {}
        for bound in conditions:
            verdict = verdict_of(bound.condition, self._moment)
            values |= {**verdict.values, **self._moment.looked_at()}
            if not verdict.is_true:
                return False, {**values, "not_held": self.path(bound.path)}
        return True, values

    def looked_at(self, template: str) -> dict[str, Json]:
        """Return the values that a template looks at, for the trace."""
        return self.box.looked_at(template, self.variables)

    def keep_made(self, values: Mapping[str, Json]) -> None:
        """Let later steps know the clip and the picture that this run made."""
        for name, key in (("clip", "clips"), ("snapshot", "images")):
            if made := values.get(key):
                self._made[name] = next(iter(made.values()))

    @property
    def made(self) -> dict[str, str]:
        """Return the last clip and picture of this run."""
        return self._made


Taker = Callable[[Walk, Step], Awaitable[None]]


def _what(step: Step) -> str:
    if step.alias:
        return step.alias
    if isinstance(step, ScriptStep):
        return f"script.{step.script.id}"
    if isinstance(step, ActionStep):
        return step.name
    return _WORDS.get(type(step)) or type(step).__name__.removesuffix("Step").lower()
