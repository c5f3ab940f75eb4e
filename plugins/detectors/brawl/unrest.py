"""How unrestful the movement before a camera is: three figures of two seconds, in body heights a second."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ....core import Box

Luma = NDArray[np.uint8]
Plane = NDArray[Any]

# Looks further apart than the longest step lose what jerks; closer together than the shortest, a packet came late.
LOOK_S, _SHORTEST_STEP_S, _LONGEST_STEP_S = 0.1, 0.04, 0.3
WINDOW_S = 2.0
# With fewer changes of movement than these nothing is said.
_LEAST_LOOKS = 7
# A body is looked at so many pixels tall where the picture allows it: smaller, its arms are lost in the smoothing of
# the flow; larger, the flow costs more and finds no more.
_BODY_PX, _WIDTHS_PX = 40, (128, 160, 192, 224)
# Speeds are compared within this part of a body height, places within that.
_LIMB, _TRUNK = 0.5, 0.6
# A standing body covers about a third of the square of its height.
_BODY_AREA = 0.35
# The share of the moments that are calmer than what is told, at one place and in the whole picture: one jolt of the
# mast, one jump, is no fight; in a fight even the calmer moments are unrestful.
_CALMER_HERE, _CALMER = 0.3, 0.2
# The whole picture's figure is what all but this share of it stays under.
_MOST = 0.98


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Hold what two seconds show, in body heights a second.

    ``unrest``: how much the movement of one place, as large as a body, changes from look to look, even in its calmer
    moments. ``jerk``: the same of the whole picture. ``pace``: how fast a trunk moves as a whole; who walks has much
    of it and little unrest. ``place``: where the unrest is the largest.
    """

    unrest: float
    jerk: float
    pace: float
    place: Box


@dataclass(frozen=True, kw_only=True)
class _Look:
    at_s: float
    changes: Plane  # [rows, columns] of cells
    jerk: float
    pace: float


class Unrest:
    """Follow the movement of one camera."""

    def __init__(self) -> None:
        self._height = 0.0
        self._before: Luma | None = None
        self._before_s = float("-inf")
        self._flow: Plane | None = None
        self._velocity: Plane | None = None
        # Two seconds, and a few looks more where a camera is fast.
        self._looks: deque[_Look] = deque(maxlen=40)

    def forget(self) -> None:
        """Begin anew with the next picture."""
        self._before = self._flow = self._velocity = None
        self._looks.clear()

    def take(self, luma: Luma, height: float, now_s: float) -> None:
        """Take a picture, uint8 [height, width]. ``height``: that of a person here, 0..1 of the picture's height."""
        if not 0.75 * height <= self._height <= 1.33 * height:
            # Figures in other body heights do not compare.
            self.forget()
            self._height = height
        step_s = now_s - self._before_s
        if self._before is not None and step_s < _SHORTEST_STEP_S:
            return
        small = _small(luma, self._height)
        before, self._before, self._before_s = self._before, small, now_s
        if before is None or before.shape != small.shape or step_s > _LONGEST_STEP_S:
            self.forget()
            self._before = small
            return
        body_px = max(4.0, self._height * small.shape[0])
        self._follow(_flow(before, small), body_px, step_s, now_s)

    def figures(self, now_s: float) -> Figures | None:
        """Return the figures of the last two seconds; None when too little was seen."""
        while self._looks and self._looks[0].at_s < now_s - WINDOW_S:
            self._looks.popleft()
        looks = [look for look in self._looks if look.changes.shape == self._looks[-1].changes.shape]
        if len(looks) < _LEAST_LOOKS:
            return None
        lasting = _calm(np.stack([look.changes for look in looks]), _CALMER_HERE)
        rows, columns = lasting.shape
        row, column = np.unravel_index(int(lasting.argmax()), lasting.shape)
        # Cells are an eighth of a body: as many as a body covers are as unrestful as this, or more.
        cells = min(lasting.size, max(1, round(_BODY_AREA * 64)))
        return Figures(
            unrest=float(np.partition(lasting.ravel(), -cells)[-cells]),
            jerk=float(np.quantile([look.jerk for look in looks], _CALMER)),
            pace=float(np.mean([look.pace for look in looks])),
            place=self._around((column + 0.5) / columns, (row + 0.5) / rows),
        )

    def _follow(self, flow: Plane, body_px: float, step_s: float, now_s: float) -> None:
        velocity = flow / (body_px * step_s)
        last, carried = self._velocity, self._flow
        self._velocity, self._flow = velocity, flow
        if last is None or carried is None:
            return
        change = _size(velocity - _carried(last, carried))
        near = cv2.blur(change, _square(_LIMB * body_px))
        trunk = _size(cv2.blur(velocity, _square(_TRUNK * body_px)))
        pixels = min(trunk.size - 1, max(3, int(0.3 * _BODY_AREA * body_px * body_px)))
        self._looks.append(
            _Look(
                at_s=now_s,
                changes=_cells(near, body_px),
                jerk=float(np.quantile(change, _MOST)),
                pace=float(np.partition(trunk.ravel(), -pixels)[-pixels]),
            )
        )

    def _around(self, x: float, y: float) -> Box:
        half = 0.6 * self._height
        aside = half * 0.75
        return Box(
            left=max(0.0, x - aside), top=max(0.0, y - half), right=min(1.0, x + aside), bottom=min(1.0, y + half)
        )


def _small(luma: Luma, height: float) -> Luma:
    rows, columns = luma.shape
    wanted = _BODY_PX / max(height, 0.02) * columns / rows
    width = min(columns, next((width for width in _WIDTHS_PX if width >= wanted), _WIDTHS_PX[-1]))
    size = (width, max(16, round(width * rows / columns)))
    small: Luma = cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return small


def _flow(before: Luma, now: Luma) -> Plane:
    """Return [height, width, 2] in pixels (G. Farnebäck, 2003), the movement of the camera itself taken off."""
    nothing: Any = None
    flow = cv2.calcOpticalFlowFarneback(before, now, nothing, 0.5, 3, 13, 2, 5, 1.1, 0)
    moved: Plane = flow - np.median(flow[::2, ::2].reshape(-1, 2), axis=0).astype(np.float32)
    return moved


def _carried(velocity: Plane, flow: Plane) -> Plane:
    """Return the last velocities where their bodies are now, so that who walks on evenly shows no change."""
    rows, columns = velocity.shape[:2]
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    return cv2.remap(velocity, x - flow[..., 0], y - flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _cells(plane: Plane, body_px: float) -> Plane:
    rows, columns = plane.shape
    size = (max(2, round(columns * 8 / body_px)), max(2, round(rows * 8 / body_px)))
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def _calm(planes: Plane, share: float) -> Plane:
    """Return at each place what only ``share`` of the moments stay under."""
    number = int(share * (len(planes) - 1))
    least: Plane = np.partition(planes, number, axis=0)[number]
    return least


def _size(vectors: Plane) -> Plane:
    return cv2.magnitude(np.ascontiguousarray(vectors[..., 0]), np.ascontiguousarray(vectors[..., 1]))


def _square(side_px: float) -> tuple[int, int]:
    side = max(3, int(side_px) | 1)
    return side, side
