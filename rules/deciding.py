"""What an event leads to: which rules run, which do not hold, and what is dropped by cooldown, mode or age."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from ..core.event_log import Committed
from ..core.rule_contracts import Hub
from ..core.types import Event, TraceStep, new_id
from .faults import FAULTS, verdict_of
from .index import RuleIndex
from .rule import BoundTrigger, Rule
from .run_log import Decided, Drop, DropReason, Figures, RunRow
from .templates import TemplateBox, is_template
from .views import RunMoment, event_view, hidden, late_s, site_view, trigger_view
from .walk import Opened

logger = logging.getLogger(__name__)

# An alert about what was an hour ago, or a run that stood still for so long, sends people nowhere.
LATE_LIMIT_S = 3_600.0


class Decider:
    """Decide events in their order; nothing holds before the engine committed it and said ``keep``."""

    def __init__(self, hub: Hub, box: TemplateBox, index: RuleIndex) -> None:
        self.figures: dict[str, Figures] = {}
        self._until_seq = 0
        self._decided = Decided(until_seq=0, opened=[], cut=[], drops=[], at=hub.clock.now())
        self._hub = hub
        self._box = box
        self._index = index
        self._site = site_view(hub.settings)
        self._opened: dict[str, Opened] = {}
        self._running: dict[str, list[RunRow]] = {}
        self._new_figures: dict[str, Figures] = {}

    @property
    def decided(self) -> Decided:
        """Return what this stretch led to, for the log."""
        return replace(self._decided, until_seq=self._until_seq)

    @property
    def opened(self) -> tuple[Opened, ...]:
        """Return the runs that this stretch opened and did not cut off again, in their order."""
        return tuple(self._opened.values())

    def begin(self, running: dict[str, list[RunRow]]) -> None:
        """Begin a stretch; ``running`` are the open runs by rule."""
        self._decided = Decided(until_seq=0, opened=[], cut=[], drops=[], at=self._hub.clock.now())
        self._opened = {}
        self._running = running
        self._new_figures = {}

    def keep(self) -> None:
        """Let what was decided hold, after it was committed."""
        self.figures |= self._new_figures

    def meet(self, committed: Committed) -> None:
        """Decide one event."""
        event = committed.event
        fired = self._index.fired(event)
        if fired:
            view = event_view(event, self._hub.settings, self._box.zone)
            for rule, bound in fired:
                self._fire(rule, bound, event, view)
        self._until_seq = committed.seq

    def variables(self, opened: Opened) -> dict[str, Any]:
        """Return what the templates of a run see."""
        row = opened.row
        view = event_view(opened.event, self._hub.settings, self._box.zone)
        word = next((bound.word for bound in opened.rule.triggers if bound.path == row.trigger_path), "event")
        trigger = trigger_view(row.trigger_id, word, view, row.late_s)
        return {"trigger": trigger, "site": self._site, **row.variables}

    def _fire(self, rule: Rule, bound: BoundTrigger, event: Event, view: dict[str, Any]) -> None:
        now = self._hub.clock.now()
        if now - event.at > timedelta(seconds=LATE_LIMIT_S):
            self._drop(rule, event, "late", now)
            return
        row = RunRow(
            run_id=new_id(),
            rule_id=rule.id,
            event_id=event.id,
            trigger_id=bound.id,
            trigger_path=bound.path,
            late_s=late_s(event, self._hub.clock),
            state="running",
            fingerprint=rule.fingerprint,
            started_at=now,
        )
        steps = [_trigger_step(bound, event, row)]
        variables = {"trigger": trigger_view(bound.id, bound.word, view, row.late_s), "site": self._site}
        hub = self._hub
        moment = RunMoment(
            self._box, hub.clock, hub.settings, variables, states=hub.states, event=event, trigger_id=bound.id
        )
        own = self._variables(rule, variables, steps, now)
        refused = self._refused(rule, moment, steps, now)
        row = _with_variables(row, own)
        if refused:
            self._decided.opened.append((_ended(row, refused, now), steps))
        elif self._is_cooling(rule, now):
            self._drop(rule, event, "cooldown", now)
        elif not self._has_room(rule):
            self._drop(rule, event, "mode", now)
        else:
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

    def _is_cooling(self, rule: Rule, now: datetime) -> bool:
        figures = self._new_figures.get(rule.id) or self.figures.get(rule.id)
        if not rule.cooldown_s or figures is None:
            return False
        # A last run in the future: the clock was wrong then. Better an alert more than none for a day.
        return 0 <= (now - figures.last_at).total_seconds() < rule.cooldown_s

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
        before = self._new_figures.get(rule.id) or self.figures.get(rule.id)
        self._new_figures[rule.id] = Figures(
            runs=before.runs + 1 if before else 1, last_at=row.started_at, last_run=row.run_id
        )

    def _drop(self, rule: Rule, event: Event, reason: DropReason, now: datetime) -> None:
        figures = self._new_figures.get(rule.id) or self.figures.get(rule.id)
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
    return TraceStep(path=bound.path, what=bound.word, at=row.started_at, outcome="true", values=values)


def _with_variables(row: RunRow, variables: dict[str, Any]) -> RunRow:
    return replace(row, variables=variables) if variables else row


def _ended(row: RunRow, reason: str, at: datetime) -> RunRow:
    return replace(row, state="conditions_failed", reason=reason, ended_at=at)
