"""Measures false alarms: detectors over an ordinary hour in which nothing happens that they are for.

The hour is one short recording again and again: the net sees it once, its boxes are kept. That what is told is false
follows from the recording, a square with people who walk and stand for a while.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.contracts import Detector, Kind, LookContext, Scene
from ..core.media.seat import Fence
from ..core.types import Detection, Frame
from .footage import NoFootage, Picture, frame_of, pictures_of
from .looking import Looking
from .measures import median
from .report import Figure, Report

VIDEO = "vtest.avi"
FPS = 5.0
# Between two rounds lies an outage, or who stands at the end and at the beginning would stand there for an hour.
PAUSE_S = 60.0
NO_ALARMS = ("crowd.count", "line.count")
SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


class Seen:
    """Hold what the net saw in each picture of a recording, and tell it again as the detector ``objects``."""

    def __init__(self, pictures: Sequence[tuple[float, Picture]], kind: Kind[Detector]) -> None:
        self.length_s = pictures[-1][0] + 1 / FPS
        self.at = 0
        self.wants = kind.make(kind.schema({"labels": ["person"]}), Scene(camera="uji"))
        self._kind = kind
        self._told: list[Sequence[Detection]] = []
        for at_s, picture in pictures:
            frame = frame_of(picture, at_s)
            told = self.wants.look(frame, LookContext(at=frame.at, mono_s=at_s))
            self._told.append([one for one in told if isinstance(one, Detection)])

    def as_kind(self) -> Kind[Detector]:
        """Return a kind of detector that tells what was seen."""
        seen, wants = self, self.wants.wants

        class Again:
            def __init__(self, _options: dict[str, Any], _scene: Scene) -> None:
                self.wants = wants

            def look(self, _frame: Frame | None, _context: LookContext) -> Sequence[Detection]:
                return seen._told[seen.at]

        return Kind(self._kind.name, self._kind.schema, Again, self._kind.summary)


def measure(
    video: Path,
    kinds: Mapping[str, Kind[Detector]],
    fence: Fence,
    detect: Mapping[str, dict[str, Any]],
    *,
    hours: float = 1.0,
) -> list[Report]:
    """Return the false alarms of each detector in so many hours of a looped recording, and their cost. NoFootage."""
    if not video.is_file():
        raise NoFootage(f"{video}: no such recording")
    pictures = list(pictures_of(video, FPS))
    seen = Seen(pictures, kinds["objects"])
    return [_of(name, options, pictures, seen, kinds, fence, hours) for name, options in detect.items()]


def _of(
    name: str,
    options: dict[str, Any],
    pictures: Sequence[tuple[float, Picture]],
    seen: Seen,
    kinds: Mapping[str, Kind[Detector]],
    fence: Fence,
    hours: float,
) -> Report:
    known = {**kinds, "objects": seen.as_kind()}
    looking = Looking(known, fence, [("objects", {"labels": ["person"]}), (name, options)], {"alun": SQUARE})
    rounds = max(1, round(hours * 3600 / seen.length_s))
    begun = time.perf_counter()
    for number in range(rounds):
        for index, (at_s, picture) in enumerate(pictures):
            seen.at = index
            looking.see(picture, number * (seen.length_s + PAUSE_S) + at_s)
    # A count that changed is news, and no alarm.
    told = [one for one in looking.events if one.detector.startswith(name) and one.kind not in NO_ALARMS]
    figures = (
        Figure(name="false alarms a camera-hour", value=len(told) / hours, goal="<= 0"),
        Figure(name="time a look, with the tracker", value=median(looking.took_ms), unit="ms"),
        Figure(name="seconds to run", value=time.perf_counter() - begun, unit="s"),
    )
    return Report(detector=name, footage="vtest, a square with walkers", count=f"{rounds} rounds", figures=figures)
