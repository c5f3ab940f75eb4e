"""A dry run: a rule as it stands now against the events that a journal recorded, with nothing done to the world."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from ...core.event_log import Committed
from ...core.recorded_events import RecordedEvents
from ...core.rule_contracts import Subject
from ...core.settings import Settings
from ...core.texts import Texts
from ...core.types import Event, Struct, TraceStep
from ..engine import RuleEngine, index_of
from ..rule import SOURCED_KINDS, LoadedRules, NearMiss, Rule
from ..run_log import TRACES_KEPT, Decided, RunRow
from ..steps import WaitStep
from ..views import hidden
from .jumping_loop import JumpingLoop
from .stage import Deed, Stage, playing, set_stage
from .try_rule import shown_deeds

Outcome = Literal["ran", "conditions_failed", "near", "cooldown", "mode", "late"]

# Of each outcome so many are told one by one, the others are counted: a month must not fill the memory.
KEPT = 500
_DEEDS_KEPT = 100  # of one run
_EVENTS_REMEMBERED = 5_000
# What the stage no longer needs of its own journal.
_FORGET_EVERY = 1_000
# Time stands still until everything is done that is to be done now; the least that is not "now" to a loop.
_SETTLE_S = 1e-6
_LOOK_S = 60.0
# People's answers and incidents are the alert desk's, whatever the rule looks at.
_OF_THE_DESK = ("notice.", "incident.")


class Reaction(Struct):
    """Say what one event led to, or why to nothing. ``at`` is when it was decided.

    ``state`` is how the run ended: "running" where it had not when the stretch was over, "" where too many other runs
    of the rule ended meanwhile to know.
    """

    at: datetime
    outcome: Outcome
    event_id: str
    kind: str
    camera: str | None = None
    zone: str | None = None
    trigger: str = ""
    reason: str = ""
    state: str = ""
    steps: tuple[TraceStep, ...] = ()
    deeds: tuple[Deed, ...] = ()


class DryRun(Struct):
    """Say what a rule would have done. ``counts`` are of each outcome; ``left_out`` are counted and not told.

    ``recorded_since`` is when the journal begins now, None when it is empty; ``gone`` are the events of the span, or
    from right before it, that it no longer holds.
    """

    rule_id: str
    since: datetime
    until: datetime
    looked_at: int
    counts: dict[str, int]
    reactions: tuple[Reaction, ...]
    left_out: int = 0
    recorded_since: datetime | None = None
    gone: int = 0


def replay(
    rule: Rule,
    settings: Settings,
    texts: Texts,
    *,
    functions: Mapping[str, Callable[..., Any]],
    journal: Path,
    span: tuple[datetime, datetime],
) -> DryRun:
    """Play the events of a journal, of a span of time, to one rule. StoreFailed.

    Blocks; calls no camera, writes to nobody, and changes nothing in the journal, beside which a hub may run.
    """
    loaded = LoadedRules(rules=(replace(rule, is_enabled=True),), template_functions=functions)
    recorded = RecordedEvents(journal, texts)
    try:
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            return runner.run(_replay(loaded, settings, texts, recorded, span))
    finally:
        recorded.close()


async def _replay(
    loaded: LoadedRules, settings: Settings, texts: Texts, recorded: RecordedEvents, span: tuple[datetime, datetime]
) -> DryRun:
    rule, (since, until) = loaded.rules[0], span
    async with set_stage(settings, texts, since) as stage:
        _set_states(stage, recorded, since)
        witness = _Witness(rule, stage)
        async with playing(stage, loaded, witness.hear) as engine:
            player = _Player(stage, engine, witness)
            for batch in recorded.between(since, until):
                for committed in batch:
                    await player.play(committed.event)
            await player.wait_until(until)
            await witness.look(engine)
    return DryRun(
        rule_id=rule.id,
        since=since,
        until=until,
        looked_at=player.looked_at,
        counts=dict(witness.counts),
        reactions=witness.told(),
        left_out=witness.left_out,
        recorded_since=recorded.begins(),
        gone=recorded.gone(since, until),
    )


def _set_states(stage: Stage, recorded: RecordedEvents, since: datetime) -> None:
    """Let everything be as the journal last told it; a camera that it never told of is online, as in the hub."""
    for committed in recorded.newest_before(since):
        stage.states.meet(committed.event)
    for camera in stage.settings.cameras:
        subject = Subject(kind="camera", of=camera)
        if stage.states.get(subject) is None:
            stage.states.put(subject, "online", {}, since)


class _Player:
    """Tell events at their own times. What the rule cannot meet only changes the states."""

    def __init__(self, stage: Stage, engine: RuleEngine, witness: _Witness) -> None:
        self.looked_at = 0
        self._stage = stage
        self._engine = engine
        self._witness = witness
        self._index = index_of((witness.rule,))
        self._has_waits = _has_waits(witness.rule.steps)
        self._told = 0

    async def play(self, event: Event) -> None:
        """Let one recorded event happen."""
        self.looked_at += 1
        if event.kind in SOURCED_KINDS or self._is_own(event):
            return  # the stage's own sources and desk tell such
        await self.wait_until(event.at)
        place = self._index.at(event)
        is_met = bool(place.firing or place.holding)
        is_met = is_met or (self._has_waits and self._engine.running > 0)
        if not is_met and not event.kind.startswith(_OF_THE_DESK):
            self._stage.states.meet(event)
            return
        seq = await self._stage.emit(event)
        await self._stage.clock.sleep(_SETTLE_S)
        await self._witness.look(self._engine)
        self._told += 1
        if self._told % _FORGET_EVERY == 0:
            await self._stage.journal.write(lambda db: db.execute("delete from events where seq < ?", [seq]))

    async def wait_until(self, at: datetime) -> None:
        """Let time pass; what was recorded a little out of order happens at once."""
        clock = self._stage.clock
        while (left_s := (at - clock.now()).total_seconds()) > 0:
            # What the clock and waits lead to is looked at before the engine's log lets go of it.
            is_watched = self._engine.running > 0 or bool(self._index.sourced)
            await clock.sleep(min(left_s, _LOOK_S) if is_watched else left_s)
            if is_watched:
                await self._witness.look(self._engine)

    def _is_own(self, event: Event) -> bool:
        """Say whether it is an incident that this very rule opened: the stage's desk opens its own."""
        return event.kind.startswith("incident.") and event.data.get("rule") == self._witness.rule.id


