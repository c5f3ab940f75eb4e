"""Looks only where a picture changed since that place was looked at last; what stands still keeps its box.

The net's time goes with the area that it is given. A place whose pixels are as they were when it was looked at holds
what it held then, so nothing is guessed: each change, however slow, is compared with the picture of that last look and
not with the picture before. The whole picture is looked at again after some seconds, and when much of it moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ...core import Box
from .objects_net import SIDE_PX, Found, suppressed

FULL_EVERY_S = 4.0
# Above this share of the picture parts cost as much as the whole.
_MOST_AREA, _MOST_PARTS = 0.55, 12
# Changes are looked for in a picture of this width; grey levels, and times the picture's own noise.
_WIDTH, _LEAST, _NOISES = 160, 9.0, 4.0
# A net wants to see what is around a thing: this share of the picture, and of the thing, on each side.
_AROUND, _AROUND_THING = 0.02, 0.15
_LEAST_PX, _STEP_PX = 64, 32
_SEAM_PX = 3
_KERNEL = np.ones((3, 3), np.uint8)

Part = tuple[float, float, float, float]  # left, top, right, bottom in shares of the picture


class Net(Protocol):
    """What finds things in one picture, at a size."""

    def find(
        self, bgr: NDArray[np.uint8], labels: Sequence[int], *, min_score: float, size: tuple[int, int] = ...
    ) -> list[Found]:
        """Return (label number, score, box)."""
        ...


class MotionLooks:
    """Hold what one camera showed where it was looked at last, and what was found there."""

    def __init__(self, net: Net) -> None:
        self._net = net
        self._looked: NDArray[np.float32] | None = None
        self._found: list[Found] = []
        self._full_s = float("-inf")
        self.share = 1.0  # of the picture that the last look gave to the net

    def find(
        self,
        luma: NDArray[np.uint8],
        bgr: NDArray[np.uint8],
        labels: Sequence[int],
        *,
        min_score: float,
        now_s: float,
    ) -> list[Found]:
        """Return what is in the picture now, best first; ``luma`` [height, width] and ``bgr`` are one picture."""
        if min(bgr.shape[:2]) < _LEAST_PX or luma.shape != bgr.shape[:2]:
            return self._net.find(bgr, labels, min_score=min_score)
        small = _small(luma)
        if self._looked is None or self._looked.shape != small.shape or not 0 <= now_s - self._full_s < FULL_EVERY_S:
            return self._whole(small, bgr, labels, min_score, now_s)
        parts = self._parts(self._changed(small, self._looked))
        self.share = sum((part[2] - part[0]) * (part[3] - part[1]) for part in parts)
        if self.share > _MOST_AREA or len(parts) > _MOST_PARTS:
            return self._whole(small, bgr, labels, min_score, now_s)
        found = [one for one in self._found if not any(_inside(one[2], part) > 0.5 for part in parts)]
        for part in parts:
            found += _in_part(self._net, bgr, part, labels, min_score)
            rows, columns = _span(part[1], part[3], small.shape[0]), _span(part[0], part[2], small.shape[1])
            self._looked[rows, columns] = small[rows, columns]
        self._found = suppressed(found)
        return self._found

    def _whole(
        self, small: NDArray[np.float32], bgr: NDArray[np.uint8], labels: Sequence[int], min_score: float, now_s: float
    ) -> list[Found]:
        self._looked, self._full_s, self.share = small.copy(), now_s, 1.0
        self._found = self._net.find(bgr, labels, min_score=min_score)
        return self._found

    @staticmethod
    def _changed(small: NDArray[np.float32], looked: NDArray[np.float32]) -> NDArray[np.uint8]:
        difference = small - looked
        # What all pixels have in common is the light, and no noise.
        noise = 1.4826 * float(np.median(np.abs(difference - np.median(difference))))
        changed = (np.abs(difference) > max(_LEAST, _NOISES * noise)).astype(np.uint8)
        # A speck is noise; a hand that moves is more.
        dense = cv2.boxFilter(changed, -1, (3, 3), normalize=False) >= 3
        return np.asarray(cv2.dilate(changed & dense.astype(np.uint8), _KERNEL), np.uint8)

    def _parts(self, changed: NDArray[np.uint8]) -> list[Part]:
        """Return the parts to look at: changes with the things that they touch, apart from one another."""
        count, _, stats, _ = cv2.connectedComponentsWithStats(changed, connectivity=8)
        height, width = changed.shape
        parts: list[Part] = []
        for left, top, wide, high, _ in stats[1:count].tolist():
            part = (left / width, top / height, (left + wide) / width, (top + high) / height)
            for _, _, box in self._found:
                if _meet(part, (box.left, box.top, box.right, box.bottom)):
                    across, down = (box.right - box.left) * _AROUND_THING, (box.bottom - box.top) * _AROUND_THING
                    part = _union(part, (box.left - across, box.top - down, box.right + across, box.bottom + down))
            parts.append(_fit((part[0] - _AROUND, part[1] - _AROUND, part[2] + _AROUND, part[3] + _AROUND)))
        return _apart(parts)


def _small(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows, columns = luma.shape
    width = min(_WIDTH, columns)
    small = cv2.resize(luma, (width, max(1, round(rows * width / columns))), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _in_part(net: Net, bgr: NDArray[np.uint8], part: Part, labels: Sequence[int], min_score: float) -> list[Found]:
    """Look at one part at the scale at which the whole picture would be looked at."""
    height, width = bgr.shape[:2]
    left, top = round(part[0] * width), round(part[1] * height)
    right, bottom = round(part[2] * width), round(part[3] * height)
    size = (round((part[2] - part[0]) * SIDE_PX), round((part[3] - part[1]) * SIDE_PX))
    across, down = right - left, bottom - top
    found = []
    for label, score, box in net.find(bgr[top:bottom, left:right], labels, min_score=min_score, size=size):
        placed = Box(
            left=(left + box.left * across) / width,
            top=(top + box.top * down) / height,
            right=(left + box.right * across) / width,
            bottom=(top + box.bottom * down) / height,
        )
        is_cut = (
            (left > 0 and box.left * across < _SEAM_PX)
            or (top > 0 and box.top * down < _SEAM_PX)
            or (right < width and (1 - box.right) * across < _SEAM_PX)
            or (bottom < height and (1 - box.bottom) * down < _SEAM_PX)
        )
        if not is_cut:
            found.append((label, score, placed))
    return found


def _fit(part: Part) -> Part:
    """Return a part within the picture whose sides are whole steps of the net at the scale of the whole picture."""
    left, right = _fit_side(part[0], part[2])
    top, bottom = _fit_side(part[1], part[3])
    return left, top, right, bottom


def _fit_side(begin: float, end: float) -> tuple[float, float]:
    begin, end = max(0.0, begin), min(1.0, end)
    steps = math.ceil((end - begin) * SIDE_PX / _STEP_PX - 1e-9)
    side = min(1.0, max(_LEAST_PX, steps * _STEP_PX) / SIDE_PX)
    begin = min(max(0.0, (begin + end - side) / 2), 1.0 - side)
    return begin, begin + side


def _apart(parts: list[Part]) -> list[Part]:
    """Join parts that overlap, where that costs no more than both."""
    waiting, done = list(parts), list[Part]()
    while waiting:
        part = waiting.pop()
        for number, other in enumerate(done):
            joined = _fit(_union(part, other))
            if _meet(part, other) and _area(joined) <= 0.9 * (_area(part) + _area(other)):
                del done[number]
                waiting.append(joined)
                break
        else:
            done.append(part)
    return done


def _area(part: Part) -> float:
    return (part[2] - part[0]) * (part[3] - part[1])


def _union(one: Part, other: Part) -> Part:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _meet(one: Part, other: Part) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _inside(box: Box, part: Part) -> float:
    """Return the share of a box that lies in a part."""
    across = min(box.right, part[2]) - max(box.left, part[0])
    down = min(box.bottom, part[3]) - max(box.top, part[1])
    return max(0.0, across) * max(0.0, down) / max((box.right - box.left) * (box.bottom - box.top), 1e-9)


def _span(begin: float, end: float, side: int) -> slice:
    return slice(max(0, math.floor(begin * side)), math.ceil(end * side))
