"""What fits and must stay so for a time: begun, broken or over, for each trigger and subject; pure, kept by others."""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from ..core.clock import Clock
from ..core.tasks import Crash, fenced_call
from ..core.types import Event, Struct
from ..core.wall_steps import WallSteps
from .rule import BoundTrigger, Holding, Paired, Sourced

logger = logging.getLogger(__name__)

# Tracks that never left, because an eye died meanwhile, must not gather without end.
SUBJECTS_KEPT = 500

# Whose trigger (a rule, or a run and its step that waits), which of its triggers, and what it is about.
Place = tuple[str, str]
HoldKey = tuple[str, str, str]


class Hold(Struct):
    """Keep one time that runs, or (``is_over``) one that fired and whose subject is still the same.

    ``due_at`` is for a restart alone: while the hub runs, the clock that only runs decides.
    """

    owner: str
    mark: str
    subject: str
    event: Event
    due_at: datetime
    for_s: float
    is_over: bool = False

    @property
    def place(self) -> Place:
        """Return whose trigger it is, and which."""
        return self.owner, self.mark

    @property
    def key(self) -> HoldKey:
        """Return what makes it one of its kind."""
        return self.owner, self.mark, self.subject


class HoldTrigger:
    """Lay a plugin's answers about subjects and ends beside one trigger; a trigger that raises breaks nothing."""

    def __init__(self, bound: BoundTrigger, holding: Holding) -> None:
        self.bound = bound
        self.for_s = float(holding.for_s)
        self._holding = holding
        self._paired = holding if isinstance(holding, Paired) else None
        own = self._paired.is_lasting if self._paired else True
        # What a source tells is a change already; it tells the next one only when there was an end between.
        self.is_lasting = own and not isinstance(holding, Sourced)
        self.breaking_kinds: tuple[str, ...] = tuple(self._paired.breaking_kinds) if self._paired else ()

    def may_break(self, kind: str, camera: str | None) -> bool:
        """Say whether events of a kind and camera may end what this trigger holds."""
        cameras = self.bound.trigger.cameras
        return kind in self.breaking_kinds and (not cameras or camera in cameras)

    def subject(self, event: Event) -> str:
        """Return what an event is about."""
        paired = self._paired
        told = fenced_call(lambda: paired.subject(event)) if paired else None
        return told if isinstance(told, str) else f"{event.camera or ''}/{event.zone or ''}/{event.kind}"

    def breaks(self, began: Event, event: Event) -> bool:
        """Say whether an event ends what another began."""
        answer = fenced_call(lambda: self._holding.breaks(began, event))
        if isinstance(answer, Crash):
            logger.warning("trigger %s: %s", self.bound.path, answer)
            return False
        return answer


def hold_trigger(bound: BoundTrigger) -> HoldTrigger | None:
    """Return a trigger that fires only when it fitted for a time, None for one that fires at once."""
    trigger = bound.trigger
    return HoldTrigger(bound, trigger) if isinstance(trigger, Holding) and trigger.for_s > 0 else None


class _Live:
    def __init__(self, hold: Hold, due_s: float) -> None:
        self.hold = hold
        self.due_s = due_s


