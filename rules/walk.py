"""One run of a rule: its steps in order, each kept when it ended; a run met again after a crash goes on behind them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal

from msgspec.structs import replace

from ..core.errors import StoreFailed
from ..core.rule_contracts import Hub
from ..core.types import Event, Json, Struct, TraceStep
from .faults import verdict_of
from .rule import ActionStep, BoundCondition, Rule, Step
from .run_log import RunLog, RunRow, RunState
from .templates import TemplateBox, is_template
from .views import RunMoment, hidden

logger = logging.getLogger(__name__)

Outcome = Literal["done", "true", "false", "skipped", "failed", "waiting"]


class EndOfSequence(Exception):
    """Leave a sequence whose condition did not hold."""


class EndOfRun(Exception):
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
    """Take the steps of one run; ``takers`` know how, by the sort of step."""

    def __init__(
        self,
        opened: Opened,
        hub: Hub,
        *,
        takers: Mapping[type[Step], Taker],
        box: TemplateBox,
        log: RunLog,
        variables: Mapping[str, Any],
    ) -> None:
        self._takers = takers
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
        self.has_put_off = False

    async def go(self) -> tuple[RunState, str]:
        """Take every step that has not ended; return how the run ended and why.

        Where ``has_put_off`` is true afterwards, going again takes what was put off.
        """
        self._failed, self.has_put_off = [], False
        try:
            await self.sequence(self.rule.steps)
        except EndOfSequence:
            pass
        except EndOfRun as end:
            return end.state, end.reason
        if self._failed:
            return "finished", self.hub.texts("rules.run.steps_failed", paths=", ".join(self._failed))
        return "finished", ""

    async def sequence(self, steps: Iterable[Step]) -> None:
        """Take steps in order."""
        for step in steps:
            if step.is_enabled:
                await self._takers[type(step)](self, step)
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
        ended = TraceStep(
            path=step.path,
            what=_what(step),
            at=self.hub.clock.now(),
            outcome=outcome,
            values=values or {},
            error=error,
        )
        self._ended[step.path] = ended
        told = replace(ended, values=hidden(ended.values, self.rule.secrets), error=self.hidden(error))
        try:
            await self._log.put_step(self.row.run_id, told)
        except StoreFailed as err:
            logger.error("rule %s: step %s could not be kept: %s", self.rule.id, step.path, err)

    async def fail(self, step: Step, error: str, values: dict[str, Json] | None = None) -> None:
        """Keep that a step failed, and end the run where the step says so."""
        logger.warning("rule %s: %s: %s", self.rule.id, step.path, self.hidden(error))
        await self.end(step, "failed", values, error)
        self.after_failure(step, error)

    def put_off(self, step: Step, why: str) -> None:
        """Leave a step unrecorded, for the next time this run is gone through, now or after a restart."""
        logger.error("rule %s: %s is put off: %s", self.rule.id, step.path, self.hidden(why))
        self.has_put_off = True
        self.after_failure(step, why)

    def hidden(self, text: str) -> str:
        """Return a text without the rule's secrets."""
        return str(hidden(text, self.rule.secrets))

    def after_failure(self, step: Step, error: str) -> None:
        """Remember a failed step; leave the run where the step says so."""
        self._failed.append(step.path)
        if not step.goes_on:
            raise EndOfRun("failed", f"{step.path}: {error}")

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


Taker = Callable[[Walk, Step], Awaitable[None]]


def _what(step: Step) -> str:
    if step.alias:
        return step.alias
    return step.name if isinstance(step, ActionStep) else type(step).__name__.removesuffix("Step").lower()
