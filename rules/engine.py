"""The rule engine: follows the journal, decides which rules an event runs, and goes on with runs after a restart."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Protocol

import msgspec

from ..core.bus import Bus
from ..core.errors import StoreFailed
from ..core.event_log import Committed, EventLog
from ..core.journal import Journal
from ..core.rule_contracts import Hub
from ..core.tasks import TaskHandle, Tasks, back_off_s, unless
from ..core.types import Event, Trace, new_id
from .deciding import LATE_LIMIT_S, Decider
from .following import BATCH, Following
from .holds import Hold, HoldBook
from .index import NEAR_MISSES_KEPT, RuleIndex
from .outside import Act, Sources, do_action
from .reloading import ReloadReport, compared, compile_all, drop_gone, fates_of
from .rule import LoadedRules, NearMiss, Rule, RuleProblem, RuleState, Sourced
from .rule_states import rule_states
from .run_log import Decided, RunLog
from .running import Runs
from .sources import SourceHub, TriggerSources
from .templates import TemplateBox
from .trigger_webhook import webhooks_in
from .waiting import WaitBook
from .watch_log import Watched, WatchLog

logger = logging.getLogger(__name__)

# Decide no longer than this in one go: the hub's other parts share the loop.
_TURN_S = 0.02
# A wall clock that is set while something must stay so is noticed within this time.
_LOOK_S = 30.0


class EngineHub(SourceHub, Hub, Protocol):
    """What the engine needs of the hub besides what actions may ask."""

    bus: Bus
    tasks: Tasks
    journal: Journal
    events: EventLog


class RuleEngine:
    """Run rules. ``start`` goes on with what a restart interrupted, ``stop`` leaves open runs for the next start.

    ``act`` does the actions (a dry run writes them down), ``sources`` tell times and changes of states. ``told``
    hears what each stretch of the journal led to, after its commit.
    """

    def __init__(
        self,
        hub: EngineHub,
        loaded: LoadedRules,
        *,
        act: Act = do_action,
        sources: Sources | None = None,
        told: Callable[[Decided], None] | None = None,
    ) -> None:
        self._hub = hub
        self._act = act
        self._told = told
        self._sources: Sources = sources or TriggerSources(hub, loaded.template_functions)
        self._rules = {rule.id: rule for rule in loaded.rules}
        self._problems = loaded.problems
        self._box = TemplateBox(loaded.template_functions, hub.settings.site, hub.clock, hub.texts, states=hub.states)
        self._holds = HoldBook(hub.clock)
        self._decider = Decider(hub, self._box, index_of(loaded.rules), self._holds)
        self._log: RunLog | None = None
        self._runs: Runs | None = None
        self._cursor = 0
        self._following = Following(hub)
        # Held from the deciding of a stretch of the journal to its commit, so that what stands between stays between.
        self._between = asyncio.Lock()
        self._reloading = asyncio.Lock()
        self._tasks: list[TaskHandle] = []

    async def start(self) -> None:
        """Go on with open runs, then follow the journal from where it was left."""
        log = self._log = await RunLog.open(self._hub.journal)
        await compile_all(self._box, self._rules.values())
        self._cursor = await log.cursor()
        self._decider.figures = await log.figures()
        waits = await self._watch()
        self._runs = Runs(self._hub, self._box, self._decider, log=log, waits=waits, act=self._act)
        for rule in self._decider.index.sourced.values():
            self._sources.put(rule.id, rule.triggers)
        await self._runs.resume(self._rules)
        # A full disk makes it wait for minutes, and the start with it.
        told = partial(self._tell_wrong_rules, self._problems)
        self._hub.tasks.start("rules that are off", told, restart=False)
        self._tasks = [
            self._hub.tasks.start("rules' ear", self._following.listen),
            self._hub.tasks.start("rules", self._follow),
        ]
        await self._sources.start()

    async def stop(self) -> None:
        """Stop following and leave every run where it is; the next start goes on with it."""
        for task in self._tasks:
            task.cancel()
        # First of all: what the runs then wait for no more is not forgotten.
        await self._sources.stop()
        if self._runs is not None:
            await self._runs.stop()

    async def reload(self, loaded: LoadedRules) -> ReloadReport:
        """Let other rules hold from the next event on; StoreFailed, and nothing has changed.

        Rules that have not changed keep their runs, times, waits, cooldowns and near misses. No event is missed and
        none is met twice: the rules are swapped between two of them.
        """
        async with self._reloading:
            report = compared(self._rules, loaded)
            await compile_all(self._box, loaded.rules)
            index = index_of(loaded.rules)
            async with self._between:
                cut_off = await self._swap(index, report)
                known = {(one.rule_id, str(one)) for one in self._problems}
                news = tuple(one for one in loaded.problems if (one.rule_id, str(one)) not in known)
                self._rules = {rule.id: rule for rule in loaded.rules}
                self._problems = loaded.problems
            self._box.keep_only(source for rule in loaded.rules for source in rule.templates)
        self._hub.tasks.start("rules that are off", partial(self._tell_wrong_rules, news), restart=False)
        logger.info("rules were read again: %s", report)
        return msgspec.structs.replace(report, cut_off=cut_off)

    async def rules(self) -> tuple[RuleState, ...]:
        """Return every rule of the files, wrong ones with their problems, in the order of the files."""
        return rule_states(self._rules.values(), self._problems, self._decider.figures, self._running)

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

    @property
    def running(self) -> int:
        """Return how many runs are under way, of all rules."""
        return len(self._runs.all()) if self._runs is not None else 0

    def near_misses(self, rule_id: str) -> tuple[NearMiss, ...]:
        """Return why events and states that a rule looks at did not fire it, newest first (since the start)."""
        found = (*self._decider.index.near_misses(rule_id), *self._sources.near_misses(rule_id))
        return tuple(sorted(found, key=lambda near: near.at, reverse=True)[:NEAR_MISSES_KEPT])

    def webhook_methods(self, webhook: str) -> frozenset[str]:
        """Return by which methods rules listen to a webhook (``webhook_print`` of its id); empty when none does."""
        rules = tuple(rule for rule in self._rules.values() if rule.is_enabled)
        return webhooks_in(rules).get(webhook, frozenset())

    # --- following the journal --------------------------------------------------------------------

    async def _follow(self) -> None:
        self._cursor = await self._open_log().cursor()
        following, clock = self._following, self._hub.clock
        while True:
            following.news.clear()
            is_due = self._holds.left_s() == 0.0 or self._holds.is_clock_set()
            if not is_due and (heard := following.heard(self._cursor)):
                await self._meet(heard, None)
                continue
            # Before the journal is read: what is over by then was not broken by anything that is read later.
            looked_s = clock.mono_s()
            batch = await following.after(self._cursor)
            if batch or is_due:
                await self._meet(batch, looked_s if len(batch) < BATCH else None)
            elif (left_s := self._holds.left_s()) is None:
                await following.news.wait()
            else:
                await unless(following.news, partial(clock.sleep, min(left_s, _LOOK_S)))

    async def _meet(self, batch: list[Committed], until_s: float | None) -> None:
        """Decide and commit a stretch, and the times that are over by ``until_s`` where nothing before it is unmet."""
        turn_ends_s = time.monotonic() + _TURN_S
        async with self._between:
            runs, decider = self._open_runs(), self._decider
            decider.begin(runs.rows(), self._cursor)
            for committed in batch:
                decider.meet(committed)
                if time.monotonic() > turn_ends_s and committed is not batch[-1]:
                    break
            else:
                if until_s is not None:
                    decider.meet_time(until_s)
            decided = decider.decided
            await self._open_log().commit(decided)
            self._cursor = decided.until_seq
            decider.keep()
            if self._told is not None:
                self._told(decided)
            for opened in decider.opened:
                runs.start(opened)

    async def _swap(self, index: RuleIndex, report: ReloadReport) -> int:
        """Take another index between two stretches; return how many runs were cut off. StoreFailed."""
        runs = self._open_runs()
        cut, moved = fates_of(runs.all(), index, report.wrong, self._hub.texts)
        self._holds.begin()
        drop_gone(self._holds, index)
        await self._open_log().reload(
            [(run.opened.row.run_id, reason) for run, reason in cut],
            [(run.opened.row.run_id, rule.fingerprint) for run, rule in moved],
            Watched(holds=self._holds.changes()),
            self._hub.clock.now(),
        )
        self._holds.keep()
        for run, _ in cut:
            run.leave()
        for run, rule in moved:
            run.begin_by(rule)
        index.take_over(self._decider.index, report.unchanged)
        told = index.sourced
        for rule_id in self._decider.index.sourced.keys() - told.keys():
            self._sources.drop(rule_id)
        self._decider.index = index
        for rule in told.values():
            self._sources.put(rule.id, rule.triggers)
        return len(cut)

    # --- what is waited for -----------------------------------------------------------------------

    async def _watch(self) -> WaitBook:
        """Take up times, waits and cooldowns where a restart left them."""
        log = WatchLog(self._hub.journal)
        await log.begin()
        waits = self._decider.waits = WaitBook(
            self._hub,
            log,
            self._holds,
            self._sources,
            between=self._between,
            cursor=lambda: self._cursor,
            told=self._following.news.set,
        )
        self._decider.cooldowns.load(await log.cooldowns())
        own, of_waits, gone = await self._sorted_holds(await log.holds())
        await log.drop_holds(gone)
        self._holds.load(own)
        waits.load(of_waits)
        return waits

    async def _sorted_holds(self, kept: list[Hold]) -> tuple[list[Hold], list[Hold], list[Hold]]:
        """Return the times of rules, those of waits, and those whose trigger is gone or that nobody watched."""
        newest = await self._hub.events.find(limit=1)
        now, limit = self._hub.clock.now(), timedelta(seconds=LATE_LIMIT_S)
        # Who was away for long does not know whether what is so now was otherwise meanwhile: better told twice.
        was_away = not newest or now - newest[0].event.at > limit
        own, of_waits, gone = [], [], []
        for hold in kept:
            if ":" in hold.owner:
                of_waits.append(hold)
            elif (hold.is_over and was_away) or self._decider.index.holder(hold.owner, hold.mark) is None:
                gone.append(hold)
            else:
                own.append(hold)
        return own, of_waits, gone

    async def _tell_wrong_rules(self, problems: tuple[RuleProblem, ...]) -> None:
        # As an event, so that a rule of the operator can tell somebody that another rule sleeps.
        for rule_id, problem in {one.rule_id: one.problem for one in reversed(problems)}.items():
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

    def _running(self, rule_id: str) -> int:
        return len(self._runs.of(rule_id)) if self._runs is not None else 0

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

    def _open_runs(self) -> Runs:
        if self._runs is None:
            raise RuntimeError("the rule engine was not started")
        return self._runs


def index_of(rules: Iterable[Rule]) -> RuleIndex:
    """Return the index of the rules that are on; their triggers learn whose they are."""
    enabled = [rule for rule in rules if rule.is_enabled]
    for rule in enabled:
        for bound in rule.triggers:
            if isinstance(bound.trigger, Sourced):
                bound.trigger.bind(rule.id, bound.path)
    return RuleIndex(enabled)
