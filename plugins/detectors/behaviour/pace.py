"""How fast a followed thing moves: a straight line through its last feet, in metres where the ground is known."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from math import hypot, sqrt
from statistics import median
from typing import NamedTuple

from ....core import Ground, Sighting

Point = tuple[float, float]
# The line is laid through this much time: less trembles with the box, more blurs who brakes.
WINDOW_S = 1.6
_LEAST_S, _LEAST_LOOKS = 0.9, 4
# Who is not seen for so long is followed anew.
_FORGET_S = 10.0
# A box that touches the picture's edge is cut there: its foot is not where the thing stands.
_EDGE = 0.008
# What a person measures on the average, lying shadows and children among them: metres for a height of the box.
BODY_M = 1.6


class Pace(NamedTuple):
    """Say how a thing moved of late: ``mps`` metres a second, ``margin`` its standard error, ``metres`` passed."""

    mps: float
    margin: float
    metres: float


class Paces:
    """Follow the pace of every track. Without ``ground`` a body's height is the measure, which is rough."""

    def __init__(self, ground: Ground | None, *, body_m: float = BODY_M) -> None:
        self._ground = ground
        self._body_m = body_m
        self._feet: dict[int, deque[tuple[float, Point, float]]] = {}
        self._seen: dict[int, tuple[datetime, float]] = {}

    def take(self, sightings: Iterable[Sighting], now_s: float, aspect: float) -> None:
        """Take what is seen now, in a picture of that width by height; what is only remembered adds nothing."""
        for sighting in sightings:
            before = self._seen.get(sighting.track)
            if before is not None and sighting.last_seen <= before[0]:
                continue
            self._seen[sighting.track] = (sighting.last_seen, now_s)
            foot = self._place(sighting, aspect)
            if foot is None:
                continue
            feet = self._feet.setdefault(sighting.track, deque(maxlen=64))
            feet.append((now_s, foot, sighting.box.bottom - sighting.box.top))
            while feet[-1][0] - feet[0][0] > WINDOW_S:
                feet.popleft()
        for track in [track for track, (_, seen_s) in self._seen.items() if now_s - seen_s > _FORGET_S]:
            del self._seen[track]
            self._feet.pop(track, None)

    def forget(self) -> None:
        """Begin anew: nobody looked for a long time."""
        self._feet.clear()
        self._seen.clear()

    def of(self, track: int, now_s: float) -> Pace | None:
        """Return a track's pace; None while too little was seen of it, or nothing just now."""
        feet = self._feet.get(track)
        if not feet or len(feet) < _LEAST_LOOKS or feet[-1][0] < now_s or feet[-1][0] - feet[0][0] < _LEAST_S:
            return None
        scale = 1.0 if self._ground is not None else self._body_m / max(median(height for *_, height in feet), 1e-6)
        times = [at_s for at_s, *_ in feet]
        slopes = [_slope(times, [foot[axis] for _, foot, _ in feet]) for axis in (0, 1)]
        mps = hypot(slopes[0][0], slopes[1][0]) * scale
        margin = hypot(slopes[0][1], slopes[1][1]) * scale
        begin, end = feet[0][1], feet[-1][1]
        return Pace(mps=mps, margin=margin, metres=hypot(end[0] - begin[0], end[1] - begin[1]) * scale)

    def _place(self, sighting: Sighting, aspect: float) -> Point | None:
        box = sighting.box
        if box.left < _EDGE or box.right > 1 - _EDGE or box.bottom > 1 - _EDGE:
            return None
        if self._ground is not None:
            return self._ground.place(box.foot)
        # In shares of the picture's height, as the body is.
        return box.foot[0] * aspect, box.foot[1]


def _slope(times: list[float], values: list[float]) -> tuple[float, float]:
    """Return the slope of the least-squares line, and its standard error."""
    count = len(times)
    middle_s, middle = sum(times) / count, sum(values) / count
    spread = sum((at_s - middle_s) ** 2 for at_s in times)
    if spread <= 0:
        return 0.0, float("inf")
    pairs = list(zip(times, values, strict=True))
    slope = sum((at_s - middle_s) * (value - middle) for at_s, value in pairs) / spread
    rest = sum((value - middle - slope * (at_s - middle_s)) ** 2 for at_s, value in pairs)
    return slope, sqrt(rest / (count - 2) / spread)
