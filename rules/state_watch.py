"""Which triggers look at a state that was told: found by its subject, never by a scan, and asked what it means."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from ..core.rule_contracts import State, States
from ..core.tasks import Crash, fenced_call
from ..core.types import Json
from .faults import FAULTS
from .rule import NearMiss
from .source_log import Kept, Key
from .sourced import Move, Render, Seen, Watching

logger = logging.getLogger(__name__)

NEAR_MISSES_KEPT = 10


class Crossing(NamedTuple):
    """Say that a subject came to what a trigger waits for, or left it."""

    key: Key
    phases: tuple[str, ...]
    state: State
    told: dict[str, Json]
    kept: Kept


class _Near(NamedTuple):
    state: State
    before: Seen | None
    value: Json


class _Watch:
    def __init__(self, trigger: Watching) -> None:
        self.trigger = trigger
        self.seen: dict[str, Seen] = {}
        self.kept: dict[str, Json] = {}
        self.near: deque[_Near] = deque(maxlen=NEAR_MISSES_KEPT)


class StateWatch:
    """Hold the triggers that look at states, and what each saw of each subject."""

    def __init__(self, states: States, render: Render) -> None:
        self._states = states
        self._render = render
        self._watches: dict[Key, _Watch] = {}
        self._by_subject: dict[tuple[str, str | None], dict[Key, None]] = {}

    def __len__(self) -> int:
        return len(self._watches)

    def put(self, key: Key, trigger: Watching, kept: dict[str, Kept]) -> list[Crossing]:
        """Watch for a trigger; return what happened while nobody watched.

        ``kept`` is what was remembered, by subject, of the same ``what``. A subject that was never looked at is taken
        as it is: a rule that is new does not fire for what was so before.
        """
        before = self._watches.get(key)
        watch = _Watch(trigger)
        if before is not None and before.trigger.what == trigger.what:
            watch.seen, watch.kept, watch.near = before.seen, before.kept, before.near
        else:
            self.drop(key)
            found = {name: one for name, one in kept.items() if one.what == trigger.what}
            watch.seen = {name: Seen(*one.value) for name, one in found.items()}
            watch.kept = {name: one.value for name, one in found.items()}
        self._watches[key] = watch
        for place in self._places(trigger):
            self._by_subject.setdefault(place, {})[key] = None
        return list(self._look_at_all(key, watch))

    def drop(self, key: Key) -> list[Key]:
        """Watch no more; return what need not be remembered any longer."""
        watch = self._watches.pop(key, None)
        if watch is None:
            return []
        for place in self._places(watch.trigger):
            held = self._by_subject[place]
            del held[key]
            if not held:
                del self._by_subject[place]
        return [key._replace(subject=name) for name in watch.kept]

    def meet(self, state: State) -> list[Crossing]:
        """Return what a state that was told means to those who look at it."""
        subject = state.subject
        found = []
        for place in dict.fromkeys(((subject.kind, subject.of), (subject.kind, None))):
            for key in self._by_subject.get(place, ()):
                watch = self._watches[key]
                if watch.trigger.watched.takes(state):
                    answer = fenced_call(partial(self._look, key, watch, state))
                    if isinstance(answer, Crash):
                        # A stranger's trigger; whoever told the state must not hear of it.
                        logger.error("%s %s: %s", key.owner, key.path, answer, exc_info=answer.error)
                    elif answer is not None:
                        found.append(answer)
        return found

    def near_misses(self, owner: str) -> tuple[NearMiss, ...]:
        """Return why states that were looked at did not fire a rule's triggers, newest first."""
        found = [
            NearMiss(
                at=near.state.at,
                event_id="",
                kind=_kind_of(near.state),
                camera=near.state.subject.of if near.state.subject.kind != "incident" else None,
                trigger=key.path,
                reason=watch.trigger.why_not(near.before, near.value),
            )
            for key, watch in self._watches.items()
            if key.owner == owner
            for near in watch.near
        ]
        return tuple(sorted(found, key=lambda near: near.at, reverse=True)[:NEAR_MISSES_KEPT])

    def _look_at_all(self, key: Key, watch: _Watch) -> Iterable[Crossing]:
        watched = watch.trigger.watched
        for kind in watched.kinds:
            for state in [one for of in watched.of or (None,) for one in self._states.find(kind, of)]:
                if not watched.takes(state):
                    continue
                if subject_of(state) in watch.seen:
                    if (crossing := self._look(key, watch, state)) is not None:
                        yield crossing
                elif (value := self._compared(watch, state)) is not None:
                    watch.seen[subject_of(state)] = watch.trigger.seen(value)
                    yield self._crossing(key, watch, state, None, Move((), watch.trigger.seen(value)))

    def _look(self, key: Key, watch: _Watch, state: State) -> Crossing | None:
        value = self._compared(watch, state)
        if value is None:
            return None
        name = subject_of(state)
        before = watch.seen.get(name)
        if before is None and _is_usual(state):
            move = Move((), watch.trigger.seen(value))
        else:
            move = watch.trigger.move(before, value)
        watch.seen[name] = move.seen
        if not move.phases:
            self._note_near(watch, _Near(state, before, value))
        kept = watch.kept.get(name)
        # What decides again after a restart is kept; a number that only moves on its side is not.
        if not move.phases and kept is not None and kept[1] == move.seen.side:
            return None
        return self._crossing(key, watch, state, before, move)

    def _crossing(self, key: Key, watch: _Watch, state: State, before: Seen | None, move: Move) -> Crossing:
        name = subject_of(state)
        watch.kept[name] = list(move.seen)
        told = watch.trigger.told(before, move.seen.value)
        kept = Kept(watch.trigger.what, state.at, list(move.seen))
        return Crossing(key._replace(subject=name), move.phases, state, told, kept)

    def _compared(self, watch: _Watch, state: State) -> Json:
        try:
            return watch.trigger.compared(state, self._render)
        except FAULTS:
            return None  # a template that cannot be rendered tells no value; its rule shows it as no change

    @staticmethod
    def _note_near(watch: _Watch, near: _Near) -> None:
        # A level is told every second: the newest word on a subject replaces the one before.
        if watch.near and watch.near[-1].state.subject == near.state.subject:
            watch.near.pop()
        watch.near.append(near)

    @staticmethod
    def _places(trigger: Watching) -> Iterable[tuple[str, str | None]]:
        watched = trigger.watched
        return [(kind, of) for kind in watched.kinds for of in watched.of or (None,)]


def subject_of(state: State) -> str:
    """Return a subject as one word, for a key."""
    subject = state.subject
    return "/".join((subject.kind, subject.of or "", subject.zone or ""))


def _is_usual(state: State) -> bool:
    """Say whether a state that is seen for the first time is how the subject always is: a camera that is there."""
    return state.subject.kind == "camera" and state.value == "online"


def _kind_of(state: State) -> str:
    # The link of a camera and an incident are no kinds of event.
    kind = state.subject.kind
    return kind if "." in kind else "rule.state"


def told_at(state: State, now: datetime) -> datetime:
    """Return when a state was told, not later than now: a camera's clock may be ahead."""
    return min(state.at, now)
