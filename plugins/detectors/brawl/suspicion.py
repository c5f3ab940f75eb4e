"""Who stands together, and when unrest among them has lasted long enough to be a suspicion."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Sequence

from ....core import Box

# People who fight bend, fall and hide each other: who was together is taken to be there for so long.
_HOLD_S = 30.0
# How tall people are here is the mean of ten minutes' looks at people. What was assumed weighs as much as ten seconds
# of them: who fights is often seen in part, and two seconds of parts must not shrink everybody.
_HEIGHT_LOOKS, _FIRST_WEIGHS = 6000, 100
# An outstretched arm and a step: people with more than half a body height between them do not reach each other.
_REACH = 0.5
# Who is much smaller stands far behind.
_ALIKE = 0.5
# With fewer people than asked for, the odds must be half as high again.
_DOUBT = math.log(1.5)
# Judgements further apart than this say nothing of the time between them.
_GAP_S = 2.0
# After so long without unrest it is over, and may be told anew.
CALM_S = 30.0
# How the usual of a place is learnt, a judgement (half a second) at a time: nineteen in twenty stay under it. Ten
# minutes of liveliness raise it, an hour without lowers it again.
_UNDER, _STEP = 0.95, 0.01
# A place where people are always lively must become so much livelier (in logarithms of the odds) than is usual there,
# and never more than so much above the limit: a brawl that lasts must not hide the next one.
_ABOVE_USUAL, _MOST_ABOVE = 0.5, 1.0
_FIRST_USUAL = -2.0


class UsualHeight:
    """Learn how tall people are before one camera, 0..1 of the picture's height."""

    def __init__(self, first: float) -> None:
        self._looks = 0
        self._mean = math.log(first)

    @property
    def now(self) -> float:
        """Return the usual height."""
        return math.exp(self._mean)

    def take(self, people: Sequence[Box]) -> None:
        """Take the people of one look, at least one."""
        self._looks = min(self._looks + 1, _HEIGHT_LOOKS)
        middle = statistics.median(max(box.bottom - box.top, 0.01) for box in people)
        self._mean += (math.log(middle) - self._mean) / (_FIRST_WEIGHS + self._looks)


class Company:
    """Follow who is near whom on one camera, and how tall people are there."""

    def __init__(self, least: int, height: float) -> None:
        self._least = least
        self._height = UsualHeight(height)
        self._seen: deque[tuple[float, int]] = deque(maxlen=400)

    @property
    def height(self) -> float:
        """Return the usual height of a person, 0..1 of the picture's."""
        return self._height.now

    def take(self, people: Sequence[Box], aspect: float, now_s: float) -> None:
        """Take who is seen now. ``aspect``: the picture's width by its height."""
        while self._seen and self._seen[0][0] < now_s - _HOLD_S:
            self._seen.popleft()
        if not people:
            return
        self._height.take(people)
        self._seen.append((now_s, most_together(people, aspect)))

    @property
    def count(self) -> int:
        """Return how many were together at most in the last seconds."""
        return max((count for _, count in self._seen), default=0)

    @property
    def is_there(self) -> bool:
        """Say whether anybody was seen lately; also where nobody is asked for."""
        return self._least == 0 or self.count > 0

    @property
    def doubt(self) -> float:
        """Return what is taken off the logarithm of the odds: two who hold each other are often seen as one."""
        return _DOUBT if self.count < self._least else 0.0


class Suspicion:
    """Decide when unrest has lasted; say it once."""

    def __init__(self, limit: float, lasting_s: float) -> None:
        self._limit = limit
        self._lasting_s = lasting_s
        self._judged: deque[tuple[float, float]] = deque(maxlen=400)
        self._usual = _FIRST_USUAL
        self._since_s: float | None = None
        self._unrestful_s = float("-inf")
        self._is_told = False

    @property
    def limit(self) -> float:
        """Return the logarithm of the odds above which a movement is a suspicion here."""
        return max(self._limit, self._usual + _ABOVE_USUAL)

    def take(self, odds: float, now_s: float) -> tuple[float, float] | None:
        """Take the logarithm of the odds of one judgement.

        Return (mean of the time it lasted, seconds since the unrest began) when it becomes a suspicion, else None.
        """
        if self._judged and now_s - self._judged[-1][0] > _GAP_S:
            self._judged.clear()
        self._judged.append((now_s, odds))
        limit = self.limit
        mean = self._mean(now_s)
        self._learn(odds)
        if now_s - self._unrestful_s > CALM_S:
            self._is_told, self._since_s = False, None
        if mean is None or mean < limit:
            return None
        self._since_s = self._judged[0][0] if self._since_s is None else self._since_s
        self._unrestful_s = now_s
        if self._is_told:
            return None
        self._is_told = True
        return mean, now_s - self._since_s

    def _mean(self, now_s: float) -> float | None:
        while len(self._judged) > 1 and self._judged[1][0] <= now_s - self._lasting_s:
            self._judged.popleft()
        if now_s - self._judged[0][0] < self._lasting_s:
            return None
        return statistics.fmean(odds for _, odds in self._judged)

    def _learn(self, odds: float) -> None:
        self._usual += _STEP * (_UNDER if odds > self._usual else _UNDER - 1.0)
        self._usual = min(max(self._usual, _FIRST_USUAL), self._limit + _MOST_ABOVE - _ABOVE_USUAL)


def most_together(people: Sequence[Box], aspect: float) -> int:
    """Return how many people the largest group has in which each is within reach of another; 0 when nobody is seen."""
    groups: list[list[Box]] = []
    for box in people:
        near = [group for group in groups if any(_reach(box, other, aspect) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([box, *(other for group in near for other in group)])
    return max((len(group) for group in groups), default=0)


def _reach(one: Box, other: Box, aspect: float) -> bool:
    heights = (one.bottom - one.top, other.bottom - other.top)
    aside = max(0.0, max(one.left, other.left) - min(one.right, other.right)) * aspect
    below = max(0.0, max(one.top, other.top) - min(one.bottom, other.bottom))
    return min(heights) > _ALIKE * max(heights) and max(aside, below) < _REACH * max(heights)