def _has_waits(part: object) -> bool:
    """Say whether a run may wait for events, in whatever step of a step."""
    if isinstance(part, tuple):
        return any(map(_has_waits, part))
    if not isinstance(part, Struct):
        return False
    return isinstance(part, WaitStep) or any(_has_waits(getattr(part, name)) for name in part.__struct_fields__)


class _Witness:
    """Gather what the engine decided, as it decides: its own log keeps only the newest."""

    def __init__(self, rule: Rule, stage: Stage) -> None:
        self.rule = rule
        self.counts: Counter[str] = Counter()
        self._stage = stage
        self._numbers = count()
        self._reactions: dict[str, Reaction] = {}
        self._open: dict[str, None] = {}
        self._events: OrderedDict[str, Event] = OrderedDict()
        self._near: tuple[NearMiss, ...] = ()
        stage.bus.listen(self._remember, Committed)

    @property
    def left_out(self) -> int:
        """Return how many reactions were counted only."""
        return sum(self.counts.values()) - len(self._reactions)

    def hear(self, decided: Decided) -> None:
        """Take what a stretch led to."""
        for row, steps in decided.opened:
            self._run(row, tuple(steps))
        for drop in decided.drops:
            reason = self._stage.texts(f"rules.drop.{drop.reason}")
            self._keep(self._reaction(drop.event_id, drop.at, drop.reason, reason))

    async def look(self, engine: RuleEngine) -> None:
        """Take what was done meanwhile, which runs ended and how, and what nearly fired."""
        self._take_deeds()
        # Traces are many rows: they are read when a run has ended, and not for every event meanwhile.
        if len(self._open) > engine.running:
            for trace in await engine.traces(self.rule.id, TRACES_KEPT):
                if trace.run_id in self._open and trace.state != "running":
                    del self._open[trace.run_id]
                    if found := self._reactions.get(trace.run_id):
                        told = replace(found, state=trace.state, steps=trace.steps, reason=trace.reason)
                        self._reactions[trace.run_id] = told
            self._forget_pruned(engine.running)
        near = engine.near_misses(self.rule.id)
        if near != self._near:
            for miss in reversed([one for one in near if one not in self._near]):
                reason = str(hidden(miss.reason, self.rule.secrets))
                found = self._reaction(miss.event_id, miss.at, "near", reason)
                self._keep(replace(found, kind=miss.kind, camera=miss.camera, trigger=miss.trigger))
            self._near = near

    def told(self) -> tuple[Reaction, ...]:
        """Return what is told one by one, in the order of its times, without what came by !secret."""
        found = (replace(one, deeds=shown_deeds(one.deeds, self.rule)) for one in self._reactions.values())
        return tuple(sorted(found, key=lambda one: one.at))

    def _run(self, row: RunRow, steps: tuple[TraceStep, ...]) -> None:
        outcome: Outcome = "conditions_failed" if row.state == "conditions_failed" else "ran"
        found = self._reaction(row.event_id, row.started_at, outcome, row.reason)
        found = replace(found, trigger=row.trigger_path, state=row.state, steps=steps)
        self._keep(found, row.run_id)
        if outcome == "ran":
            self._open[row.run_id] = None

    def _forget_pruned(self, running: int) -> None:
        """Let go of the oldest runs that seem open and are not: the log has let go of how they ended."""
        while len(self._open) > running:
            run_id = next(iter(self._open))
            del self._open[run_id]
            if found := self._reactions.get(run_id):
                self._reactions[run_id] = replace(found, state="")

    def _reaction(self, event_id: str, at: datetime, outcome: Outcome, reason: str) -> Reaction:
        event = self._events.get(event_id)
        found = Reaction(at=at, outcome=outcome, event_id=event_id, kind="", reason=reason)
        return replace(found, kind=event.kind, camera=event.camera, zone=event.zone) if event else found

    def _keep(self, reaction: Reaction, key: str = "") -> None:
        self.counts[reaction.outcome] += 1
        if self.counts[reaction.outcome] <= KEPT:
            self._reactions[key or f"{next(self._numbers)}"] = reaction

    def _take_deeds(self) -> None:
        for deed in self._stage.deeds:
            found = self._reactions.get(deed.run_id)
            if found is not None and len(found.deeds) < _DEEDS_KEPT:
                self._reactions[deed.run_id] = replace(found, deeds=(*found.deeds, deed))
        self._stage.deeds.clear()

    def _remember(self, message: object) -> None:
        if isinstance(message, Committed):
            self._events[message.event.id] = message.event
            if len(self._events) > _EVENTS_REMEMBERED:
                self._events.popitem(last=False)
