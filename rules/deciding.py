"""What an event leads to: which rules run, which do not hold, and what is dropped by cooldown, mode or age."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from ..core.event_log import Committed
from ..core.rule_contracts import Hub
from ..core.types import Event, Struct, TraceStep, new_id
from .cooling import KEY_LIMIT, Cooldowns
from .faults import FAULTS, verdict_of
from .holds import Hold, HoldBook, HoldTrigger
from .index import RuleIndex
from .rule import BoundTrigger, Rule
from .run_log import Decided, Drop, DropReason, Figures, RunRow
from .templates import TemplateBox, is_template
from .views import ON_TIME_S, RunMoment, event_view, hidden, late_s, site_view, trigger_view
from .waiting import WaitBook
from .walk import Opened
from .watch_log import Watched

logger = logging.getLogger(__name__)

# An alert about what was an hour ago, or a run that stood still for so long, sends people nowhere.
LATE_LIMIT_S = 3_600.0


class _Firing(Struct):
    """Say that a trigger fires a rule: by an event at once, or because a time is over (``held``)."""

    rule: Rule
    bound: BoundTrigger
    event: Event
    view: dict[str, Any]
    late_s: float
    held: str = ""
    for_s: float = 0.0


class Decider:
    """Decide events in their order; nothing holds before the engine committed it and said ``keep``."""

    def __init__(self, hub: Hub, box: TemplateBox, index: RuleIndex, holds: HoldBook | None = None) -> None:
        self.figures: dict[str, Figures] = {}
        self.cooldowns = Cooldowns()
        self.index = index
        self.waits: WaitBook | None = None
        self._until_seq = 0
        self._decided = Decided(until_seq=0, opened=[], cut=[], drops=[], at=hub.clock.now())
        self._hub = hub
        self._box = box
        self._holds = holds or HoldBook(hub.clock)
        self._site = site_view(hub.settings)
        self._opened: dict[str, Opened] = {}
        self._running: dict[str, list[RunRow]] = {}
        self._new_figures: dict[str, Figures] = {}

    @property
    def decided(self) -> Decided:
        """Return what this stretch led to, for the log."""
        ended = self.waits.ended if self.waits else []
        watched = Watched(holds=self._holds.changes(), ended=ended, cooled=self.cooldowns.changes)
        return replace(self._decided, until_seq=self._until_seq, watched=watched)

    @property
    def opened(self) -> tuple[Opened, ...]:
        """Return the runs that this stretch opened and did not cut off again, in their order."""
        return tuple(self._opened.values())

    def begin(self, running: dict[str, list[RunRow]], seq: int = 0) -> None:
        """Begin a stretch behind a place in the journal; ``running`` are the open runs by rule."""
        self._decided = Decided(until_seq=0, opened=[], cut=[], drops=[], at=self._hub.clock.now())
        self._until_seq = seq
        self._opened = {}
        self._running = running
        self._new_figures = {}
        self._holds.begin()
        self.cooldowns.begin()
        if self.waits:
            self.waits.begin()

    def keep(self) -> None:
        """Let what was decided hold, after it was committed."""
        self.figures |= self._new_figures
        self._holds.keep()
        self.cooldowns.keep()
        if self.waits:
            self.waits.keep()

    def meet(self, committed: Committed) -> None:
        """Decide one event."""
        event = committed.event
        # The journal may be read before the bus has told it, and conditions look at the states.
        self._hub.states.hear(committed.seq, event)
        self._until_seq = committed.seq
        place = self.index.at(event)
        if place.firing:
            fired = self.index.fired(place, event)
            if fired:
                late = late_s(event, self._hub.clock)
                view = event_view(event, self._hub.settings, self._box.zone)
                for rule, bound in fired:
                    self._fire(_Firing(rule=rule, bound=bound, event=event, view=view, late_s=late))
        for rule, holding in place.holding:
            self._hold(rule, holding, event)
        if self.waits:
            self.waits.meet(committed)

    def meet_time(self, until_s: float) -> None:
        """Decide the times that are over by ``until_s``; every event before it must have been met."""
        for hold, late in self._holds.due(until_s):
            found = self.index.holder(hold.owner, hold.mark)
            if found is not None:
                rule, holding = found
                self._holds.over(hold, holding)
                self._fire(self._held(rule, holding, hold, late))
                continue
            if self.waits:
                self.waits.over(hold, self._until_seq)
            self._holds.drop(hold.owner, (hold.mark,))

    def variables(self, opened: Opened) -> dict[str, Any]:
        """Return what the templates of a run see."""
        row = opened.row
        view = event_view(opened.event, self._hub.settings, self._box.zone)
        word = next((bound.word for bound in opened.rule.triggers if bound.path == row.trigger_path), "event")
        trigger = trigger_view(row.trigger_id, word, view, row.late_s, row.for_s or None)
        return {"trigger": trigger, "site": self._site, **row.variables}

    # --- times ------------------------------------------------------------------------------------

    def _hold(self, rule: Rule, holding: HoldTrigger, event: Event) -> None:
        for hold, late, is_fired in self._holds.end(rule.id, holding, event):
            if is_fired:
                self._fire(self._held(rule, holding, hold, late))
            elif not hold.is_over:
                why = self._hub.texts("rules.miss.not_long", seconds=f"{hold.for_s:g}")
                self.index.missed(rule.id, event, holding.bound, why)
        if self.index.fits(rule, holding.bound, event):
            self._holds.start(rule.id, holding, event)

    def _held(self, rule: Rule, holding: HoldTrigger, hold: Hold, late: float) -> _Firing:
        view = event_view(hold.event, self._hub.settings, self._box.zone)
        late = round(late, 1) if late > ON_TIME_S else 0.0
        return _Firing(
            rule=rule, bound=holding.bound, event=hold.event, view=view, late_s=late, held=hold.mark, for_s=hold.for_s
        )

    # --- runs -------------------------------------------------------------------------------------

    def _fire(self, firing: _Firing) -> None:
        rule, bound, event = firing.rule, firing.bound, firing.event
        now = self._hub.clock.now()
        if firing.late_s > LATE_LIMIT_S:
            self._drop(rule, event, "late", now)
            return
        row = RunRow(
            run_id=new_id(),
            rule_id=rule.id,
            event_id=event.id,
            trigger_id=bound.id,
            trigger_path=bound.path,
            late_s=firing.late_s,
            state="running",
            fingerprint=rule.fingerprint,
            started_at=now,
            held=firing.held,
            for_s=firing.for_s,
        )
        steps = [_trigger_step(bound, event, row)]
        trigger = trigger_view(bound.id, bound.word, firing.view, row.late_s, row.for_s or None)
        variables = {"trigger": trigger, "site": self._site}
        hub = self._hub
        moment = RunMoment(
            self._box, hub.clock, hub.settings, variables, states=hub.states, event=event, trigger_id=bound.id
        )
        own = self._variables(rule, variables, steps, now)
        refused = self._refused(rule, moment, steps, now)
        row = _with_variables(row, own)
        if refused:
            self._decided.opened.append((_ended(row, refused, now), steps))
            return
        key = self._cooldown_key(rule, variables, steps, now)
        if self.cooldowns.is_cooling(rule, key, self._figures(rule), now):
            self._drop(rule, event, "cooldown", now)
        elif not self._has_room(rule):
            self._drop(rule, event, "mode", now)
        else:
            self.cooldowns.ran(rule, key, now)
            self._open(rule, row, event, steps)

    def _refused(self, rule: Rule, moment: RunMoment, steps: list[TraceStep], now: datetime) -> str:
        """Return why a rule does not run, "" when it does."""
        path = "conditions"
        try:
            for condition in rule.conditions:
                path = condition.path
                verdict = verdict_of(condition.condition, moment)
                steps.append(
                    TraceStep(
                        path=path,
                        what=condition.alias or condition.word,
                        at=now,
                        outcome="true" if verdict.is_true else "false",
                        values=hidden({**verdict.values, **moment.looked_at()}, rule.secrets),
                    )
                )
                if not verdict.is_true:
                    return self._hub.texts("rules.run.condition_failed", path=path)
        except FAULTS as err:
            # What cannot be decided does not hold, as in Home Assistant; the trace and the log say so.
            why = str(hidden(str(err) or type(err).__name__, rule.secrets))
            logger.warning("rule %s: %s: %s", rule.id, path, why)
            steps.append(TraceStep(path=path, what="", at=now, outcome="failed", error=why))
            return self._hub.texts("rules.run.condition_broke", path=path, why=why)
        return ""

    def _variables(
        self, rule: Rule, variables: dict[str, Any], steps: list[TraceStep], now: datetime
    ) -> dict[str, Any]:
        """Return the rule's own variables; without one that fails, what looks at it fails, and no more."""
        own: dict[str, Any] = {}
        for name, value in rule.variables.items():
            try:
                own[name] = variables[name] = _rendered(value, self._box, variables)
            except FAULTS as err:
                why = str(hidden(str(err) or type(err).__name__, rule.secrets))
                logger.warning("rule %s: variables.%s: %s", rule.id, name, why)
                steps.append(TraceStep(path=f"variables.{name}", what="", at=now, outcome="failed", error=why))
        return own

    def _cooldown_key(self, rule: Rule, variables: Mapping[str, Any], steps: list[TraceStep], now: datetime) -> str:
        """Return for what a rule rests; where that cannot be known, the rule rests for all such together."""
        if not rule.cooldown_key:
            return ""
        try:
            return str(self._box.render(rule.cooldown_key, variables))[:KEY_LIMIT]
        except FAULTS as err:
            why = str(hidden(str(err) or type(err).__name__, rule.secrets))
            logger.warning("rule %s: cooldown_key: %s", rule.id, why)
            steps.append(TraceStep(path="cooldown_key", what="", at=now, outcome="failed", error=why))
            return ""

    def _figures(self, rule: Rule) -> Figures | None:
        return self._new_figures.get(rule.id) or self.figures.get(rule.id)

    def _has_room(self, rule: Rule) -> bool:
        count = len(self._running.get(rule.id, ()))
        if rule.mode == "restart":
            return True
        return count < (1 if rule.mode == "single" else rule.max_runs)

    def _open(self, rule: Rule, row: RunRow, event: Event, steps: list[TraceStep]) -> None:
        running = self._running.setdefault(rule.id, [])
        if rule.mode == "restart":
            for older in running:
                self._decided.cut.append((older.run_id, self._hub.texts("rules.run.restarted")))
                self._opened.pop(older.run_id, None)
            running.clear()
        running.append(row)
        self._decided.opened.append((row, steps))
        self._opened[row.run_id] = Opened(rule=rule, row=row, event=event)
        before = self._figures(rule)
        self._new_figures[rule.id] = Figures(
            runs=before.runs + 1 if before else 1, last_at=row.started_at, last_run=row.run_id
        )

    def _drop(self, rule: Rule, event: Event, reason: DropReason, now: datetime) -> None:
        figures = self._figures(rule)
        after = figures.last_run if figures else ""
        self._decided.drops.append(Drop(rule_id=rule.id, after_run=after, reason=reason, event_id=event.id, at=now))
        if reason == "mode" and rule.is_drop_logged:
            logger.warning("rule %s: already running, event %s is left out", rule.id, event.id)


def _rendered(value: Any, box: TemplateBox, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _rendered(item, box, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_rendered(item, box, variables) for item in value]
    return box.render(value, variables) if is_template(value) else value


def _trigger_step(bound: BoundTrigger, event: Event, row: RunRow) -> TraceStep:
    values: dict[str, Any] = {"kind": event.kind, "camera": event.camera, "zone": event.zone, "data": event.data}
    if row.late_s:
        values["late_s"] = row.late_s
    if row.for_s:
        values["for"] = row.for_s
    return TraceStep(path=bound.path, what=bound.word, at=row.started_at, outcome="true", values=values)


def _with_variables(row: RunRow, variables: dict[str, Any]) -> RunRow:
    return replace(row, variables=variables) if variables else row


def _ended(row: RunRow, reason: str, at: datetime) -> RunRow:
    return replace(row, state="conditions_failed", reason=reason, ended_at=at)
