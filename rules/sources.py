"""Makes the events that triggers of the clock and of states need, commits them, and remembers how far it came."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from ..core.clock import Clock
from ..core.errors import StoreFailed
from ..core.event_log import EventLog
from ..core.journal import Journal
from ..core.rule_contracts import State, States
from ..core.settings import Settings
from ..core.tasks import TaskHandle, Tasks, back_off_s, unless
from ..core.texts import Texts
from ..core.types import Event, Json
from ..core.wall_steps import WallSteps
from .due_times import place_of
from .rule import BoundTrigger, NearMiss
from .source_log import Kept, Key, SourceLog
from .sourced import Timed, Watching
from .state_watch import Crossing, StateWatch, told_at
from .templates import TemplateBox
from .timers import Due, Timers

logger = logging.getLogger(__name__)

# A wall clock that is set forward is noticed within this time.
LOOK_S = 10.0
# Crossings that wait for the disk; a site that has more of them in a minute has other worries.
WAITING_AT_MOST = 20_000
_IN_A_COMMIT = 500
_MISSED_KEPT = 10


class _Listening(States, Protocol):
    def listen(self, listener: Callable[[State | None, State], None]) -> None: ...

    def forget(self, listener: Callable[[State | None, State], None]) -> None: ...


class SourceHub(Protocol):
    """What the sources need of the hub."""

    settings: Settings
    clock: Clock
    texts: Texts
    tasks: Tasks
    journal: Journal
    events: EventLog

    @property
    def states(self) -> _Listening:
        """Return how everything is, with a way to be told of changes."""
        ...


class _Telling(NamedTuple):
    """Hold what is to be committed together."""

    events: tuple[Event, ...]
    key: Key
    kept: Kept | None  # None: to be forgotten


class TriggerSources:
    """Fulfil ``outside.Sources``. What is put before the start counts from the start."""

    def __init__(self, hub: SourceHub, functions: Mapping[str, Callable[..., Any]] | None = None) -> None:
        self._hub = hub
        self._site = hub.settings.site.id
        box = TemplateBox(functions or {}, hub.settings.site, hub.clock, hub.texts, states=hub.states)
        self._watch = StateWatch(hub.states, box.render)
        self._timers = Timers(place_of(hub.settings.site))
        self._owners: dict[str, tuple[BoundTrigger, ...]] = {}
        self._kept: dict[Key, dict[str, Kept]] = {}
        self._waiting: deque[_Telling] = deque()
        self._missed: deque[Due] = deque(maxlen=_MISSED_KEPT)
        self._has_new_time = asyncio.Event()
        self._has_news = asyncio.Event()
        self._log: SourceLog | None = None
        self._running: list[TaskHandle] = []

    async def start(self) -> None:
        """Begin to tell; what came due while the hub was away is made up for once. StoreFailed."""
        self._log = await SourceLog.open(self._hub.journal, self._hub.events)
        for key, kept in (await self._log.all(self._hub.clock.now())).items():
            self._kept.setdefault(key._replace(subject=""), {})[key.subject] = kept
        for owner, triggers in self._owners.items():
            self._begin(owner, triggers)
        self._hub.states.listen(self._meet)
        self._running = [
            self._hub.tasks.start("times of rules", self._watch_clock),
            self._hub.tasks.start("sources of rules", self._tell),
        ]

    async def stop(self) -> None:
        """Tell no more; what was not committed is found again by the next start."""
        self._hub.states.forget(self._meet)
        for handle in self._running:
            handle.cancel()

    def put(self, owner: str, triggers: tuple[BoundTrigger, ...]) -> None:
        """Watch for an owner's triggers, instead of those it had; one that is unchanged keeps its time."""
        before = {bound.path for bound in self._owners.get(owner, ())} - {bound.path for bound in triggers}
        self._owners[owner] = triggers
        if self._log is not None:
            self._forget(Key(owner, path) for path in before)
            self._begin(owner, triggers)

    def drop(self, owner: str) -> None:
        """Watch no more for an owner, and forget how far it came."""
        triggers = self._owners.pop(owner, ())
        if self._log is not None:
            self._forget(Key(owner, bound.path) for bound in triggers)

    def near_misses(self, owner: str) -> tuple[NearMiss, ...]:
        """Return why a rule's triggers of states and times did not fire, newest first (since the start)."""
        late = [
            NearMiss(
                at=due.at,
                event_id="",
                kind="rule.timer",
                camera=None,
                trigger=due.key.path,
                reason=self._hub.texts("rules.miss.too_late"),
            )
            for due in reversed(self._missed)
            if due.key.owner == owner
        ]
        return (*self._watch.near_misses(owner), *late)

    # --- what is watched --------------------------------------------------------------------------

    def _begin(self, owner: str, triggers: Iterable[BoundTrigger]) -> None:
        now = self._hub.clock.now()
        for bound in triggers:
            key, trigger = Key(owner, bound.path), bound.trigger
            kept = self._kept.pop(key, {})
            if isinstance(trigger, Timed):
                self._begin_timer(key, trigger, kept.get(""), now)
            else:
                self._forget_timer(key)
            if isinstance(trigger, Watching):
                self._put_crossings(self._watch.put(key, trigger, kept))
            else:
                self._forget_watch(key)
        self._has_new_time.set()

    def _begin_timer(self, key: Key, trigger: Timed, kept: Kept | None, now: datetime) -> None:
        new = self._timers.put(key, trigger, kept or self._timers.kept(key), now)
        if new is not None:
            self._put(_Telling((), key, new))

    def _forget(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._forget_timer(key)
            self._forget_watch(key)

    def _forget_timer(self, key: Key) -> None:
        if self._timers.drop(key):
            self._put(_Telling((), key, None))

    def _forget_watch(self, key: Key) -> None:
        for gone in self._watch.drop(key):
            self._put(_Telling((), gone, None))

    # --- what happens -----------------------------------------------------------------------------

    async def _watch_clock(self) -> None:
        clock, steps = self._hub.clock, WallSteps(self._hub.clock)
        while True:
            self._has_new_time.clear()
            now = clock.now()
            if steps.step()[0] < 0:
                for key in self._timers.set_back(now):
                    self._put(_Telling((), key, self._timers.kept(key)))
            for due in self._timers.due(now):
                self._reach(due)
            following = self._timers.next_at
            left_s = LOOK_S if following is None else (following - clock.now()).total_seconds()
            await unless(self._has_new_time, lambda left_s=left_s: clock.sleep(min(LOOK_S, max(0.0, left_s))))  # type: ignore[misc]

    def _reach(self, due: Due) -> None:
        kept = Kept(due.what, due.at)
        if due.is_late:
            logger.warning("%s %s: its time %s was missed by more than an hour", due.key.owner, due.key.path, due.at)
            self._missed.append(due)
            self._put(_Telling((), due.key, kept))
            return
        data: dict[str, Json] = {"owner": due.key.owner, "path": due.key.path, "due": due.at.isoformat()}
        event_id = _id_of("rule.timer", due.key.owner, due.key.path, due.at.isoformat())
        event = Event(id=event_id, site=self._site, kind="rule.timer", at=due.at, data=data)
        self._put(_Telling((event,), due.key, kept))

    def _meet(self, _old: State | None, new: State) -> None:
        self._put_crossings(self._watch.meet(new))

    def _put_crossings(self, crossings: Iterable[Crossing]) -> None:
        for crossing in crossings:
            events = tuple(self._event_of(crossing, phase) for phase in crossing.phases)
            self._put(_Telling(events, crossing.key, crossing.kept))

    def _event_of(self, crossing: Crossing, phase: str) -> Event:
        state, key = crossing.state, crossing.key
        subject = state.subject
        data: dict[str, Json] = {
            **state.data,
            **crossing.told,
            "owner": key.owner,
            "path": key.path,
            "phase": phase,
            "subject": subject.kind,
            "of": subject.of,
        }
        return Event(
            id=_id_of("rule.state", *key, phase, state.at.isoformat(), f"{data['from']}>{data['to']}"),
            site=self._site,
            kind="rule.state",
            at=told_at(state, self._hub.clock.now()),
            camera=subject.of if subject.kind != "incident" else None,
            zone=subject.zone,
            data=data,
        )

    # --- what is committed ------------------------------------------------------------------------

    def _put(self, telling: _Telling) -> None:
        if len(self._waiting) >= WAITING_AT_MOST:
            lost = self._waiting.popleft()
            logger.error("%s %s: the disk takes nothing; what a trigger waited for is lost", *lost.key[:2])
        self._waiting.append(telling)
        self._has_news.set()

    async def _tell(self) -> None:
        """Commit what waits, in its order; a disk that is full is waited for."""
        failures = 0
        while True:
            if not self._waiting:
                self._has_news.clear()
                await self._has_news.wait()
            batch = [self._waiting[number] for number in range(min(_IN_A_COMMIT, len(self._waiting)))]
            try:
                await self._commit(batch)
            except StoreFailed as err:
                failures += 1
                logger.error("times and states of rules could not be kept yet: %s", err)
                await self._hub.clock.sleep(back_off_s(failures))
                continue
            failures = 0
            for telling in batch:
                if self._waiting and self._waiting[0] is telling:
                    self._waiting.popleft()

    async def _commit(self, batch: list[_Telling]) -> None:
        assert self._log is not None
        last = {telling.key: telling.kept for telling in batch}
        kept = {key: one for key, one in last.items() if one is not None}
        gone = [key for key, one in last.items() if one is None]
        await self._log.commit([event for telling in batch for event in telling.events], kept, gone)


def _id_of(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "siaga:" + ":".join(parts)))
