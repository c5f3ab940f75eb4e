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
        if sum(part.area for part in parts) > _MOST_AREA or len(parts) > _MOST_PARTS:
            return self._whole(small, bgr, labels, min_score, now_s)
        found = [one for one in self._found if not any(one[2].share_in(part) > 0.5 for part in parts)]
        for part in parts:
            found += _in_part(self._net, bgr, part, labels, min_score)
            rows, columns = _span(part.top, part.bottom, small.shape[0]), _span(part.left, part.right, small.shape[1])
            self._looked[rows, columns] = small[rows, columns]
        self._found = suppressed(found)
        return self._found

    def _whole(
        self, small: NDArray[np.float32], bgr: NDArray[np.uint8], labels: Sequence[int], min_score: float, now_s: float
    ) -> list[Found]:
        self._looked, self._full_s = small.copy(), now_s
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

    def _parts(self, changed: NDArray[np.uint8]) -> list[Box]:
        """Return the parts to look at: changes with the things that they touch, apart from one another."""
        count, _, stats, _ = cv2.connectedComponentsWithStats(changed, connectivity=8)
        height, width = changed.shape
        parts: list[Box] = []
        for left, top, wide, high, _ in stats[1:count].tolist():
            part = Box(left=left / width, top=top / height, right=(left + wide) / width, bottom=(top + high) / height)
            for _, _, box in self._found:
                if _meet(part, box):
                    across, down = (box.right - box.left) * _AROUND_THING, (box.bottom - box.top) * _AROUND_THING
                    part = _union(part, _wider(box, across, down))
            parts.append(_fit(_wider(part, _AROUND, _AROUND)))
        return _apart(parts)


def _small(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows, columns = luma.shape
    width = min(_WIDTH, columns)
    small = cv2.resize(luma, (width, max(1, round(rows * width / columns))), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _in_part(net: Net, bgr: NDArray[np.uint8], part: Box, labels: Sequence[int], min_score: float) -> list[Found]:
    """Look at one part at the scale at which the whole picture would be looked at."""
    height, width = bgr.shape[:2]
    left, top = round(part.left * width), round(part.top * height)
    right, bottom = round(part.right * width), round(part.bottom * height)
    size = (round((part.right - part.left) * SIDE_PX), round((part.bottom - part.top) * SIDE_PX))
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


def _fit(part: Box) -> Box:
    """Return a part within the picture whose sides are whole steps of the net at the scale of the whole picture."""
    left, right = _fit_side(part.left, part.right)
    top, bottom = _fit_side(part.top, part.bottom)
    return Box(left=left, top=top, right=right, bottom=bottom)


def _fit_side(begin: float, end: float) -> tuple[float, float]:
    begin, end = max(0.0, begin), min(1.0, end)
    steps = math.ceil((end - begin) * SIDE_PX / _STEP_PX - 1e-9)
    side = min(1.0, max(_LEAST_PX, steps * _STEP_PX) / SIDE_PX)
    begin = min(max(0.0, (begin + end - side) / 2), 1.0 - side)
    return begin, begin + side


def _apart(parts: list[Box]) -> list[Box]:
    """Join parts that overlap, where that costs no more than both."""
    waiting, done = list(parts), list[Box]()
    while waiting:
        part = waiting.pop()
        for number, other in enumerate(done):
            joined = _fit(_union(part, other))
            if _meet(part, other) and joined.area <= 0.9 * (part.area + other.area):
                del done[number]
                waiting.append(joined)
                break
        else:
            done.append(part)
    return done


def _union(one: Box, other: Box) -> Box:
    return Box(
        left=min(one.left, other.left),
        top=min(one.top, other.top),
        right=max(one.right, other.right),
        bottom=max(one.bottom, other.bottom),
    )


def _wider(box: Box, across: float, down: float) -> Box:
    """Return a box with a margin around it, which may lie outside the picture."""
    return Box(left=box.left - across, top=box.top - down, right=box.right + across, bottom=box.bottom + down)


def _meet(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def _span(begin: float, end: float, side: int) -> slice:
    return slice(max(0, math.floor(begin * side)), math.ceil(end * side))
