"""Which detections of one look are the things of the looks before, under ids that stay.

The idea is ByteTrack's (Zhang et al., ECCV 2022): pair what was seen clearly first, then let faint
detections continue tracks that would otherwise be lost. Prediction is an alpha-beta filter and not
a Kalman filter, because looks come at irregular times and a seldom look should be believed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from ..types import Box, Detection, Sighting
from .assignment import Pair, pair_up

# Labels that a detector mixes up from look to look on the same thing.
_ALIKE = {"car": "vehicle", "truck": "vehicle", "bus": "vehicle", "motorcycle": "cycle", "bicycle": "cycle"}
# One look is enough from here on; below, a second look must agree.
SURE_SCORE = 0.75
# A thing unseen for so long, and at so many looks, is gone; a person behind a lamp post is not.
LOST_S, LOST_LOOKS = 4.0, 3
# How far a foot may be from where it was expected, in sizes of its box, when the boxes do not overlap.
REACH = 0.9
_POSITION_GAIN, _SPEED_GAIN, _SIZE_GAIN = 0.75, 0.35, 0.5
# Speeds fade while a thing is unseen: it may have stopped behind what hides it.
_FADE_S = 1.0
# The two stages' limits on cost (1 - overlap, or more than 1 by distance).
_CLEAR_LIMIT, _FAINT_LIMIT = 1.9, 0.7


class Track(msgspec.Struct):
    """Hold one thing that is followed; positions and sizes are fractions of the picture."""

    id: int
    labels: dict[str, float]
    family: str
    score: float
    x: float
    y: float
    width: float
    height: float
    first_seen: datetime
    last_seen: datetime
    seen_mono_s: float
    speed_x: float = 0.0
    speed_y: float = 0.0
    hits: int = 1
    misses: int = 0
    is_confirmed: bool = False
    is_told: bool = False

    @property
    def label(self) -> str:
        """Return the label that the looks so far agree on most."""
        return max(self.labels, key=self.labels.__getitem__)

    @property
    def box(self) -> Box:
        """Return where the thing was last, within the picture."""
        return _box(self.x, self.y, self.width, self.height)

    def expected(self, mono_s: float) -> tuple[float, float]:
        """Return where the middle should be at a time."""
        fade_s = _FADE_S * (1.0 - math.exp(-max(mono_s - self.seen_mono_s, 0.0) / _FADE_S))
        return self.x + self.speed_x * fade_s, self.y + self.speed_y * fade_s

    def sighting(self, zones: tuple[str, ...]) -> Sighting:
        """Return the track as the frozen fact that leaves this room."""
        return Sighting(
            track=self.id,
            label=self.label,
            score=round(self.score, 3),
            box=self.box,
            zones=zones,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
        )


class Tracker:
    """Follow the things that one detector sees on one camera."""

    def __init__(self, *, clear_score: float = 0.5, numbers: Iterable[int] | None = None) -> None:
        self.tracks: list[Track] = []
        self._clear_score = clear_score
        self._numbers = iter(numbers) if numbers is not None else itertools.count(1)

    @property
    def has_tentative(self) -> bool:
        """Say whether something was seen once and waits for a second look."""
        return any(not track.is_confirmed and track.misses == 0 for track in self.tracks)

    def update(self, detections: Sequence[Detection], at: datetime, mono_s: float) -> list[Track]:
        """Take one look's detections; return the confirmed tracks that are gone now.

        Detections below ``clear_score`` continue a track and never begin one.
        """
        clear = [d for d in detections if d.score >= self._clear_score]
        faint = [d for d in detections if d.score < self._clear_score]
        left = self._pair(self.tracks, clear, _CLEAR_LIMIT, at, mono_s)
        unseen = [track for track in self.tracks if track.is_confirmed and track.seen_mono_s != mono_s]
        self._pair(unseen, faint, _FAINT_LIMIT, at, mono_s)
        for track in self.tracks:
            if track.seen_mono_s != mono_s:
                track.misses += 1
        gone = [track for track in self.tracks if _is_gone(track, mono_s)]
        self.tracks = [track for track in self.tracks if not _is_gone(track, mono_s)]
        self.tracks += [self._begin(detection, at, mono_s) for detection in left]
        return [track for track in gone if track.is_confirmed]

    def _pair(
        self, tracks: Sequence[Track], detections: Sequence[Detection], limit: float, at: datetime, mono_s: float
    ) -> list[Detection]:
        costs: dict[Pair, float] = {}
        for row, track in enumerate(tracks):
            x, y = track.expected(mono_s)
            expected = _box(x, y, track.width, track.height)
            for column, detection in enumerate(detections):
                if family_of(detection.label) == track.family:
                    cost = _cost(expected, detection.box, mono_s - track.seen_mono_s)
                    if cost < limit:
                        costs[row, column] = cost
        pairs = pair_up(costs, refusal=limit)
        for row, column in pairs:
            _follow(tracks[row], detections[column], at, mono_s)
        paired = {column for _, column in pairs}
        return [detection for column, detection in enumerate(detections) if column not in paired]

    def _begin(self, detection: Detection, at: datetime, mono_s: float) -> Track:
        x, y, width, height = _shape(detection.box)
        return Track(
            id=next(self._numbers),
            labels={detection.label: detection.score},
            family=family_of(detection.label),
            score=detection.score,
            x=x,
            y=y,
            width=width,
            height=height,
            first_seen=at,
            last_seen=at,
            seen_mono_s=mono_s,
            is_confirmed=detection.score >= SURE_SCORE,
        )


def family_of(label: str) -> str:
    """Return the name under which labels that are easily mixed up count as one."""
    return _ALIKE.get(label, label)


def _follow(track: Track, detection: Detection, at: datetime, mono_s: float) -> None:
    x, y, width, height = _shape(detection.box)
    passed_s = max(mono_s - track.seen_mono_s, 1e-3)
    expected_x, expected_y = track.expected(mono_s)
    off_x, off_y = x - expected_x, y - expected_y
    track.x, track.y = expected_x + _POSITION_GAIN * off_x, expected_y + _POSITION_GAIN * off_y
    # Two looks in quick succession say little about speed: their difference is mostly noise.
    pace_s = max(passed_s, 0.1)
    track.speed_x += _SPEED_GAIN * off_x / pace_s
    track.speed_y += _SPEED_GAIN * off_y / pace_s
    track.width += _SIZE_GAIN * (width - track.width)
    track.height += _SIZE_GAIN * (height - track.height)
    track.labels[detection.label] = track.labels.get(detection.label, 0.0) + detection.score
    track.score = max(detection.score, 0.9 * track.score)
    track.last_seen, track.seen_mono_s = at, mono_s
    track.hits += 1
    track.misses = 0
    track.is_confirmed = track.is_confirmed or track.hits >= 2


def _is_gone(track: Track, mono_s: float) -> bool:
    unseen_s = mono_s - track.seen_mono_s
    if not track.is_confirmed:
        return track.misses >= 2
    is_at_edge = not (0.0 < track.x < 1.0 and 0.0 < track.y < 1.0)
    return track.misses >= LOST_LOOKS and (unseen_s > LOST_S or is_at_edge)


def _cost(expected: Box, seen: Box, unseen_s: float) -> float:
    overlap = expected.overlap(seen)
    if overlap > 0.1:
        return 1.0 - overlap
    (x1, y1, w1, h1), (x2, y2, w2, h2) = _shape(expected), _shape(seen)
    larger, smaller = max(w1 * h1, w2 * h2), max(min(w1 * h1, w2 * h2), 1e-9)
    if larger / smaller > 3.0:
        return math.inf
    # Something that walks covers its own width in about half a second.
    reach = REACH * math.sqrt(larger) * (1.0 + min(unseen_s, 2.0))
    distance = math.hypot(x1 - x2, y1 - y2) / reach
    return 1.0 + distance if distance < 1.0 else math.inf


def _shape(box: Box) -> tuple[float, float, float, float]:
    return (
        *box.middle,
        max(box.right - box.left, 1e-4),
        max(box.bottom - box.top, 1e-4),
    )


def _box(x: float, y: float, width: float, height: float) -> Box:
    return Box(
        left=min(max(x - width / 2, 0.0), 1.0),
        top=min(max(y - height / 2, 0.0), 1.0),
        right=min(max(x + width / 2, 0.0), 1.0),
        bottom=min(max(y + height / 2, 0.0), 1.0),
    )
