"""How a flat ground stands in a camera's picture: four points with their metres tell where every foot is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from .polygons import area_of
from .types import Point, Polygon, Struct

# Beyond this many metres from the calibrated ground a pixel is many metres wide: nothing is measured there.
FARTHEST_M = 200.0


class Ground(Struct):
    """Map fractions of the picture to metres on a plane. ``points`` and ``metres`` are four pairs, in one order.

    The map is the plane-to-plane homography through the four pairs (Hartley and Zisserman, Multiple View Geometry,
    section 4.1). ``preset``: it holds only while the camera stands there; None for a camera that does not turn.
    """

    points: Polygon
    metres: Polygon
    preset: str | None = None

    def place(self, point: Point) -> Point | None:
        """Return where on the ground a point of the picture lies, metres; None at or above the horizon, or too far."""
        a, b, c, d, e, f, g, h = _homography(self.points, self.metres)
        middle = _middle(self.points)
        x, y = point[0] - middle[0], point[1] - middle[1]
        depth = g * x + h * y + 1.0
        if depth <= 1e-9:
            return None
        placed = ((a * x + b * y + c) / depth, (d * x + e * y + f) / depth)
        inside = all(
            min(corner[axis] for corner in self.metres) - FARTHEST_M
            <= placed[axis]
            <= max(corner[axis] for corner in self.metres) + FARTHEST_M
            for axis in (0, 1)
        )
        return placed if inside else None

    def area_m2(self, polygon: Sequence[Point]) -> float | None:
        """Return the area of a polygon of the picture on the ground; None where a corner is not on it."""
        placed = [self.place(corner) for corner in polygon]
        corners = [corner for corner in placed if corner is not None]
        if len(corners) < len(placed) or len(corners) < 3:
            return None
        return area_of(corners)


def is_sound(points: Polygon, metres: Polygon) -> bool:
    """Say whether four pairs make a map: both convex, and all of the ground below a horizon."""
    turns = [_turns(points), _turns(metres)]
    if any(abs(sum(turn)) < len(turn) for turn in turns):
        return False  # a corner that goes back in, or three in one line
    try:
        *_, g, h = _homography(points, metres)
    except ZeroDivisionError:
        return False
    middle = _middle(points)
    return all(g * (x - middle[0]) + h * (y - middle[1]) + 1.0 > 1e-6 for x, y in points)


def _middle(points: Polygon) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _turns(corners: Polygon) -> list[int]:
    """Return for each corner which way the outline turns there: 1, -1, or 0 for hardly."""
    found = []
    for number in range(len(corners)):
        (ax, ay), (bx, by), (cx, cy) = (corners[(number + step) % len(corners)] for step in range(3))
        cross = (bx - ax) * (cy - by) - (by - ay) * (cx - bx)
        size = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5 * ((cx - bx) ** 2 + (cy - by) ** 2) ** 0.5
        found.append(0 if abs(cross) <= 0.02 * size else 1 if cross > 0 else -1)
    return found


@lru_cache(maxsize=256)
def _homography(points: Polygon, metres: Polygon) -> tuple[float, ...]:
    """Solve the eight numbers of the map by elimination. ZeroDivisionError for points that make none.

    Points count from their middle, which is surely below the horizon: the ninth number is 1 there.
    """
    rows, middle = [], _middle(points)
    for (px, py), (u, v) in zip(points, metres, strict=True):
        x, y = px - middle[0], py - middle[1]
        rows.append([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u])
        rows.append([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v])
    for column in range(8):
        pivot = max(range(column, 8), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        if abs(rows[column][column]) < 1e-12:
            raise ZeroDivisionError("the four points make no plane")
        lead = [value / rows[column][column] for value in rows[column]]
        rows = [
            lead if number == column else [value - row[column] * of for value, of in zip(row, lead, strict=True)]
            for number, row in enumerate(rows)
        ]
    return tuple(row[8] for row in rows)
