"""Looks at one vehicle at a time, and tells a plate when enough looks agree on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from ....core import Box, Frame, LookContext, Observation, Sighting, Wants
from .grammar import Plate
from .reader import Nets, Place, plates_in

# A vehicle below so many pixels of height shows no plate that can be read.
_LEAST_PX = 60
# Two looks that agree are a reading; who is not read after so many tries is left alone.
_AGREE, _TRIES = 2, 8
_FORGET_S = 60.0
# The same plate again within so long is the same vehicle under another number.
_AGAIN_S = 120.0


def likeliest(found: Iterable[tuple[Plate, Place]]) -> tuple[Plate, Place] | None:
    """Return the one plate of a vehicle: of several lines the tall and sure one; read alike twice counts twice.

    Below a plate's number stand month and year, half as high, which a reader that looks for plates takes for one.
    """
    lines = list(found)
    tallest = max((place[3] - place[1] for _, place in lines), default=0)
    scores: dict[str, float] = defaultdict(float)
    for plate, place in lines:
        scores[plate.number] += plate.confidence * ((place[3] - place[1]) / tallest) ** 2
    if not scores:
        return None
    number = max(scores, key=scores.__getitem__)
    alike = [(plate, place) for plate, place in lines if plate.number == number]
    return max(alike, key=lambda one: one[0].confidence)


class _Vehicle:
    """Hold what was read of one vehicle so far."""

    def __init__(self) -> None:
        self.tries = 0
        self.votes: dict[str, list[float]] = defaultdict(list)
        self.seen_s = 0.0
        self.is_done = False


class PlatesDetector:
    """Read each vehicle's plate once."""

    def __init__(self, options: dict[str, Any], nets: Nets) -> None:
        self.wants = Wants(pixels="colour", interval_s=options["interval"], when="motion")
        self._zone: str | None = options["zone"]
        self._labels = frozenset(options["labels"])
        self._least: float = options["min_confidence"]
        self._nets = nets
        self._vehicles: dict[int, _Vehicle] = defaultdict(_Vehicle)
        self._told: dict[str, float] = {}

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Look at the vehicle that most needs it: the largest of those that were tried least."""
        if frame is None or frame.luma.size == 0:
            return ()
        now_s = context.mono_s
        rows, columns = frame.luma.shape
        waiting = []
        for sighting in context.sightings:
            if sighting.label in self._labels and sighting.is_in(self._zone):
                vehicle = self._vehicles[sighting.track]
                vehicle.seen_s = now_s
                high = (sighting.box.bottom - sighting.box.top) * rows
                if not vehicle.is_done and vehicle.tries < _TRIES and high >= _LEAST_PX:
                    waiting.append((vehicle.tries, -high, sighting))
        self._forget(now_s)
        if not waiting:
            return ()
        *_, sighting = min(waiting, key=lambda one: one[:2])
        return self._read(frame, sighting, (rows, columns), now_s)

    def _read(self, frame: Frame, sighting: Sighting, size: tuple[int, int], now_s: float) -> Sequence[Observation]:
        vehicle = self._vehicles[sighting.track]
        vehicle.tries += 1
        rows, columns = size
        box = sighting.box
        left, top = max(0, int(box.left * columns)), max(0, int(box.top * rows))
        right, bottom = min(columns, round(box.right * columns)), min(rows, round(box.bottom * rows))
        best = likeliest(plates_in(self._nets, frame.colour()[top:bottom, left:right]))
        if best is None or best[0].confidence < self._least:
            return ()
        plate, place = best
        there = Box(
            left=(left + place[0]) / columns,
            top=(top + place[1]) / rows,
            right=(left + place[2]) / columns,
            bottom=(top + place[3]) / rows,
        )
        return self._vote(vehicle, sighting, plate, there, now_s)

    def _vote(
        self, vehicle: _Vehicle, sighting: Sighting, plate: Plate, place: Box, now_s: float
    ) -> Sequence[Observation]:
        votes = vehicle.votes[plate.number]
        votes.append(plate.confidence)
        if len(votes) < _AGREE:
            return ()
        vehicle.is_done = True
        told_s, self._told[plate.number] = self._told.get(plate.number), now_s
        if told_s is not None and now_s - told_s < _AGAIN_S:
            return ()
        confidence = round(sum(votes) / len(votes), 3)
        data = {
            "plate": plate.number,
            "area": plate.area,
            "confidence": confidence,
            "looks": len(votes),
            "label": sighting.label,
            "track": sighting.track,
        }
        return (Observation(kind="plate.read", zone=self._zone, score=confidence, data=data, boxes=(place,)),)

    def _forget(self, now_s: float) -> None:
        gone = [track for track, vehicle in self._vehicles.items() if now_s - vehicle.seen_s > _FORGET_S]
        for track in gone:
            del self._vehicles[track]
        self._told = {number: told_s for number, told_s in self._told.items() if now_s - told_s < _AGAIN_S}
