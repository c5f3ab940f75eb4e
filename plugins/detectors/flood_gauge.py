"""Where the water stands on a gauge in one picture, how sure that is, and when it cannot be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .flood_watch import GaugeReading

GaugePoint = tuple[float, float, float]

# Shorter than this in pixels a gauge has no rows to compare.
MIN_ROWS = 40
MAX_COLUMNS = 48
# Below this brightest tenth (0..255) a picture holds noise rather than a gauge.
_DARK = 18.0
# Rows at each end that cannot be the waterline: a side needs rows to be judged by.
_MARGIN_ROWS = 8
# What counts as nothing: 4 grey levels of brightness; the same in the scaled logarithm of structure is 2.
# They stand for sensor noise and compression, and keep a flat side from being infinitely likely.
_FLOOR = np.array([16.0, 4.0])
_STRUCTURE_SCALE, _STRUCTURE_NOISE = 20.0, 3.0
# Neighbouring rows repeat each other (marks, blur), so the likelihood of rows taken as independent is
# too sharp; it is divided by about the number of rows that say the same.
_ROWS_ALIKE = 8.0
# Share of the strip around the best split that counts as the same answer.
_SAME = 0.02
# What a true waterline gave on every picture tried, by day, night, rain, noise: a gain over "no
# waterline" of 0.4 and more (a dry or covered strip: under 0.2), and a step of 4 deviations and more.
_CLEAR_GAIN, _CLEAR_STEP = 0.4, 4.0
# A lens out of focus spreads the edge of the water over many rows; in focus a few hold all of it. A
# straight ramp gives 0.25: that is no edge at all.
_RAMP, _CLEAR_SHARPNESS = 0.25, 0.6


class GaugeReader:
    """Read one gauge, marked by two or more points with their centimetres.

    Two points do where the camera looks straight on; more follow the perspective. ``width`` is the
    strip's, as a share of the picture's width.

    Method: the strip is cut out straight, one row a pixel. Each row has two features: its brightness
    and its structure across the strip (marks and digits have it, water has less). Dry gauge above and
    water below are two Gaussian segments, each with its own linear trend (light falls off) and its own
    spread; the split with the highest likelihood is the waterline. How much likelier it is than no
    split, than the other splits, and how sharp the step is, make the confidence.
    """

    def __init__(self, points: Sequence[GaugePoint], width: float) -> None:
        self._points = sorted(points, key=lambda point: -point[2])
        self._width = width
        self._size = (0, 0)
        self._maps: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._cm: NDArray[np.float64] = np.zeros(0)
        self._line: NDArray[np.float64] = np.zeros((0, 2))

    def read(self, luma: NDArray[np.uint8]) -> GaugeReading:
        """Read one picture (uint8, height × width)."""
        if luma.shape != self._size:
            self._prepare(luma.shape[0], luma.shape[1])
        if self._maps is None:
            return GaugeReading(level_cm=None, why="small")
        strip = cv2.remap(luma, *self._maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if np.percentile(strip, 90) < _DARK:
            return GaugeReading(level_cm=None, why="dark")
        rows = _features(strip)
        split, gain, share = _best_split(rows)
        step, sharpness = _step(rows, split)
        focus = float(np.clip((sharpness - _RAMP) / (_CLEAR_SHARPNESS - _RAMP), 0, 1))
        confidence = share * focus * min(1.0, gain / _CLEAR_GAIN) * min(1.0, step / _CLEAR_STEP)
        if gain < _CLEAR_GAIN / 2:
            return GaugeReading(level_cm=None, confidence=confidence, why="covered")
        level_cm = float(self._cm[split - 1] + self._cm[split]) / 2
        x, y = self._line[split]
        return GaugeReading(level_cm=level_cm, confidence=confidence, waterline=(float(x), float(y)))

    def _prepare(self, height: int, width: int) -> None:
        self._size, self._maps = (height, width), None
        corners = np.array([(x * width, y * height) for x, y, _ in self._points])
        along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))))
        count = int(along[-1])
        if count < MIN_ROWS:
            return
        at = np.linspace(0, along[-1], count)
        x, y, self._cm = (np.interp(at, along, v) for v in (*corners.T, [p[2] for p in self._points]))
        self._line = np.stack((x / width, y / height), axis=1)
        lead_x, lead_y = (corners[-1] - corners[0]) / np.hypot(*(corners[-1] - corners[0]))
        strip_px = self._width * width
        across = np.linspace(-0.5, 0.5, int(np.clip(strip_px, 6, MAX_COLUMNS))) * strip_px
        # Pixel centres lie half a pixel inside the fractions' grid.
        map_x = x[:, None] - across * lead_y - 0.5
        map_y = y[:, None] + across * lead_x - 0.5
        self._maps = map_x.astype(np.float32), map_y.astype(np.float32)


def _features(strip: NDArray[Any]) -> NDArray[np.float64]:
    """Return brightness and structure of each row."""
    smooth = cv2.GaussianBlur(strip.astype(np.float32), (3, 3), 0)
    structure = _STRUCTURE_SCALE * np.log(smooth.std(axis=1) + _STRUCTURE_NOISE)
    return np.stack((np.median(smooth, axis=1), structure), axis=1).astype(np.float64)


def _best_split(rows: NDArray[np.float64]) -> tuple[int, float, float]:
    """Return the first row of the water, the gain a row over no split, and the share of likelihood there."""
    count = len(rows)
    spread = _TrendSpread(rows)
    splits = np.arange(_MARGIN_ROWS, count - _MARGIN_ROWS)
    starts, ends = np.zeros_like(splits), np.full_like(splits, count)
    above = spread.log(starts, splits) * splits
    below = spread.log(splits, ends) * (count - splits)
    cost = (above + below) / 2
    best = int(np.argmin(cost))
    whole = float(spread.log(np.array([0]), np.array([count]))[0]) * count / 2
    weight = np.exp((cost[best] - cost) / _ROWS_ALIKE)
    near = 1 + int(_SAME * count)
    share = weight[max(0, best - near) : best + near + 1].sum() / weight.sum()
    return int(splits[best]), (whole - float(cost[best])) / count, float(share)


class _TrendSpread:
    """Give the spread of any stretch of rows around its own straight line, from running sums."""

    def __init__(self, rows: NDArray[np.float64]) -> None:
        at = np.arange(len(rows), dtype=np.float64)[:, None]
        parts = (np.ones_like(at), at, at * at, rows, rows * rows, rows * at)
        self._sums = [np.concatenate((np.zeros((1, part.shape[1])), np.cumsum(part, axis=0))) for part in parts]

    def log(self, start: NDArray[np.int_], end: NDArray[np.int_]) -> NDArray[np.float64]:
        """Return the sum over the features of the log variance of ``rows[start:end]``."""
        n, t, tt, y, yy, ty = (total[end] - total[start] for total in self._sums)
        variance = yy - y * y / n
        covered = ty - t * y / n
        explained = covered * covered / np.maximum(tt - t * t / n, 1e-9)
        residual: NDArray[np.float64] = np.maximum(variance - explained, 0) / n
        return np.asarray(np.log(residual + _FLOOR).sum(axis=1), dtype=np.float64)


def _step(rows: NDArray[np.float64], split: int) -> tuple[float, float]:
    """Return how far the rows just above and just below lie apart, in deviations, and how sharp that is.

    Sharp: the share of the way that a few rows take. Both are of the feature that steps more.
    """
    reach, few = max(6, len(rows) // 12), 2 + len(rows) // 200
    above, below = rows[max(0, split - 1 - reach) : split - 1], rows[split + 1 : split + 1 + reach]
    way = np.abs(above.mean(axis=0) - below.mean(axis=0))
    steps = way / np.sqrt((above.var(axis=0) + below.var(axis=0)) / 2 + _FLOOR)
    feature = int(np.argmax(steps))
    near = rows[max(0, split - 3 * few) : split + 3 * few, feature]
    change = float(np.abs(near[2 * few :] - near[: -2 * few]).max())
    return float(steps[feature]), change / max(float(way[feature]), 1e-9)
