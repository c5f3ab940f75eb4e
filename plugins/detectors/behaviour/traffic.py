"""Detector ``traffic``: vehicles that drive against a road's direction, or stop where none may stop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import voluptuous as vol

from ....core import Frame, LookContext, Observation, Scene, Sighting, Texts, Wants, validators
from .dwellers import Dwellers
from .places import a_zone, is_inside

VEHICLES = ("car", "motorcycle", "bus", "truck", "bicycle")
GAP_S = 30.0
# Against the road: so far (shares of the picture), for so long, and straight enough. A box that trembles, a rider who
# pushes his motorcycle back out of a parking place, or a car that turns does less than this.
_AGAINST, _LEAST_S, _STRAIGHT = 0.12, 1.5, 0.8

Point = tuple[float, float]


def _a_way(value: Any) -> tuple[Point, Point]:  # noqa: ANN401
    """Return two different points: from where to where, fractions of the picture."""
    if not isinstance(value, list) or len(value) != 2 or value[0] == value[1]:
        raise vol.Invalid(Texts()("behaviour.error.way"))
    begin, end = (validators.point(point) for point in value)
    return begin, end


def _does_something(options: dict[str, Any]) -> dict[str, Any]:
    if "way" not in options and "stopped_for" not in options:
        raise vol.Invalid(Texts()("behaviour.error.nothing"))
    return options


SCHEMA = vol.Schema(
    vol.All(
        {
            vol.Optional("zone", default=None, description="behaviour.option.zone"): vol.Any(None, str),
            vol.Optional("labels", default=list(VEHICLES), description="behaviour.option.labels"): vol.All(
                [str], vol.Length(min=1)
            ),
            vol.Optional("way", description="behaviour.option.way"): _a_way,
            vol.Optional("stopped_for", description="behaviour.option.stopped_for"): vol.All(
                validators.duration, vol.Range(min=5, max=86_400)
            ),
        },
        _does_something,
    )
)


class Drive:
    """Follow where one vehicle drove since it was first seen in the zone."""

    def __init__(self, sighting: Sighting, now_s: float) -> None:
        self.began_s = self.seen_s = now_s
        self.begin = self.foot = _foot(sighting)
        self.seen_at: datetime = sighting.last_seen
        self.length = 0.0
        self.is_told = False

    def move(self, sighting: Sighting, now_s: float) -> None:
        """Take where it is now."""
        self.seen_s = now_s
        if sighting.last_seen <= self.seen_at:
            return
        foot = _foot(sighting)
        self.length += _length(self.foot, foot)
        self.foot, self.seen_at = foot, sighting.last_seen

    def is_against(self, way: tuple[Point, Point], now_s: float) -> bool:
        """Say whether it drove the other way, far and straight enough."""
        (ax, ay), (bx, by) = way
        size = _length(*way)
        along = ((self.foot[0] - self.begin[0]) * (bx - ax) + (self.foot[1] - self.begin[1]) * (by - ay)) / size
        direct = _length(self.begin, self.foot)
        is_straight = direct > 0 and -along / direct >= _STRAIGHT and direct / max(self.length, direct) >= _STRAIGHT
        return -along >= _AGAINST and now_s - self.began_s >= _LEAST_S and is_straight


class TrafficDetector:
    """Tell each vehicle once for each offence."""

    wants = Wants(pixels="none", interval_s=0.2, when="always", sightings=True)

    def __init__(self, options: dict[str, Any], scene: Scene) -> None:
        checked = SCHEMA(options)
        self._zone = a_zone(checked["zone"], scene)
        self._labels = frozenset(checked["labels"])
        self._way: tuple[Point, Point] | None = checked.get("way")
        self._stopped_s: float | None = checked.get("stopped_for")
        self._drives: dict[int, Drive] = {}
        # A parked car is hidden by each bus that passes.
        self._standing = Dwellers(60.0)
        self._looked_s = float("-inf")

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Follow the vehicles of the zone."""
        now_s = context.mono_s
        if now_s - self._looked_s > GAP_S:
            self._standing.forget()
            self._drives.clear()
        self._looked_s = now_s
        seen = [one for one in context.sightings if one.label in self._labels and is_inside(self._zone, one)]
        return [*self._wrong_way(seen, now_s), *self._stopped(seen, now_s)]

    def _wrong_way(self, seen: Sequence[Sighting], now_s: float) -> Iterator[Observation]:
        if self._way is None:
            return
        for sighting in seen:
            drive = self._drives.setdefault(sighting.track, Drive(sighting, now_s))
            drive.move(sighting, now_s)
            if not drive.is_told and drive.is_against(self._way, now_s):
                drive.is_told = True
                data = {"label": sighting.label, "track": sighting.track}
                yield self._observe("traffic.wrong_way", sighting.score, data, sighting)
        self._drives = {track: drive for track, drive in self._drives.items() if now_s - drive.seen_s <= GAP_S}

    def _stopped(self, seen: Sequence[Sighting], now_s: float) -> Iterator[Observation]:
        if self._stopped_s is None:
            return
        by_track = {sighting.track: sighting for sighting in seen}
        for vehicle in self._standing.update(seen, now_s):
            stood_s = now_s - vehicle.still_since_s
            if stood_s < 1.0:
                vehicle.is_told = False  # it drives again: where it stops next is another matter
            if vehicle.is_told or stood_s < self._stopped_s or vehicle.track not in by_track:
                continue
            vehicle.is_told = True
            data = {"label": vehicle.label, "track": vehicle.track, "seconds": round(stood_s)}
            yield self._observe("traffic.stopped", vehicle.score, data, by_track[vehicle.track])

    def _observe(self, kind: str, score: float, data: dict[str, Any], sighting: Sighting) -> Observation:
        return Observation(kind=kind, zone=self._zone, score=round(score, 3), data=data, boxes=(sighting.box,))


def _foot(sighting: Sighting) -> Point:
    return ((sighting.box.left + sighting.box.right) / 2, sighting.box.bottom)


def _length(one: Point, other: Point) -> float:
    return float(((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5)
