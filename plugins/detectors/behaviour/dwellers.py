"""Who stays: things that are followed through the moments in which the tracker loses them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ....core import Box, Sighting

# Someone who is found again this near (in heights of the body) to where she was lost is the same one: a tracker
# that loses a person behind a pole gives her a new number a step further on.
_NEAR_HEIGHTS = 1.0


@dataclass(kw_only=True)
class Dweller:
    """Hold one thing that stays. ``since_s`` and ``seen_s`` are monotonic seconds; ``anchor`` is where it settled."""

    track: int
    label: str
    score: float
    box: Box
    anchor: tuple[float, float]
    since_s: float
    seen_s: float
    seen_at: datetime
    still_since_s: float
    is_told: bool = False

    @property
    def foot(self) -> tuple[float, float]:
        """Return where it stands, in fractions of the picture."""
        return self.box.foot


class Dwellers:
    """Follow those of some sightings that stay; one that nobody saw for ``forget_s`` has gone."""

    def __init__(self, forget_s: float) -> None:
        self._forget_s = forget_s
        self._staying: dict[int, Dweller] = {}

    def update(self, sightings: Iterable[Sighting], now_s: float) -> list[Dweller]:
        """Take what is seen now; return those who are there, the ones hidden for a moment too."""
        new = []
        for sighting in sightings:
            known = self._staying.get(sighting.track)
            if known is None:
                new.append(sighting)
            elif sighting.last_seen > known.seen_at:
                _move(known, sighting, now_s)
        for sighting in new:
            self._take_in(sighting, now_s)
        self._staying = {
            track: dweller for track, dweller in self._staying.items() if now_s - dweller.seen_s <= self._forget_s
        }
        return list(self._staying.values())

    def forget(self) -> None:
        """Begin anew: nobody looked for a long time."""
        self._staying.clear()

    def _take_in(self, sighting: Sighting, now_s: float) -> None:
        lost = [
            dweller
            for dweller in self._staying.values()
            if dweller.label == sighting.label and dweller.seen_at < sighting.first_seen and _is_near(dweller, sighting)
        ]
        if lost:
            same = max(lost, key=lambda dweller: dweller.seen_s)
            del self._staying[same.track]
            same.track = sighting.track
            _move(same, sighting, now_s)
            self._staying[sighting.track] = same
            return
        self._staying[sighting.track] = Dweller(
            track=sighting.track,
            label=sighting.label,
            score=sighting.score,
            box=sighting.box,
            anchor=sighting.box.foot,
            since_s=now_s,
            seen_s=now_s,
            seen_at=sighting.last_seen,
            still_since_s=now_s,
        )


def _move(dweller: Dweller, sighting: Sighting, now_s: float) -> None:
    dweller.box, dweller.score = sighting.box, sighting.score
    dweller.seen_s, dweller.seen_at = now_s, sighting.last_seen
    # Half its own height away from where it settled, it has moved: a box trembles by a tenth.
    if math.dist(dweller.anchor, dweller.foot) > 0.5 * (sighting.box.bottom - sighting.box.top):
        dweller.anchor, dweller.still_since_s = dweller.foot, now_s


def _is_near(dweller: Dweller, sighting: Sighting) -> bool:
    height = max(dweller.box.bottom - dweller.box.top, sighting.box.bottom - sighting.box.top)
    return math.dist(dweller.foot, sighting.box.foot) <= _NEAR_HEIGHTS * height
