"""How much of a picture moves, told apart from noise, slow drift and a change of light."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Struct

# Wide enough that a person at the far end of a street is ten pixels, small enough for 0.15 ms.
LOOK_WIDTH_PX = 160
# A changed pixel differs by this many grey levels and by so many times the noise of its place.
MIN_CHANGE, NOISE_TIMES = 14.0, 3.0
MAX_NOISE = 8.0
# The smallest thing that counts, as a share of the picture: 26 of 160 x 120 pixels.
MIN_AREA = 0.0013
# When more than this changes between two looks, it is the light; nothing that walks is so large.
LIGHT_SHARE = 0.45
# The same for a shift of the whole picture, in grey levels: no drift between two looks is so large.
LIGHT_SHIFT = 40.0
# Exposure settles within about a second after the light changed; changes meanwhile are its own.
SETTLE_S = 1.0
# The background follows drift in seconds; what stands still is taken in within about a minute.
_DRIFT_S, _TAKE_IN_S, _NOISE_S = 8.0, 40.0, 20.0

Grey = NDArray[np.float32]


class Motion(Struct):
    """Say what one look found. ``area`` is the moving share of the picture, 0..1."""

    area: float = 0.0
    is_light: bool = False

    @property
    def is_moving(self) -> bool:
        """Say whether something moves."""
        return self.area > 0.0


class MotionMeter:
    """Compare each look with a background that learns."""

    def __init__(self) -> None:
        self._background: Grey | None = None
        self._noise: Grey | None = None
        self._last_s = 0.0
        self._settled_s = -math.inf
        self._kernel = np.ones((3, 3), np.uint8)

    def measure(self, luma: NDArray[np.uint8], mono_s: float) -> Motion:
        """Look once. ``luma`` is uint8 [height, width]; looks may come at any interval."""
        if luma.ndim != 2 or min(luma.shape) < 16:
            return Motion()
        small = _shrink(luma)
        if self._background is None or self._noise is None or self._background.shape != small.shape:
            self._background, self._noise = small, np.full(small.shape, 2.0, np.float32)
            self._last_s = mono_s
            return Motion()
        passed_s, self._last_s = min(max(mono_s - self._last_s, 0.0), 10.0), mono_s
        change = small - self._background
        # Auto-exposure moves the whole picture a little; a lamp that lights everything alike moves it much.
        shift = _middle(change[::4, ::4])
        change -= shift
        size = np.abs(change, out=change)
        moving = (size > np.maximum(MIN_CHANGE, NOISE_TIMES * self._noise)).view(np.uint8)
        share = cv2.countNonZero(moving) / moving.size
        if share > LIGHT_SHARE or abs(shift) > LIGHT_SHIFT:
            self._background, self._settled_s = small, mono_s + SETTLE_S
            return Motion(is_light=True)
        self._learn(small, size, moving, passed_s)
        if mono_s < self._settled_s:
            self._background = small
            return Motion(is_light=True)
        return Motion(area=self._area(moving) if share >= MIN_AREA else 0.0)

    def _learn(self, small: Grey, size: Grey, moving: NDArray[np.uint8], passed_s: float) -> None:
        assert self._background is not None and self._noise is not None
        still = np.uint8(1) - moving
        cv2.accumulateWeighted(small, self._background, 1.0 - math.exp(-passed_s / _DRIFT_S), mask=still)
        cv2.accumulateWeighted(small, self._background, 1.0 - math.exp(-passed_s / _TAKE_IN_S), mask=moving)
        # A leaf in the wind makes its place noisy; the cap keeps a busy door from going blind.
        capped = np.minimum(size, np.float32(2.0 * MAX_NOISE))
        cv2.accumulateWeighted(capped, self._noise, 1.0 - math.exp(-passed_s / _NOISE_S))
        np.minimum(self._noise, np.float32(MAX_NOISE), out=self._noise)

    def _area(self, moving: NDArray[np.uint8]) -> float:
        # Closing joins the parts of one thing; single pixels stay below the smallest area.
        joined = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, self._kernel)
        # Labels of 16 bits suffice for so few pixels; those of 32 take OpenCV three times as long.
        _, _, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8, ltype=cv2.CV_16U)
        areas = boxes[1:, cv2.CC_STAT_AREA]
        return round(float(areas[areas >= MIN_AREA * moving.size].sum()) / moving.size, 4)


def _middle(sample: Grey) -> np.float32:
    """Return the median; a third of the time of numpy's, which also looks for what is no number."""
    values = sample.ravel()  # a copy, since the sample is a view with steps
    half = values.size // 2
    values.partition(half)
    middle: np.float32 = values[half]
    return middle


def _shrink(luma: NDArray[np.uint8]) -> Grey:
    height, width = luma.shape
    step = max(1, width // (2 * LOOK_WIDTH_PX))
    # Every second row is enough for an average over four: it halves the cost.
    rows = luma[::step]
    to = (min(LOOK_WIDTH_PX, width), max(8, round(height * min(LOOK_WIDTH_PX, width) / width)))
    small: Grey = cv2.resize(rows, to, interpolation=cv2.INTER_AREA).astype(np.float32)
    return small