class HoldBook:
    """Hold every time that runs. What changed since ``begin`` is undone by the next ``begin`` unless it was kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_place: dict[Place, dict[str, _Live]] = {}
        self._due: list[tuple[float, int, _Live]] = []
        self._numbers = itertools.count()
        self._before: dict[HoldKey, _Live | None] = {}
        self._steps = WallSteps(clock)
        self._step_s = self._applied_s = 0.0

    def load(self, holds: Iterable[Hold]) -> None:
        """Take what was kept before a restart; a wall clock that was set back meanwhile makes none longer."""
        for hold in holds:
            left_s = min((hold.due_at - self._clock.now()).total_seconds(), hold.for_s)
            self._put(_Live(hold, self._clock.mono_s() + left_s))

    def is_clock_set(self) -> bool:
        """Say whether the wall clock was set: then what is kept for a restart must be set too, by a stretch."""
        self._step_s += self._steps.step()[0]
        return bool(self._step_s and self._by_place)

    def begin(self) -> None:
        """Begin a stretch; what the last one changed and did not keep is undone."""
        for key, live in self._before.items():
            self._by_place.get(key[:2], {}).pop(key[2], None)
            if live is not None:
                self._put(live)
        self._before.clear()
        self._step_s += self._applied_s
        self._applied_s = 0.0
        if self.is_clock_set():
            self._set_clock(timedelta(seconds=self._step_s))
        self._applied_s, self._step_s = self._step_s, 0.0

    def changes(self) -> dict[HoldKey, Hold | None]:
        """Return what this stretch changed, for the log; None is gone."""
        return {key: self._hold(key) for key in self._before}

    def keep(self) -> None:
        """Let this stretch hold, after it was committed."""
        self._before.clear()
        self._applied_s = 0.0

    def start(self, owner: str, trigger: HoldTrigger, event: Event) -> None:
        """Begin a time with an event that fits; where one runs, or is over and still the same, nothing changes."""
        mark, subject = trigger.bound.mark, trigger.subject(event)
        held = self._by_place.get((owner, mark), {})
        if subject in held:
            return
        if len(held) >= SUBJECTS_KEPT and not self._make_room(held):
            logger.warning("trigger %s of %s holds too many subjects, %s is left out", mark, owner, subject)
            return
        due_s = self._mono_s(event) + trigger.for_s
        due_at = self._clock.now() + timedelta(seconds=due_s - self._clock.mono_s())
        hold = Hold(owner=owner, mark=mark, subject=subject, event=event, due_at=due_at, for_s=trigger.for_s)
        self._change(hold.key, _Live(hold, due_s))

    def end(self, owner: str, trigger: HoldTrigger, event: Event) -> list[tuple[Hold, float, bool]]:
        """End the times that an event breaks; return them, with how long they are over, and whether before it came.

        After a restart the journal is met late: what counts is when an event came, not when it is met.
        """
        ended = []
        for subject, live in list(self._by_place.get((owner, trigger.bound.mark), {}).items()):
            hold = live.hold
            if not trigger.breaks(hold.event, event):
                continue
            is_fired = not hold.is_over and self._mono_s(event) >= live.due_s
            ended.append((hold, self._clock.mono_s() - live.due_s, is_fired))
            self._change((*hold.place, subject), None)
        return ended

    def due(self, until_s: float) -> list[tuple[Hold, float]]:
        """Return the times that are over, oldest first, with how long since; ``over`` or ``drop`` must follow."""
        found = []
        while self._due and self._due[0][0] <= until_s:
            _, _, live = heapq.heappop(self._due)
            hold = live.hold
            if self._by_place.get(hold.place, {}).get(hold.subject) is live and not hold.is_over:
                # As if it had changed: where the stretch is not kept, it is due again.
                self._before.setdefault(hold.key, live)
                found.append((hold, self._clock.mono_s() - live.due_s))
        return found

    def over(self, hold: Hold, trigger: HoldTrigger) -> None:
        """Keep that a time fired: the same subject, still the same, fires no second time."""
        after = _Live(replace(hold, is_over=True), 0.0) if trigger.is_lasting else None
        self._change(hold.key, after)

    def drop(self, owner: str, marks: Iterable[str] | None = None) -> None:
        """Forget an owner's times, or those of some of its triggers."""
        for place in [place for place in self._places(owner, marks) if place in self._by_place]:
            for subject in list(self._by_place[place]):
                self._change((*place, subject), None)

    def forget(self, owner: str) -> None:
        """Forget an owner's times at once, whatever becomes of this stretch; their rows go with the run."""
        for place in self._places(owner, None):
            del self._by_place[place]
        self._before = {key: live for key, live in self._before.items() if key[0] != owner}

    def marks(self, owner: str) -> set[str]:
        """Return the triggers of an owner that hold something."""
        return {mark for held_by, mark in self._by_place if held_by == owner}

    def owners(self) -> set[str]:
        """Return whose triggers hold something."""
        return {owner for owner, _ in self._by_place}

    def left_s(self) -> float | None:
        """Return in how many seconds the next time is over, None when none runs."""
        while self._due:
            due_s, _, live = self._due[0]
            hold = live.hold
            if self._by_place.get(hold.place, {}).get(hold.subject) is live and not hold.is_over:
                return max(0.0, due_s - self._clock.mono_s())
            heapq.heappop(self._due)
        return None

    # --- inside -----------------------------------------------------------------------------------

    def _set_clock(self, by: timedelta) -> None:
        for live in [live for held in self._by_place.values() for live in held.values() if not live.hold.is_over]:
            self._change(live.hold.key, _Live(replace(live.hold, due_at=live.hold.due_at + by), live.due_s))

    def _mono_s(self, event: Event) -> float:
        """Return when an event came, by the clock that only runs; one from the future comes now."""
        return self._clock.mono_s() - max(0.0, (self._clock.now() - event.at).total_seconds())

    def _places(self, owner: str, marks: Iterable[str] | None) -> list[Place]:
        return [(owner, mark) for mark in (self.marks(owner) if marks is None else marks)]

    def _hold(self, key: HoldKey) -> Hold | None:
        live = self._by_place.get(key[:2], {}).get(key[2])
        return live.hold if live else None

    def _change(self, key: HoldKey, live: _Live | None) -> None:
        held = self._by_place.get(key[:2], {})
        self._before.setdefault(key, held.get(key[2]))
        held.pop(key[2], None)
        if not held:
            self._by_place.pop(key[:2], None)
        if live is not None:
            self._put(live)

    def _put(self, live: _Live) -> None:
        hold = live.hold
        self._by_place.setdefault(hold.place, {})[hold.subject] = live
        if not hold.is_over:
            heapq.heappush(self._due, (live.due_s, next(self._numbers), live))

    def _make_room(self, held: dict[str, _Live]) -> bool:
        over = next((live.hold for live in held.values() if live.hold.is_over), None)
        if over is None:
            return False
        self._change(over.key, None)
        return True
