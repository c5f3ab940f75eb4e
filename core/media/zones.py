"""Which zones a point of the ground lies in, steady at the border."""

from __future__ import annotations

from collections.abc import Mapping

from ..polygons import depth_in
from ..types import Point, Polygon

# A box's foot trembles by about a hundredth of the picture from look to look; a thing is out
# only when its foot is clearly outside.
BORDER = 0.015


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
