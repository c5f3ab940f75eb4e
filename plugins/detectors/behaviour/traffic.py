"""Detector ``traffic``: what vehicles do and may not do, and how many pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import voluptuous as vol

from ....core import Frame, LookContext, Observation, Scene, Sighting, Texts, Wants, validators
from .lines import Crossings, two_points
from .offences import GAP_S, BusLane, Speeding, Stopped, Watch, WrongWay

VEHICLES = ("car", "motorcycle", "bus", "truck", "bicycle")
# One of these must be written: a detector that watches for nothing is a mistake.
_TASKS = ("way", "stopped_for", "bus_lane_for", "speed_above", "count_line")

Point = tuple[float, float]


def _a_way(value: object) -> tuple[Point, Point]:
    """Return two different points: from where to where, fractions of the picture."""
    return two_points(value, "behaviour.error.way")


def _does_something(options: dict[str, Any]) -> dict[str, Any]:
    if not any(name in options for name in _TASKS):
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
            vol.Optional("bus_lane_for", description="behaviour.option.bus_lane_for"): vol.All(
                validators.duration, vol.Range(min=1, max=600)
            ),
            vol.Optional("bus_lane_allowed", default=["bus"], description="behaviour.option.bus_lane_allowed"): vol.All(
                [str], vol.Length(min=1)
            ),
            vol.Optional("speed_above", description="behaviour.option.speed_above"): vol.All(
                vol.Coerce(float), vol.Range(min=5, max=200)
            ),
            vol.Optional("count_line", description="behaviour.option.count_line"): two_points,
            vol.Optional("count_every", default="15 min", description="behaviour.option.count_every"): vol.All(
                validators.duration, vol.Range(min=10, max=86_400)
            ),
        },
        _does_something,
    )
)


class TrafficDetector:
    """Tell each vehicle once for each offence, and the count of each while."""

    wants = Wants(pixels="none", interval_s=0.2, when="always", sightings=True)

    def __init__(self, options: dict[str, Any], scene: Scene) -> None:
        checked = SCHEMA(options)
        self._zone = scene.known_zone(checked["zone"])
        self._labels = frozenset(checked["labels"])
        self._watches = tuple(_watches(checked, scene))
        self._count = Count(checked["count_line"], checked["count_every"]) if "count_line" in checked else None
        self._looked_s = float("-inf")

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Follow the vehicles of the zone."""
        now_s = context.mono_s
        if now_s - self._looked_s > GAP_S:
            for watch in self._watches:
                watch.forget()
        self._looked_s = now_s
        vehicles = [one for one in context.sightings if one.label in self._labels]
        seen = [one for one in vehicles if one.is_in(self._zone)]
        told = [
            self._observe(kind, data, sighting)
            for watch in self._watches
            for kind, data, sighting in watch.look(seen, now_s)
        ]
        # A line counts by itself: who is over it is seldom still in the zone.
        return [*told, *(self._count.look(vehicles, now_s) if self._count else ())]

    def _observe(self, kind: str, data: dict[str, Any], sighting: Sighting) -> Observation:
        data = {"label": sighting.label, "track": sighting.track, **data}
        return Observation(kind=kind, zone=self._zone, score=round(sighting.score, 3), data=data, boxes=(sighting.box,))


class Count:
    """Count who crosses a line, and tell it after each while; ``right`` and ``left`` as the line is drawn."""

    def __init__(self, line: tuple[Point, Point], every_s: float) -> None:
        self._crossings = Crossings(line)
        self._every_s = every_s
        self._began_s: float | None = None
        self._ways: Counter[str] = Counter()
        self._of: Counter[str] = Counter()

    def look(self, vehicles: Sequence[Sighting], now_s: float) -> Iterator[Observation]:
        """Take what is seen; the reading follows each crossing, the event comes at the end of the while."""
        if self._began_s is None:
            self._began_s = now_s
        crossed = [(one, way) for one in vehicles if (way := self._crossings.take(one, now_s))]
        self._crossings.forget(now_s)
        for sighting, way in crossed:
            self._ways[way] += 1
            self._of[sighting.label] += 1
        seconds = now_s - self._began_s
        if crossed:
            yield Observation(kind="traffic.count", data=self._data(seconds), is_event=False)
        if seconds >= self._every_s:
            yield Observation(kind="traffic.count", data=self._data(seconds))
            self._ways.clear()
            self._of.clear()
            self._began_s = now_s

    def _data(self, seconds: float) -> dict[str, Any]:
        ways = {"right": self._ways["right"], "left": self._ways["left"]}
        return {"count": self._ways.total(), **ways, "labels": dict(self._of), "seconds": round(seconds)}


def _watches(options: dict[str, Any], scene: Scene) -> Iterator[Watch]:
    if "way" in options:
        yield WrongWay(options["way"])
    if "stopped_for" in options:
        yield Stopped(options["stopped_for"])
    if "bus_lane_for" in options:
        yield BusLane(options["bus_lane_allowed"], options["bus_lane_for"])
    if "speed_above" in options:
        if scene.ground is None:
            raise ValueError(Texts()("behaviour.error.ground"))
        yield Speeding(options["speed_above"], scene.ground)
