"""What is told of the things a detector follows: each thing once, each step into a zone once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ..types import Box, Detection, Json, Polygon, Sighting, Struct
from .tracker import Track, Tracker
from .zones import ZoneSteps

# What was not looked at for so long is not followed on: another person may stand at the same spot by now.
FORGET_S = 30.0


class Told(Struct):
    """Say one thing worth an event. ``boxes`` are what the picture should show; ``detector`` who observed it."""

    kind: str
    zone: str | None = None
    score: float | None = None
    data: dict[str, Json] = {}
    boxes: tuple[Box, ...] = ()
    detector: str = ""


class Witness:
    """Turn one detector's looks at one camera into sightings and events."""

    def __init__(
        self,
        zones: Mapping[str, Polygon],
        *,
        wanted_zones: Sequence[str] = (),
        clear_score: float = 0.5,
        numbers: Iterable[int] | None = None,
        forget_s: float = FORGET_S,
    ) -> None:
        self._tracker = Tracker(clear_score=clear_score, numbers=numbers)
        self._steps = ZoneSteps(zones)
        self._forget_s = forget_s
        self._looked_s = float("-inf")
        # Nothing named means everywhere.
        self._wanted = frozenset(wanted_zones)

    @property
    def has_tentative(self) -> bool:
        """Say whether a second look is wanted at once."""
        return self._tracker.has_tentative

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """Return the confirmed things that are still there, also those hidden for a moment."""
        return tuple(t.sighting(self._steps.of(t.id)) for t in self._tracker.tracks if t.is_confirmed)

    def look(self, detections: Sequence[Detection], at: datetime, mono_s: float) -> list[Told]:
        """Take one look's detections; return what is to be told."""
        if mono_s - self._looked_s > self._forget_s:
            self.forget()
        self._looked_s = mono_s
        told: list[Told] = []
        for track in self._tracker.update(detections, at, mono_s):
            told += [_step("zone.leave", track, zone) for zone in self._steps.forget(track.id) if self._wants(zone)]
        for track in self._tracker.tracks:
            if track.is_confirmed and track.seen_mono_s == mono_s:
                told += self._tell(track)
        return told

    def take_zones(self, zones: Mapping[str, Polygon]) -> None:
        """Go on with other zones, following nothing that was seen before."""
        self.forget()
        self._steps = ZoneSteps(zones)

    def forget(self) -> None:
        """Follow nothing any more. Nobody saw it leave, so that is not told."""
        for track in self._tracker.tracks:
            self._steps.forget(track.id)
        self._tracker.tracks = []

    def _tell(self, track: Track) -> list[Told]:
        entered, left = self._steps.move(track.id, track.box.foot)
        told: list[Told] = []
        zones = self._steps.of(track.id)
        if not track.is_told and (not self._wanted or self._wanted & set(zones)):
            track.is_told = True
            told.append(_object(track, zones, next((z for z in zones if self._wants(z)), None)))
        told += [_step("zone.leave", track, zone) for zone in left if self._wants(zone)]
        told += [_step("zone.enter", track, zone) for zone in entered if self._wants(zone)]
        return told

    def _wants(self, zone: str) -> bool:
        return not self._wanted or zone in self._wanted


def _object(track: Track, zones: tuple[str, ...], zone: str | None) -> Told:
    box = track.box
    corners = [round(side, 4) for side in (box.left, box.top, box.right, box.bottom)]
    return Told(
        kind=f"object.{track.label.replace(' ', '_')}",
        zone=zone,
        score=round(track.score, 3),
        data={"track": track.id, "label": track.label, "zones": list(zones), "box": corners},
        boxes=(box,),
    )


def _step(kind: str, track: Track, zone: str) -> Told:
    return Told(
        kind=kind,
        zone=zone,
        score=round(track.score, 3),
        data={"track": track.id, "label": track.label},
        boxes=(track.box,),
    )
