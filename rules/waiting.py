"""The waits of runs for triggers: they meet the same events as the rules, found by kind and camera; none is missed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from ..core.clock import Clock
from ..core.errors import StoreFailed
from ..core.event_log import Committed, EventLog
from ..core.tasks import back_off_s, unless
from ..core.types import Event, Struct
from .faults import miss_of
from .holds import Hold, HoldBook, hold_trigger
from .index import may_fire
from .outside import Sources
from .rule import SOURCED_KINDS, BoundTrigger, Sourced
from .watch_log import WaitEnd, Watched, WatchLog

logger = logging.getLogger(__name__)

_BATCH = 500


class WaitHub(Protocol):
    """What waits need of the hub."""

    clock: Clock
    events: EventLog


class Ended(Struct):
    """Say how a wait ended; ``event`` is None when its time was over first."""

    event: Event | None = None
    trigger_id: str = ""


class Wait:
    """Wait in one run, from the moment that it is made. ``close`` in any case."""

    def __init__(
        self, book: WaitBook, run_id: str, path: str, triggers: tuple[BoundTrigger, ...], *, is_again: bool
    ) -> None:
        self.run_id, self.path = run_id, path
        self.owner = f"{run_id}:{path}"
        self.triggers = tuple((bound, hold_trigger(bound)) for bound in triggers)
        self.seen_seq = 0
        self.staged: WaitEnd | None = None
        self.ended: Ended | None = None
        self.is_over = asyncio.Event()
        self._book = book
        self._is_again = is_again

    async def end(self, left_s: float) -> Ended:
        """Return when one of the triggers fired, or ``left_s`` seconds are over."""
        clock = self._book.clock
        until_s = clock.mono_s() + left_s
        await (self._resume() if self._is_again else self._book.keep_begun(self))
        if not self.is_over.is_set():
            await unless(self.is_over, lambda: clock.sleep(max(0.0, until_s - clock.mono_s())))
        if not self.is_over.is_set():
            try:
                # What was committed in time and is not met yet counts.
                await self._book.catch_up(self)
            except StoreFailed as err:
                logger.error("wait %s: what came last could not be read: %s", self.owner, err)
        return self.ended or Ended()

    async def _resume(self) -> None:
        failures = 0
        while True:
            try:
                await self._book.resume(self)
            except StoreFailed as err:
                failures += 1
                logger.error("wait %s cannot go on yet: %s", self.owner, err)
                await self._book.clock.sleep(back_off_s(failures))
            else:
                return

    def close(self) -> None:
        """Wait no more."""
        self._book.forget(self)

    def settle(self, ended: Ended) -> None:
        """Let the run go on."""
        self.ended = ended
        self.is_over.set()


class WaitBook:
    """Hold every wait of the runs under way. ``begin``, ``meet`` and ``keep`` as in the decider: by stretches."""

    def __init__(
        self,
        hub: WaitHub,
        log: WatchLog,
        holds: HoldBook,
        sources: Sources,
        *,
        between: asyncio.Lock,
        cursor: Callable[[], int],
        told: Callable[[], None],
    ) -> None:
        self.clock = hub.clock
        self._events = hub.events
        self._log = log
        self._holds = holds
        self._sources = sources
        self._between = between
        self._cursor = cursor
        self._told = told
        self._by_owner: dict[str, Wait] = {}
        self._by_place: dict[tuple[str, str | None], dict[str, Wait]] = {}
        self._anywhere: dict[str, Wait] = {}
        self._staged: list[Wait] = []
        self._kept_holds: dict[str, list[Hold]] = {}

    # --- for runs ---------------------------------------------------------------------------------

    def begin_wait(self, run_id: str, path: str, triggers: tuple[BoundTrigger, ...], *, is_again: bool) -> Wait:
        """Wait from now on; ``is_again`` goes on with a wait that a restart interrupted."""
        wait = Wait(self, run_id, path, triggers, is_again=is_again)
        for bound in triggers:
            if isinstance(bound.trigger, Sourced):
                bound.trigger.bind(wait.owner, bound.path)
        if not is_again:
            wait.seen_seq = self._cursor()
            self._register(wait)
        return wait

    async def keep_begun(self, wait: Wait) -> None:
        """Keep that a wait began. A full disk costs the next restart, not the wait."""
        try:
            await self._log.watch(wait.run_id, wait.path, wait.seen_seq, Watched())
        except StoreFailed as err:
            logger.error("wait %s could not be kept: %s", wait.owner, err)

    async def resume(self, wait: Wait) -> None:
        """Go on with a wait: end it as it ended before the restart, or meet what came since and watch on."""
        row = await self._log.wait(wait.run_id, wait.path)
        if row is not None and row.event is not None:
            wait.settle(Ended(event=row.event, trigger_id=row.trigger_id or ""))
            return
        wait.seen_seq = row.seen_seq if row is not None else self._cursor()
        await self.catch_up(wait)

    async def catch_up(self, wait: Wait) -> None:
        """Let a wait meet every event that was committed until now and that it has not seen; then watch on."""
        met, seen_seq = [], wait.seen_seq
        if wait.owner in self._by_owner:
            seen_seq = max(seen_seq, self._cursor())
        while batch := await self._events.after(seen_seq, _BATCH):
            seen_seq = batch[-1].seq
            met += [one for one in batch if _may_meet(wait, one.event)]
        async with self._between:
            while seen_seq < self._cursor() and (batch := await self._events.after(seen_seq, _BATCH)):
                seen_seq = batch[-1].seq
                met += [one for one in batch if _may_meet(wait, one.event)]
            await self._meet_again(wait, met, seen_seq)

    def forget(self, wait: Wait) -> None:
        """Watch no more for a wait."""
        self._by_owner.pop(wait.owner, None)
        for waits in [self._anywhere, *(self._by_place.get(place, {}) for place in _places(wait))]:
            waits.pop(wait.owner, None)
        for place in _places(wait):
            if not self._by_place.get(place, True):
                del self._by_place[place]
        if any(holding for _, holding in wait.triggers):
            self._holds.forget(wait.owner)
        if any(isinstance(bound.trigger, Sourced) for bound, _ in wait.triggers):
            self._sources.drop(wait.owner)

    # --- for the engine, stretch by stretch -------------------------------------------------------

    def load(self, holds: Iterable[Hold]) -> None:
        """Take the times that waits had begun before a restart; each goes on when its wait does."""
        for hold in holds:
            self._kept_holds.setdefault(hold.owner, []).append(hold)

    def begin(self) -> None:
        """Begin a stretch; ends that were not kept never were."""
        for wait in self._staged:
            wait.staged = None
        self._staged = []

    def meet(self, committed: Committed) -> None:
        """Let the waits meet an event."""
        for wait in self._at(committed.event):
            if committed.seq > wait.seen_seq:
                self._offer(wait, committed.event, committed.seq)

    def over(self, hold: Hold, seq: int) -> bool:
        """End the wait whose time is over; False when it is none of these."""
        wait = self._by_owner.get(hold.owner)
        if wait is None:
            return False
        bound = next(bound for bound, _ in wait.triggers if bound.mark == hold.mark)
        self._stage(wait, bound, hold.event, seq)
        return True

    @property
    def ended(self) -> list[WaitEnd]:
        """Return what this stretch ended, for the log."""
        return [wait.staged for wait in self._staged if wait.staged is not None]

    def keep(self) -> None:
        """Let the runs go on whose waits this stretch ended, after it was committed."""
        for wait in self._staged:
            if wait.staged is not None:
                wait.settle(Ended(event=wait.staged.event, trigger_id=wait.staged.trigger_id))
        self._staged = []

    # --- inside -----------------------------------------------------------------------------------

    async def _meet_again(self, wait: Wait, met: list[Committed], seen_seq: int) -> None:
        if wait.is_over.is_set():
            return
        self._holds.begin()
        self.begin()
        self._holds.load(self._kept_holds.pop(wait.owner, ()))
        for committed in met:
            self._offer(wait, committed.event, committed.seq)
        wait.seen_seq = seen_seq
        self._register(wait)
        watched = Watched(holds=self._holds.changes(), ended=self.ended)
        try:
            await self._log.watch(wait.run_id, wait.path, seen_seq, watched)
        except StoreFailed as err:
            logger.error("wait %s could not be kept: %s", wait.owner, err)
        self._holds.keep()
        self.keep()
        self._told()

    def _register(self, wait: Wait) -> None:
        if wait.owner in self._by_owner:
            return
        self._by_owner[wait.owner] = wait
        for place in _places(wait):
            self._by_place.setdefault(place, {})[wait.owner] = wait
        if any(_is_anywhere(bound) for bound, _ in wait.triggers):
            self._anywhere[wait.owner] = wait
        if any(isinstance(bound.trigger, Sourced) for bound, _ in wait.triggers):
            self._sources.put(wait.owner, tuple(bound for bound, _ in wait.triggers))

    def _at(self, event: Event) -> tuple[Wait, ...]:
        if not self._by_owner:
            return ()
        if event.kind in SOURCED_KINDS:
            own = self._by_owner.get(str(event.data.get("owner")))
            found = {own.owner: own} if own else {}
        else:
            found = {}
        places = (self._by_place.get((event.kind, camera), {}) for camera in {event.camera, None})
        for waits in (*places, self._anywhere):
            found |= waits
        return tuple(found.values())

    def _offer(self, wait: Wait, event: Event, seq: int) -> None:
        for bound, holding in wait.triggers:
            if wait.staged is not None:
                return
            is_fit = may_fire(bound.trigger, event.kind, event.camera) and miss_of(bound.trigger, event) is None
            if holding is None:
                if is_fit:
                    self._stage(wait, bound, event, seq)
                continue
            for hold, _, is_fired in self._holds.end(wait.owner, holding, event):
                if is_fired:
                    self._stage(wait, bound, hold.event, seq)
            if is_fit:
                self._holds.start(wait.owner, holding, event)

    def _stage(self, wait: Wait, bound: BoundTrigger, event: Event, seq: int) -> None:
        if wait.staged is None:
            wait.staged = WaitEnd(run_id=wait.run_id, path=wait.path, trigger_id=bound.id, event=event, seq=seq)
            self._staged.append(wait)


def _may_meet(wait: Wait, event: Event) -> bool:
    return any(
        may_fire(bound.trigger, event.kind, event.camera)
        or (holding is not None and holding.may_break(event.kind, event.camera))
        for bound, holding in wait.triggers
    )


def _places(wait: Wait) -> Iterator[tuple[str, str | None]]:
    for bound, holding in wait.triggers:
        if isinstance(bound.trigger, Sourced):
            continue
        for kind in (*bound.trigger.kinds, *(holding.breaking_kinds if holding else ())):
            for camera in bound.trigger.cameras or (None,):
                yield kind, camera


def _is_anywhere(bound: BoundTrigger) -> bool:
    kinds = bound.trigger.kinds
    return not isinstance(bound.trigger, Sourced) and (not kinds or any(kind.endswith("*") for kind in kinds))
