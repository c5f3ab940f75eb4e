"""Which time comes next, of all triggers of the clock: a heap, so that a thousand cost nothing while none is due."""

from __future__ import annotations

import heapq
import logging
from datetime import datetime, timedelta
from typing import NamedTuple

from ..core.tasks import Crash, fenced_call
from .due_times import Place
from .source_log import Kept, Key
from .sourced import Timed

logger = logging.getLogger(__name__)

# A report of 07.00 that comes at 07.30 is of use, one that comes in the afternoon is not.
MADE_UP_FOR = timedelta(hours=1)
# Where a wall clock stood further in the future than this, it was wrong then; what it reached does not count.
WRONG_AHEAD = timedelta(hours=1)
_LEAST_SPAN = timedelta(seconds=1)


class Due(NamedTuple):
    """Say that a trigger's time came; ``is_late`` where it is too long ago to be of use."""

    key: Key
    what: str
    at: datetime
    is_late: bool


class _Timer:
    def __init__(self, trigger: Timed, reached: datetime) -> None:
        self.trigger = trigger
        self.reached = reached
        self.next: datetime | None = None


class Timers:
    """Hold timers by key. Times are the wall clock's, UTC; nothing here waits or looks at a clock."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._timers: dict[Key, _Timer] = {}
        self._heap: list[tuple[datetime, Key]] = []

    def __len__(self) -> int:
        return len(self._timers)

    @property
    def next_at(self) -> datetime | None:
        """Return when the next timer is due."""
        while self._heap and not self._is_current(*self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def put(self, key: Key, trigger: Timed, kept: Kept | None, now: datetime) -> Kept | None:
        """Set a timer; return what is to be remembered of it where that is new.

        ``kept`` is what was remembered, of a run of the hub before or of this one: an unchanged trigger goes on from
        there, a new or changed one from now.
        """
        is_known = kept is not None and kept.what == trigger.what and kept.at <= now + WRONG_AHEAD
        timer = self._timers[key] = _Timer(trigger, kept.at if kept is not None and is_known else now)
        self._set(key, timer)
        return None if is_known else Kept(trigger.what, now)

    def drop(self, key: Key) -> bool:
        """Forget a timer; say whether there was one."""
        return self._timers.pop(key, None) is not None

    def due(self, now: datetime) -> list[Due]:
        """Return each timer whose time came, once, with the newest of its times that did, the oldest first."""
        found = []
        while (at := self.next_at) is not None and at <= now:
            _, key = heapq.heappop(self._heap)
            timer = self._timers[key]
            latest = self._latest(timer, at, now)
            timer.reached = latest
            self._set(key, timer)
            found.append(Due(key, timer.trigger.what, latest, is_late=now - latest > MADE_UP_FOR))
        return sorted(found, key=lambda due: due.at)

    def set_back(self, now: datetime) -> list[Key]:
        """Take that the clock was wrong, far ahead: what it reached then does not count. Return whose times changed."""
        changed = [key for key, timer in self._timers.items() if timer.reached > now + WRONG_AHEAD]
        for key in changed:
            self._timers[key].reached = now
            self._set(key, self._timers[key])
        return changed

    def kept(self, key: Key) -> Kept | None:
        """Return what is to be remembered of a timer, None when there is none."""
        timer = self._timers.get(key)
        return None if timer is None else Kept(timer.trigger.what, timer.reached)

    def _set(self, key: Key, timer: _Timer) -> None:
        timer.next = self._after(timer, timer.reached)
        if timer.next is not None:
            heapq.heappush(self._heap, (timer.next, key))

    def _is_current(self, at: datetime, key: Key) -> bool:
        timer = self._timers.get(key)
        return timer is not None and timer.next == at

    def _latest(self, timer: _Timer, first: datetime, now: datetime) -> datetime:
        """Return the newest time that came, without walking through all that came in between."""
        span = _LEAST_SPAN
        while now - span > first:
            found = self._after(timer, now - span)
            if found is not None and found <= now:
                first = found
                break
            span *= 2
        while (following := self._after(timer, first)) is not None and following <= now:
            first = following
        return first

    def _after(self, timer: _Timer, after: datetime) -> datetime | None:
        """Return a trigger's next time; a stranger's that raises, or does not go on, has none any more."""
        answer = fenced_call(lambda: timer.trigger.due_after(after, self._place))
        if isinstance(answer, Crash):
            logger.error("a trigger of times is off: %s", answer, exc_info=answer.error)
            return None
        return answer if answer is not None and answer > after else None
