"""What an operator writes to say how the ground stands in the picture: four points, and their metres."""

from __future__ import annotations

from typing import Any

from .ground import is_sound
from .types import Json, Polygon
from .validators import Wrong, point

_MOST_M = 1000.0


def four_points(value: Json) -> Polygon:
    """Return four points of the picture, in order around a piece of flat ground."""
    if not isinstance(value, (list, tuple)) or len(value) != 4:
        raise Wrong("check.four_points")
    return tuple(point(one) for one in value)


def metres(value: Json) -> Polygon:
    """Return four places on the ground: of a rectangle ``[width, length]``, or each as ``[x, y]``, in metres."""
    if not isinstance(value, (list, tuple)) or len(value) not in (2, 4):
        raise Wrong("check.metres")
    if len(value) == 2:
        if not all(_is_length(one) and one > 0 for one in value):
            raise Wrong("check.metres")
        width, length = float(value[0]), float(value[1])
        return ((0.0, 0.0), (width, 0.0), (width, length), (0.0, length))
    for one in value:
        if not isinstance(one, (list, tuple)) or len(one) != 2 or not all(_is_length(part) for part in one):
            raise Wrong("check.metres")
    return tuple((float(x), float(y)) for x, y in value)


def sound_ground(value: dict[str, Any]) -> dict[str, Any]:
    """Return points and metres of which a map can be made."""
    if not is_sound(value["points"], value["metres"]):
        raise Wrong("check.ground")
    return value


def _is_length(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _MOST_M
