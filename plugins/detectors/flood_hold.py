"""Holds a gauge's marks to the picture: a camera that shakes is followed, one that was turned is told as that."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .flood_watch import GaugeReading

Plane = NDArray[np.float32]
_WIDTH = 320
# Looks of which the reference is the mean: one alone may hold a bird.
_LOOKS = 5
# Shares of the picture: what a pole does in the wind is followed, what is further is another view.
_MOST = 0.03
# How alike the edges of two pictures are, -1 to 1: drawn scenes give 0.77 to 1 in all weathers and by infrared, another
# view of the same street 0.23 to 0.40. In between nothing is followed and nothing is told.
_ALIKE, _OTHER = 0.6, 0.42
# Rows just above the water tremble with it.
_ABOVE_WATER = 0.04
# With less of the picture dry there is nothing to hold on to; with less structure than this it cannot be told apart.
_LEAST_DRY, _LEAST_EDGES = 0.15, 0.35
_TURNED_LOOKS = 3


class Hold:
    """Compare the dry part of each picture with what it was when the watch began."""

    def __init__(self) -> None:
        self._sum: Plane | None = None
        self._looks = 0
        self._other_looks = 0

    def place(self, luma: NDArray[np.uint8], water_y: float | None) -> tuple[float, float] | None:
        """Return by how much the picture is shifted, shares of its sides; None where it shows another view.

        ``water_y`` is where the water stood last, a share of the height; None where that is not known.
        """
        edges = _edges(luma)
        dry = round(((water_y if water_y is not None else 1.0) - _ABOVE_WATER) * edges.shape[0])
        if self._sum is None or self._sum.shape != edges.shape:
            self._sum, self._looks = edges.copy(), 1
            return 0.0, 0.0
        if dry < _LEAST_DRY * edges.shape[0]:
            return 0.0, 0.0
        reference = np.asarray(self._sum / np.float32(self._looks), np.float32)
        shift, alike = _shift(reference[:dry], edges[:dry], edges.shape[0])
        if alike >= _ALIKE:
            self._other_looks = 0
            if self._looks < _LOOKS and max(map(abs, shift)) < 0.002:
                self._sum, self._looks = self._sum + edges, self._looks + 1
            return shift if max(map(abs, shift)) >= 0.0015 else (0.0, 0.0)
        has_edges = float(edges[:dry].mean()) >= _LEAST_EDGES * float(reference[:dry].mean())
        self._other_looks = self._other_looks + 1 if alike < _OTHER and has_edges else 0
        # Dark, fog, rain: the reader knows those by itself.
        return None if self._other_looks >= _TURNED_LOOKS else (0.0, 0.0)


def moved(luma: NDArray[np.uint8], shift: tuple[float, float]) -> NDArray[np.uint8]:
    """Return a picture as it would be without its shift."""
    if shift == (0.0, 0.0):
        return luma
    rows, columns = luma.shape
    back = np.array([[1, 0, -shift[0] * columns], [0, 1, -shift[1] * rows]], np.float32)
    return np.asarray(cv2.warpAffine(luma, back, (columns, rows), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def turned() -> GaugeReading:
    """Return the reading of a gauge that is not where it was marked."""
    return GaugeReading(level_cm=None, why="turned")


def _edges(luma: NDArray[np.uint8]) -> Plane:
    rows, columns = luma.shape
    width = min(_WIDTH, columns)
    small = cv2.resize(luma, (width, max(8, round(rows * width / columns))), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small.astype(np.float32), (0, 0), 1.2)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *way, ksize=3) for way in ((1, 0), (0, 1)))
    # Strong edges count little more than clear ones: a lamp at night outshines a street.
    return np.asarray(np.log1p(cv2.magnitude(across, down) / 8.0), np.float32)


def _shift(reference: Plane, edges: Plane, height: int) -> tuple[tuple[float, float], float]:
    """Return the shift (shares of width and height) at which two pictures are most alike, and how alike they are.

    Both are the upper part of pictures of ``height`` rows.
    """
    rows, columns = edges.shape
    reach = max(2, round(_MOST * columns))
    inner = edges[min(reach, rows // 4) : rows - min(reach, rows // 4), reach : columns - reach]
    found = cv2.matchTemplate(reference, np.ascontiguousarray(inner), cv2.TM_CCOEFF_NORMED)
    _, alike, _, (x, y) = cv2.minMaxLoc(found)
    middle_x, middle_y = reach, min(reach, rows // 4)
    fine_x = x + _between(found[y, :].tolist(), x)
    fine_y = y + _between(found[:, x].tolist(), y)
    return ((middle_x - fine_x) / columns, (middle_y - fine_y) / height), float(alike)


def _between(values: Sequence[float], at: int) -> float:
    """Return how far beside its best sample a peak lies, by the parabola through three."""
    if not 0 < at < len(values) - 1:
        return 0.0
    left, middle, right = float(values[at - 1]), float(values[at]), float(values[at + 1])
    bend = left - 2 * middle + right
    return 0.5 * (left - right) / bend if bend < -1e-9 else 0.0
