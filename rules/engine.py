"""The rule engine: follows the journal, decides which rules an event runs, and goes on with runs after a restart."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from ..core.bus import Bus
from ..core.errors import StoreFailed
from ..core.event_log import Committed, EventLog
from ..core.journal import Journal
from ..core.rule_contracts import Hub
from ..core.tasks import TaskHandle, Tasks, back_off_s
from ..core.types import Event, Trace, TraceStep, new_id
from .deciding import LATE_LIMIT_S, Decider
from .faults import FAULTS
from .index import RuleIndex
from .rule import LoadedRules, NearMiss, Rule, RuleProblem, RuleState
from .run import TAKERS
from .run_log import Figures, RunLog, RunRow, RunState
from .templates import TemplateBox
from .trigger_webhook import webhooks_in
from .walk import Opened, Walk

logger = logging.getLogger(__name__)

_BATCH = 500
# Decide no longer than this in one go: the hub's other parts share the loop.
_TURN_S = 0.02
_STOP_LIMIT_S = 1.5
_WAKES = 2_000


class EngineHub(Hub, Protocol):
    """What the engine needs of the hub besides what actions may ask."""

    bus: Bus
    tasks: Tasks
    journal: Journal
    events: EventLog


class RuleEngine:
    """Run rules. ``start`` goes on with what a restart interrupted, ``stop`` leaves open runs for the next start."""

    def __init__(self, hub: EngineHub, loaded: LoadedRules) -> None:
        self._hub = hub
        self._rules = {rule.id: rule for rule in loaded.rules}
        self._problems = loaded.problems
        self._box = TemplateBox(loaded.template_functions, hub.settings.site, hub.clock, hub.texts)
        self._index = RuleIndex(rule for rule in self._rules.values() if rule.is_enabled)
        self._decider = Decider(hub, self._box, self._index)
        self._log: RunLog | None = None
        self._running: dict[str, list[_Running]] = {}
        self._cursor = 0
        self._is_stopping = False
        self._follower: TaskHandle | None = None

    async def start(self) -> None:
        """Go on with open runs, then follow the journal from where it was left."""
        self._log = await RunLog.open(self._hub.journal)
        for rule in self._rules.values():
            for source in rule.templates:
                self._box.compile(source)
        self._decider.figures = await self._log.figures()
        await self._resume()
        # A full disk makes it wait for minutes, and the start with it.
        self._hub.tasks.start("rules that are off", self._tell_wrong_rules, restart=False)
        self._follower = self._hub.tasks.start("rules", self._follow)

    async def stop(self) -> None:
        """Stop following and leave every run where it is; the next start goes on with it."""
        self._is_stopping = True
        if self._follower is not None:
            self._follower.cancel()
        runs = [run for runs in self._running.values() for run in runs]
        for run in runs:
            run.leave()
        deadline_s = time.monotonic() + _STOP_LIMIT_S
        for run in runs:
            if run.handle is not None:
                await run.handle.wait(max(0.0, deadline_s - time.monotonic()))

    async def rules(self) -> tuple[RuleState, ...]:
        """Return every rule of the files, wrong ones with their problems, in the order of the files."""
        states = [self._state(rule) for rule in self._rules.values()]
        wrong: dict[str, list[RuleProblem]] = {}
        for problem in self._problems:
            wrong.setdefault(problem.rule_id, []).append(problem)
        for rule_id, found in wrong.items():
            first = found[0]
            states.append(
                RuleState(
                    id=rule_id,
                    alias=first.alias,
                    file=first.file,
                    line=first.line,
                    is_on=False,
                    problems=tuple(one.problem for one in found),
                )
            )
        return tuple(sorted(states, key=lambda state: (state.file, state.line)))

    async def traces(self, rule_id: str, limit: int = 10) -> tuple[Trace, ...]:
        """Return a rule's newest traces, newest first; what was dropped is one short trace per cause and run."""
        if self._log is None:
            return ()
        return tuple(self._worded(trace) for trace in await self._log.traces(rule_id, limit))

    async def traces_of_event(self, event_id: str) -> tuple[Trace, ...]:
        """Return the runs that an event began, of every rule, and what was dropped because of it."""
        if self._log is None:
            return ()
        return tuple(self._worded(trace) for trace in await self._log.traces_of_event(event_id))

    def near_misses(self, rule_id: str) -> tuple[NearMiss, ...]:
        """Return why events of the right kind and camera did not fire a rule, newest first (since the start)."""
        return self._index.near_misses(rule_id)

    def webhook_methods(self, webhook: str) -> frozenset[str]:
        """Return by which methods rules listen to a webhook (``webhook_print`` of its id); empty when none does."""
        rules = tuple(rule for rule in self._rules.values() if rule.is_enabled)
        return webhooks_in(rules).get(webhook, frozenset())

    # --- following the journal --------------------------------------------------------------------

    async def _follow(self) -> None:
        log = self._open_log()
        self._cursor = await log.cursor()
        async with self._hub.bus.subscribe(Committed, size=_WAKES, name="rules") as woken:
            while True:
                batch = await self._hub.events.after(self._cursor, _BATCH)
                if batch:
                    await self._meet(batch)
                else:
                    await anext(woken)
                    while len(woken):  # the journal tells them all at once
                        await anext(woken)

    async def _meet(self, batch: list[Committed]) -> None:
        turn_ends_s = time.monotonic() + _TURN_S
        running = {rule_id: [run.opened.row for run in runs] for rule_id, runs in self._running.items() if runs}
        self._decider.begin(running)
        for committed in batch:
            self._decider.meet(committed)
            if time.monotonic() > turn_ends_s:
                break
        decided = self._decider.decided
        await self._open_log().commit(decided)
        self._cursor = decided.until_seq
        self._decider.keep()
        for opened in self._decider.opened:
            self._start(opened)

    def _start(self, opened: Opened) -> None:
        if self._is_stopping:
            return  # it is in the log, the next start goes on with it
        runs = self._running.setdefault(opened.rule.id, [])
        before = list(runs)
        if opened.rule.mode == "restart":
            for run in before:
                run.leave()
        waits_for = before if opened.rule.mode in ("restart", "queued") else []
        run = _Running(opened, waits_for)
        runs.append(run)
        run.handle = self._hub.tasks.start(
            f"rule {opened.rule.id} {opened.row.run_id}", lambda: self._work(run), restart=False
        )

    async def _work(self, run: _Running) -> None:
        try:
            for other in run.waits_for:
                await other.ended.wait()
            run.waits_for = ()
            await self._walk(run)
        finally:
            run.ended.set()
            self._running[run.opened.rule.id].remove(run)

    async def _walk(self, run: _Running) -> None:
        log, opened = self._open_log(), run.opened
        walk = Walk(
            opened,
            self._hub,
            takers=TAKERS,
            box=self._box,
            log=log,
            variables=self._decider.variables(opened),
        )
        state, reason = await self._gone(walk)
        failures = 0
        while not run.is_left:
            try:
                await log.end(opened.row.run_id, state, reason, self._hub.clock.now())
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

    # --- after a restart --------------------------------------------------------------------------

    async def _resume(self) -> None:
        log = self._open_log()
        for row, ended in await log.open_runs():
            rule = self._rules.get(row.rule_id)
            event = await self._hub.events.get(row.event_id)
            reason = self._why_not_resumed(rule, row, max((_due(step) for step in ended), default=None))
            if event is None:
                reason = reason or self._hub.texts("rules.run.event_gone")
            if rule is None or event is None or reason:
                logger.warning("rule %s: run %s is cut off: %s", row.rule_id, row.run_id, reason)
                await log.end(row.run_id, "cut_off", reason, self._hub.clock.now())
                continue
            logger.info("rule %s: run %s goes on", rule.id, row.run_id)
            self._start(Opened(rule=rule, row=row, event=event, ended=ended))

    def _why_not_resumed(self, rule: Rule | None, row: RunRow, due: datetime | None) -> str:
        texts = self._hub.texts
        if rule is None or not rule.is_enabled:
            return texts("rules.run.rule_gone")
        if rule.fingerprint != row.fingerprint:
            return texts("rules.run.rule_changed")
        waited_s = (self._hub.clock.now() - (due or row.started_at)).total_seconds()
        if waited_s > LATE_LIMIT_S:
            return texts("rules.run.too_late", minutes=f"{LATE_LIMIT_S / 60:g}")
        return ""

    async def _tell_wrong_rules(self) -> None:
        # As an event, so that a rule of the operator can tell somebody that another rule sleeps.
        for rule_id, problem in {one.rule_id: one.problem for one in reversed(self._problems)}.items():
            data = {"rule": rule_id, "reason": str(problem)}
            site, at = self._hub.settings.site.id, self._hub.clock.now()
            await self._tell_until_kept(Event(id=new_id(), site=site, kind="rule.off", at=at, data=data))

    async def _tell_until_kept(self, event: Event) -> None:
        failures = 0
        while True:
            try:
                await self._hub.emit(event)
            except StoreFailed as err:
                failures += 1
                logger.error("%s could not be told yet: %s", event.kind, err)
                await self._hub.clock.sleep(back_off_s(failures))
            else:
                return

    # --- telling ----------------------------------------------------------------------------------

    def _state(self, rule: Rule) -> RuleState:
        figures: Figures | None = self._decider.figures.get(rule.id)
        return RuleState(
            id=rule.id,
            alias=rule.alias,
            file=rule.file,
            line=rule.line,
            is_on=rule.is_enabled,
            mode=rule.mode,
            description=rule.description,
            last_triggered=figures.last_at if figures else None,
            runs=figures.runs if figures else 0,
            running=len(self._running.get(rule.id, ())),
        )

    def _worded(self, trace: Trace) -> Trace:
        if trace.state != "dropped":
            return trace
        count = trace.steps[0].values["count"]
        reason = f"{count} × {self._hub.texts(f'rules.drop.{trace.reason}')}"
        return msgspec.structs.replace(trace, reason=reason)

    def _open_log(self) -> RunLog:
        if self._log is None:
            raise RuntimeError("the rule engine was not started")
        return self._log


class _Running:
    """Hold one run under way. ``waits_for`` are the runs of its rule that must end before it begins."""

    def __init__(self, opened: Opened, waits_for: Sequence[_Running]) -> None:
        self.opened = opened
        self.waits_for = waits_for
        self.handle: TaskHandle | None = None
        self.ended = asyncio.Event()
        self.is_left = False

    def leave(self) -> None:
        """Stop where it is; the log says what becomes of it."""
        self.is_left = True
        if self.handle is not None:
            self.handle.cancel()


def _due(step: TraceStep) -> datetime:
    """Return when the run should have gone on behind a step: at once, or when a delay is over."""
    until = step.values.get("until") if step.outcome == "waiting" else None
    return datetime.fromisoformat(until) if until else step.at
