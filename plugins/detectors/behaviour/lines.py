"""Detector ``line``: who crosses a line that the operator drew, in which direction, and how many did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import voluptuous as vol

from ....core import Frame, LookContext, Observation, Scene, Sighting, Texts, Wants, validators

# A foot that trembles on the line does not cross it: it must be this far beyond, in shares of the picture's height.
_BEYOND = 0.01
# What is not seen for so long is followed under another number.
_FORGET_S = 30.0

Point = tuple[float, float]


def two_points(value: object, error: str = "behaviour.error.line") -> tuple[Point, Point]:
    """Return two different points, each of two fractions of the picture; Invalid with the text ``error`` else."""
    if not isinstance(value, list) or len(value) != 2:
        raise vol.Invalid(Texts()(error))
    begin, end = (validators.point(point) for point in value)
    if begin == end:
        raise vol.Invalid(Texts()(error))
    return begin, end


SCHEMA = vol.Schema(
    {
        vol.Required("line", description="behaviour.option.line"): two_points,
        vol.Optional("name", default="", description="behaviour.option.line_name"): str,
        vol.Optional("labels", default=["person"], description="behaviour.option.labels"): vol.All(
            [str], vol.Length(min=1)
        ),
        vol.Optional("direction", default="both", description="behaviour.option.direction"): vol.In(
            ["both", "right", "left"]
        ),
    }
)


class Crossings:
    """Follow each foot over one line, between its ends; one that trembles on it does not cross."""

    def __init__(self, line: tuple[Point, Point]) -> None:
        self._line = line
        # By track: the side it was surely on, its foot there, and when it was seen last.
        self._sure: dict[int, tuple[int, Point, datetime, float]] = {}

    def take(self, sighting: Sighting, now_s: float) -> str | None:
        """Return the way in which a thing has just crossed, None where it has not."""
        foot = sighting.box.foot
        before = self._sure.get(sighting.track)
        if before is not None and sighting.last_seen <= before[2]:
            self._sure[sighting.track] = (*before[:3], now_s)
            return None
        away = _away(self._line, foot)
        side = 1 if away > 0 else -1
        if before is None or abs(away) >= _BEYOND:
            self._sure[sighting.track] = (side if abs(away) >= _BEYOND else 0, foot, sighting.last_seen, now_s)
        else:
            self._sure[sighting.track] = (before[0], before[1], sighting.last_seen, now_s)
            return None
        if before is None or before[0] in (0, side) or not _meet(self._line, (before[1], foot)):
            return None
        return "right" if side > 0 else "left"

    def forget(self, now_s: float) -> None:
        """Let go of what has not been seen for a while."""
        self._sure = {track: sure for track, sure in self._sure.items() if now_s - sure[3] <= _FORGET_S}


class LineDetector:
    """Tell each crossing once; ``right`` and ``left`` as seen by who walks along the line from its first point."""

    wants = Wants(pixels="none", interval_s=0.2, when="always", sightings=True)

    def __init__(self, options: dict[str, Any], scene: Scene) -> None:
        checked = SCHEMA(options)
        self._line: tuple[Point, Point] = checked["line"]
        self._name: str = checked["name"]
        self._labels = frozenset(checked["labels"])
        self._direction: str = checked["direction"]
        self._counts = {"right": 0, "left": 0}
        self._crossings = Crossings(self._line)

    def resume(self, told: Mapping[str, Mapping[str, Any]]) -> None:
        """Go on counting where the counts that were told last stood."""
        last = told.get("line.cross", {})
        for way in self._counts:
            if last.get("line") == self._name and isinstance(last.get(way), int):
                self._counts[way] = last[way]

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Follow every foot over the line."""
        told = []
        for sighting in context.sightings:
            if sighting.label in self._labels and (way := self._crossings.take(sighting, context.mono_s)):
                self._counts[way] += 1
                if self._direction in ("both", way):
                    told.append(self._observe(sighting, way))
        self._crossings.forget(context.mono_s)
        return told

    def _observe(self, sighting: Sighting, way: str) -> Observation:
        data = {"line": self._name, "track": sighting.track, "label": sighting.label, "direction": way, **self._counts}
        return Observation(kind="line.cross", score=round(sighting.score, 3), data=data, boxes=(sighting.box,))


def _away(line: tuple[Point, Point], point: Point) -> float:
    """Return how far a point is from the line's axis; above 0 on its right, as the picture is seen (y runs down)."""
    (ax, ay), (bx, by) = line
    along = (bx - ax, by - ay)
    size = float((along[0] ** 2 + along[1] ** 2) ** 0.5)
    return (along[0] * (point[1] - ay) - along[1] * (point[0] - ax)) / size


def _meet(line: tuple[Point, Point], step: tuple[Point, Point]) -> bool:
    """Say whether a step passes between the ends of the line, and not around them."""
    return _away(step, line[0]) * _away(step, line[1]) <= 0 if step[0] != step[1] else False
