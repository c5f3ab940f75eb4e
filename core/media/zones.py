"""Which zones a point of the ground lies in, steady at the border."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..types import Point, Polygon

# A box's foot trembles by about a hundredth of the picture from look to look; a thing is out
# only when its foot is clearly outside.
BORDER = 0.015


def depth_in(polygon: Polygon, point: Point) -> float:
    """Return how far a point lies inside a polygon; negative outside. Fractions of the picture."""
    x, y = point
    is_inside = False
    nearest = math.inf
    for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            is_inside = not is_inside
        nearest = min(nearest, _distance(point, (x1, y1), (x2, y2)))
    return nearest if is_inside else -nearest


class ZoneSteps:
    """Remember which zones each track is in, and say when it steps in or out."""

    def __init__(self, zones: Mapping[str, Polygon]) -> None:
        self._zones = zones
        self._inside: dict[int, set[str]] = {}

    def move(self, track: int, foot: Point) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Take a track's new foot point; return the zones entered and those left."""
        before = self._inside.setdefault(track, set())
        now = {
            name
            for name, polygon in self._zones.items()
            if depth_in(polygon, foot) > (-BORDER if name in before else 0)
        }
        self._inside[track] = now
        return tuple(sorted(now - before)), tuple(sorted(before - now))

    def of(self, track: int) -> tuple[str, ...]:
        """Return the zones a track is in."""
        return tuple(sorted(self._inside.get(track, ())))

    def forget(self, track: int) -> tuple[str, ...]:
        """Drop a track that is gone; return the zones it was in."""
        return tuple(sorted(self._inside.pop(track, ())))


def _distance(point: Point, start: Point, end: Point) -> float:
    (x, y), (x1, y1), (x2, y2) = point, start, end
    length2 = (x2 - x1) ** 2 + (y2 - y1) ** 2
    along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length2 if length2 else 0.0
    along = min(max(along, 0.0), 1.0)
    return math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1))
