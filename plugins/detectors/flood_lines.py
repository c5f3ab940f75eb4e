"""How high the water stands where there is no gauge: which of some marked lines can still be seen.

A kerb, a step, a band of paint on a wall is an edge that runs along the line its operator drew. Water that stands
higher covers it: the edge is gone, and what lies there now has none along that line. No picture of the dry street is
needed, and so nothing is lost by a restart in the middle of a flood. The uppermost line never floods: while it cannot
be seen, nothing can be said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...core import Box
from .flood_watch import GaugeReading

Line = tuple[str, tuple[float, float], tuple[float, float], float]  # name, two points, centimetres
# A line shorter than this in pixels has too few places to be looked for at.
_LEAST_PX, _MOST_PLACES = 24, 96
# So far to each side of the line the two shades are taken, in shares of the picture's height; the line itself may lie
# off by as much again.
_REACH, _OFF = 0.012, 0.012
_DARK = 18.0
# Grey levels: a step between the two sides below this is noise. In dim light it counts by the picture's own range.
_STEP = 7.0
# Of the places along it that can be seen, so many must agree that there is an edge, and so few that there is none. In
# between lies what a calm puddle mirrors of the step above: it is not believed either way.
_SEEN, _GONE = 0.75, 0.35
# With more of a line hidden than this, by people or vehicles, nothing is said of it.
_HIDDEN = 0.6


class LineReader:
    """Read a street by lines of known heights; the last one by height is the one that stays dry."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = sorted(lines, key=lambda line: line[3])

    def read(self, luma: NDArray[np.uint8], hidden: Sequence[Box] = ()) -> GaugeReading:
        """Read one picture, uint8 [height, width]; ``hidden`` are boxes of those who stand before it."""
        if min(luma.shape) < 64 or any(_length(line, luma.shape) < _LEAST_PX for line in self._lines):
            return GaugeReading(level_cm=None, why="small")
        if np.percentile(luma, 90) < _DARK:
            return GaugeReading(level_cm=None, why="dark")
        smooth = cv2.GaussianBlur(luma, (3, 3), 0)
        low, high = np.percentile(smooth, (5, 95))
        step = _STEP * min(1.0, max(0.35, float(high - low) / 120.0))
        shares = [_share_seen(smooth, line, hidden, step) for line in self._lines]
        top = shares[-1]
        if top is None or top < _SEEN:
            # Fog, a lens that is wet, a picture that froze: or water above everything that was marked.
            return GaugeReading(level_cm=None, why="covered" if top is None else "unclear")
        return self._level(shares)

    def _level(self, shares: Sequence[float | None]) -> GaugeReading:
        """Return the highest line that is gone, where all that can be seen below it are gone as well."""
        below = list(zip(self._lines, shares, strict=True))[:-1]
        known = [(line, share) for line, share in below if share is not None]
        if not known:
            return GaugeReading(level_cm=None, why="covered")
        gone = [line for line, share in known if share <= _GONE]
        level_cm = max((line[3] for line in gone), default=0.0)
        # A line that is seen below one that is gone: somebody stands before it, or the line was drawn beside its edge.
        is_mixed = any(share >= _SEEN and line[3] < level_cm for line, share in known)
        is_sure = all(share >= _SEEN or share <= _GONE for _, share in known)
        clear = min(abs(share - (_SEEN + _GONE) / 2) * 2 for _, share in known)
        confidence = min(1.0, 0.4 + clear) * len(known) / len(below) if is_sure and not is_mixed else 0.2
        highest = max(gone, key=lambda line: line[3], default=None)
        mark = ((highest[1][0] + highest[2][0]) / 2, (highest[1][1] + highest[2][1]) / 2) if highest else None
        return GaugeReading(level_cm=level_cm, confidence=confidence, why="unclear", waterline=mark)


def _share_seen(luma: NDArray[Any], line: Line, hidden: Sequence[Box], step: float) -> float | None:
    """Return at which share of its places a line is an edge; None where most of it is hidden."""
    height, width = luma.shape
    _, begin, end, _ = line
    count = min(_MOST_PLACES, int(_length(line, luma.shape)))
    along = np.linspace(0.0, 1.0, count)[:, None]
    places = np.array(begin) + along * (np.array(end) - np.array(begin))
    free = np.array([not any(b.left <= x <= b.right and b.top <= y <= b.bottom for b in hidden) for x, y in places])
    if free.mean() < 1.0 - _HIDDEN:
        return None
    pixels = places[free] * (width, height)
    way = (np.array(end) - np.array(begin)) * (width, height)
    across = np.array((-way[1], way[0])) / np.hypot(*way)
    if across[1] < 0:
        across = -across  # downwards
    reach = max(2.0, _REACH * height)
    offsets = np.arange(-round(_OFF * height) - reach, round(_OFF * height) + reach + 1)
    sampled = pixels[:, None, :] + offsets[None, :, None] * across
    shades = cv2.remap(
        luma, sampled[..., 0].astype(np.float32), sampled[..., 1].astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)  # fmt: skip
    return _along(shades, round(reach), step)


def _along(shades: NDArray[np.float32], reach: int, step: float) -> float:
    """Return by what share of places an edge at one offset goes one way rather than the other.

    ``shades`` is [places, offsets]: each row a cut across the line.
    """
    sums = np.cumsum(np.pad(shades, ((0, 0), (1, 0))), axis=1)
    means = (sums[:, reach:] - sums[:, :-reach]) / reach
    steps = means[:, reach:] - means[:, :-reach]
    # Ripples step up here and down there; an edge steps one way all along.
    net = (steps >= step).mean(axis=0) - (steps <= -step).mean(axis=0)
    return float(np.abs(net).max())


def _length(line: Line, shape: tuple[int, ...]) -> float:
    height, width = shape
    return float(np.hypot((line[2][0] - line[1][0]) * width, (line[2][1] - line[1][1]) * height))
