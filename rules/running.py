"""The runs under way: each in its turn, gone through until it ends, left where it is when the hub stops."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace

from ..core.errors import StoreFailed
from ..core.event_log import EventLog
from ..core.tasks import TaskHandle, back_off_s
from ..core.types import TraceStep
from .deciding import LATE_LIMIT_S, Decider
from .faults import FAULTS
from .outside import Act, RunHub, Waits
from .rule import Rule
from .run import TAKERS
from .run_log import RunLog, RunRow, RunState
from .templates import TemplateBox
from .walk import Opened, Walk

logger = logging.getLogger(__name__)

_STOP_LIMIT_S = 1.5


class RunsHub(RunHub, Protocol):
    """What runs need of the hub besides what their steps may ask."""

    events: EventLog


class Run:
    """Hold one run under way. ``waits_for`` are the runs of its rule that must end before it begins."""

    def __init__(self, opened: Opened, waits_for: Sequence[Run]) -> None:
        self.opened = opened
        self.waits_for = waits_for
        self.handle: TaskHandle | None = None
        self.ended = asyncio.Event()
        self.is_left = False
        self.has_begun = has_begun(opened.ended)

    def begin_by(self, rule: Rule) -> None:
        """Begin, when its turn comes, by the rule as it is now."""
        row = replace(self.opened.row, fingerprint=rule.fingerprint)
        self.opened = replace(self.opened, rule=rule, row=row)

    def leave(self) -> None:
        """Stop where it is; the log says what becomes of it."""
        self.is_left = True
        if self.handle is not None:
            self.handle.cancel()


class Runs:
    """Start runs in the order of their rule's mode, and go on with those that a restart interrupted."""

    def __init__(
        self, hub: RunsHub, box: TemplateBox, decider: Decider, *, log: RunLog, waits: Waits, act: Act
    ) -> None:
        self._hub = hub
        self._box = box
        self._decider = decider
        self._log = log
        self._waits = waits
        self._act = act
        self._by_rule: dict[str, list[Run]] = {}
        self._is_stopping = False

    def of(self, rule_id: str) -> tuple[Run, ...]:
        """Return the runs of one rule, in their order."""
        return tuple(self._by_rule.get(rule_id, ()))

    def rows(self) -> dict[str, list[RunRow]]:
        """Return the open runs by rule, for the decider; one that was left ends by itself and holds up no other."""
        rows = {rule_id: [run.opened.row for run in runs if not run.is_left] for rule_id, runs in self._by_rule.items()}
        return {rule_id: open_ones for rule_id, open_ones in rows.items() if open_ones}

    def start(self, opened: Opened) -> None:
        """Start a run that was committed."""
        if self._is_stopping:
            return  # it is in the log, the next start goes on with it
        runs = self._by_rule.setdefault(opened.rule.id, [])
        before = list(runs)
        if opened.rule.mode == "restart":
            for run in before:
                run.leave()
        run = Run(opened, before if opened.rule.mode in ("restart", "queued") else [])
        runs.append(run)
        run.handle = self._hub.tasks.start(
            f"rule {opened.rule.id} {opened.row.run_id}", lambda: self._work(run), restart=False
        )

    def all(self) -> tuple[Run, ...]:
        """Return every run under way."""
        return tuple(run for runs in self._by_rule.values() for run in runs if not run.is_left)

    async def stop(self) -> None:
        """Leave every run where it is; the next start goes on with it."""
        self._is_stopping = True
        runs = self.all()
        for run in runs:
            run.leave()
        deadline_s = time.monotonic() + _STOP_LIMIT_S
        for run in runs:
            if run.handle is not None:
                await run.handle.wait(max(0.0, deadline_s - time.monotonic()))

    async def resume(self, rules: dict[str, Rule]) -> None:
        """Go on with the runs that were open when the hub stopped, oldest first; the others are cut off."""
        for row, ended in await self._log.open_runs():
            rule = rules.get(row.rule_id)
            event = await self._hub.events.get(row.event_id)
            reason = self._why_not_resumed(rule, row, ended)
            if event is None:
                reason = reason or self._hub.texts("rules.run.event_gone")
            if rule is None or event is None or reason:
                logger.warning("rule %s: run %s is cut off: %s", row.rule_id, row.run_id, reason)
                await self._log.end(row.run_id, "cut_off", reason, self._hub.clock.now())
                continue
            logger.info("rule %s: run %s goes on", rule.id, row.run_id)
            self.start(Opened(rule=rule, row=row, event=event, ended=ended))

    # --- inside -----------------------------------------------------------------------------------

    async def _work(self, run: Run) -> None:
        try:
            for other in run.waits_for:
                await other.ended.wait()
            run.waits_for = ()
            run.has_begun = True
            await self._walk(run)
        finally:
            run.ended.set()
            runs = self._by_rule[run.opened.rule.id]
            runs.remove(run)
            if not runs:
                del self._by_rule[run.opened.rule.id]

    async def _walk(self, run: Run) -> None:
        opened = run.opened
        walk = Walk(
            opened,
            self._hub,
            takers=TAKERS,
            box=self._box,
            log=self._log,
            variables=self._decider.variables(opened),
            waits=self._waits,
            act=self._act,
        )
        state, reason = await self._gone(walk)
        failures = 0
        while not run.is_left:
            try:
                await self._log.end(opened.row.run_id, state, reason, self._hub.clock.now())
            except StoreFailed as err:
                failures += 1
                logger.error("rule %s: how run %s ended could not be kept: %s", opened.rule.id, opened.row.run_id, err)
                await self._hub.clock.sleep(back_off_s(failures))
            else:
                return

    async def _gone(self, walk: Walk) -> tuple[RunState, str]:
        """Return how a run ended; what was put off for the disk is taken again until it is of no use any more."""
        clock, failures = self._hub.clock, 0
        until_s = clock.mono_s() + LATE_LIMIT_S
        while True:
            try:
                state, reason = await walk.go()
            except FAULTS as err:
                logger.exception("rule %s: run %s broke", walk.rule.id, walk.row.run_id)
                return "failed", self._hub.texts("rules.run.broke", why=str(err) or type(err).__name__)
            if not walk.has_put_off or clock.mono_s() > until_s:
                return state, reason
            failures += 1
            await clock.sleep(back_off_s(failures))

    def _why_not_resumed(self, rule: Rule | None, row: RunRow, ended: tuple[TraceStep, ...]) -> str:
        texts = self._hub.texts
        if rule is None or not rule.is_enabled:
            return texts("rules.run.rule_gone")
        if rule.fingerprint != row.fingerprint and has_begun(ended):
            return texts("rules.run.rule_changed")
        due = max((_due(step) for step in ended), default=None)
        waited_s = (self._hub.clock.now() - (due or row.started_at)).total_seconds()
        if waited_s > LATE_LIMIT_S:
            return texts("rules.run.too_late", minutes=f"{LATE_LIMIT_S / 60:g}")
        return ""


def has_begun(ended: Sequence[TraceStep]) -> bool:
    """Say whether a run took any of its steps; one that did not may begin by the rule as it is now."""
    return any(step.path.startswith("actions") for step in ended)


def _due(step: TraceStep) -> datetime:
    """Return when the run should have gone on behind a step: at once, or when a delay is over."""
    until = step.values.get("until") if step.outcome == "waiting" else None
    return datetime.fromisoformat(until) if until else step.at
