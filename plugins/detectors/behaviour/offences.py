"""What a vehicle may not do, one watch for each: drive against the road, stop, use the bus lane, drive too fast."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from ....core import Ground, Sighting
from .dwellers import Dwellers
from .pace import Paces

Point = tuple[float, float]
# kind of event, its data, and who did it
Offence = tuple[str, dict[str, Any], Sighting]
GAP_S = 30.0
# Against the road: so far (shares of the picture), for so long, and straight enough. A box that trembles, a rider who
# pushes his motorcycle back out of a parking place, or a car that turns does less than this.
_AGAINST, _LEAST_S, _STRAIGHT = 0.12, 1.5, 0.8
# A parked car is hidden by each bus that passes.
_HIDDEN_S = 60.0
# In a lane that is not his: he drives along it, and does not only cross it or wait beside it.
_ALONG = 0.08
# Too fast: by more than the measurement may err, over so many metres, at so many looks in a row.
_SURE, _FAR_M, _LOOKS = 2.0, 4.0, 3


class Watch(Protocol):
    """Watch for one offence; each vehicle is told once."""

    def look(self, seen: Sequence[Sighting], now_s: float) -> Iterator[Offence]:
        """Return who offends, of the vehicles that are seen in the zone."""
        ...

    def forget(self) -> None:
        """Begin anew: nobody looked for a long time."""
        ...


class Drive:
    """Follow where one vehicle drove since it was first seen in the zone."""

    def __init__(self, sighting: Sighting, now_s: float) -> None:
        self.began_s = self.seen_s = now_s
        self.begin = self.foot = sighting.box.foot
        self.seen_at: datetime = sighting.last_seen
        self.length = 0.0
        self.is_told = False

    def move(self, sighting: Sighting, now_s: float) -> None:
        """Take where it is now."""
        self.seen_s = now_s
        if sighting.last_seen <= self.seen_at:
            return
        foot = sighting.box.foot
        self.length += math.dist(self.foot, foot)
        self.foot, self.seen_at = foot, sighting.last_seen

    def is_against(self, way: tuple[Point, Point], now_s: float) -> bool:
        """Say whether it drove the other way, far and straight enough."""
        (ax, ay), (bx, by) = way
        along = (self.foot[0] - self.begin[0]) * (bx - ax) + (self.foot[1] - self.begin[1]) * (by - ay)
        along /= math.dist(*way)
        direct = math.dist(self.begin, self.foot)
        is_straight = direct > 0 and -along / direct >= _STRAIGHT and direct / max(self.length, direct) >= _STRAIGHT
        return -along >= _AGAINST and now_s - self.began_s >= _LEAST_S and is_straight


class Drives:
    """Follow every vehicle of the zone; one that left it begins anew when it comes back."""

    def __init__(self) -> None:
        self._of: dict[int, Drive] = {}

    def take(self, seen: Sequence[Sighting], now_s: float) -> Iterator[tuple[Sighting, Drive]]:
        """Return who is seen, with where it drove."""
        for sighting in seen:
            drive = self._of.setdefault(sighting.track, Drive(sighting, now_s))
            drive.move(sighting, now_s)
            yield sighting, drive
        self._of = {track: drive for track, drive in self._of.items() if now_s - drive.seen_s <= GAP_S}

    def forget(self) -> None:
        """Follow nobody."""
        self._of.clear()


class WrongWay:
    """Watch for who drives against the direction of a road."""

    def __init__(self, way: tuple[Point, Point]) -> None:
        self._way = way
        self._drives = Drives()

    def look(self, seen: Sequence[Sighting], now_s: float) -> Iterator[Offence]:
        """Return who drove far enough the other way."""
        for sighting, drive in self._drives.take(seen, now_s):
            if not drive.is_told and drive.is_against(self._way, now_s):
                drive.is_told = True
                yield "traffic.wrong_way", {}, sighting

    def forget(self) -> None:
        """Begin anew."""
        self._drives.forget()


class Stopped:
    """Watch for who stands where none may stand."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._standing = Dwellers(_HIDDEN_S)

    def look(self, seen: Sequence[Sighting], now_s: float) -> Iterator[Offence]:
        """Return who stood for long enough; it is told when it is seen, so that the picture shows it."""
        by_track = {sighting.track: sighting for sighting in seen}
        for vehicle in self._standing.update(seen, now_s):
            stood_s = now_s - vehicle.still_since_s
            if stood_s < 1.0:
                vehicle.is_told = False  # it drives again: where it stops next is another matter
            if vehicle.is_told or stood_s < self._after_s or vehicle.track not in by_track:
                continue
            vehicle.is_told = True
            yield "traffic.stopped", {"seconds": round(stood_s)}, by_track[vehicle.track]

    def forget(self) -> None:
        """Begin anew."""
        self._standing.forget()


class BusLane:
    """Watch for who drives along a lane that is for others."""

    def __init__(self, allowed: Sequence[str], after_s: float) -> None:
        self._allowed = frozenset(allowed)
        self._after_s = after_s
        self._drives = Drives()

    def look(self, seen: Sequence[Sighting], now_s: float) -> Iterator[Offence]:
        """Return who drove along it for long enough. A bus that is taken for a truck at times is a bus."""
        for sighting, drive in self._drives.take(seen, now_s):
            drove_s = now_s - drive.began_s
            is_along = math.dist(drive.begin, drive.foot) >= _ALONG
            if drive.is_told or sighting.label in self._allowed or drove_s < self._after_s or not is_along:
                continue
            drive.is_told = True
            yield "traffic.bus_lane", {"seconds": round(drove_s, 1)}, sighting

    def forget(self) -> None:
        """Begin anew."""
        self._drives.forget()


class Speeding:
    """Watch for who drives faster than a limit, km/h; the ground must be measured."""

    def __init__(self, limit_kmh: float, ground: Ground) -> None:
        self._limit_kmh = limit_kmh
        self._paces = Paces(ground)
        self._fast: dict[int, list[float]] = {}
        self._told: dict[int, float] = {}

    def look(self, seen: Sequence[Sighting], now_s: float) -> Iterator[Offence]:
        """Return who was surely too fast at several looks in a row; the speed is the middle one of those."""
        self._paces.take(seen, now_s, 1.0)  # the ground knows the picture's shape
        for sighting in seen:
            pace = self._paces.of(sighting.track, now_s)
            if pace is None or sighting.track in self._told:
                continue
            least = (pace.mps - _SURE * pace.margin) * 3.6
            fast = self._fast.setdefault(sighting.track, [])
            if least <= self._limit_kmh or pace.metres < _FAR_M:
                fast.clear()
                continue
            fast.append(pace.mps * 3.6)
            if len(fast) >= _LOOKS:
                self._told[sighting.track] = now_s
                data = {
                    "kmh": round(sorted(fast)[len(fast) // 2], 1),
                    "limit_kmh": self._limit_kmh,
                    "margin_kmh": round(_SURE * pace.margin * 3.6, 1),
                    "metres": round(pace.metres, 1),
                }
                yield "traffic.speed", data, sighting
        self._told = {track: told_s for track, told_s in self._told.items() if now_s - told_s <= 10 * GAP_S}
        self._fast = {track: fast for track, fast in self._fast.items() if fast and track not in self._told}

    def forget(self) -> None:
        """Begin anew."""
        self._paces.forget()
        self._fast.clear()
