"""Polygons of points: how far inside one a point lies, and how large it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from .types import Point


def depth_in(polygon: Sequence[Point], point: Point) -> float:
    """Return how far a point lies inside a polygon, in its own units; negative outside, 0 on its border."""
    x, y = point
    is_inside = False
    nearest = math.inf
    for (x1, y1), (x2, y2) in edges_of(polygon):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            is_inside = not is_inside
        nearest = min(nearest, _distance(point, (x1, y1), (x2, y2)))
    return nearest if is_inside else -nearest


def area_of(polygon: Sequence[Point]) -> float:
    """Return a polygon's area in its own units, squared (the shoelace formula)."""
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in edges_of(polygon))) / 2


def edges_of(polygon: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    """Yield each edge by its ends, the closing one last."""
    return zip(polygon, (*polygon[1:], polygon[0]), strict=True)


def _distance(point: Point, start: Point, end: Point) -> float:
    (x, y), (x1, y1), (x2, y2) = point, start, end
    length2 = (x2 - x1) ** 2 + (y2 - y1) ** 2
    along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length2 if length2 else 0.0
    along = min(max(along, 0.0), 1.0)
    return math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1))
