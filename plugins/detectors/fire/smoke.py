"""What smoke does to what stands behind it: it shows through, fainter and greyer, in a cloud that grows and rises."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

CELL_PX = 10
# The scene as it was, forgotten over a few minutes; what looks like smoke is kept out of it.
_LEARN = 0.01
_FIRST_LOOKS = 10
# A cell without structure shows nothing through; grey levels, variance.
_LEAST_VARIANCE = 25.0
# What is left of the structure: nothing less than this is a wall of something, nothing more is as before.
_THIN, _THICK = 0.9, 0.12
# It must be the same structure, fainter: a person before it is another one (Pearson's r).
_SAME = 0.55
# The veil's own brightness: darker than this is a shadow, brighter a lamp.
_DARK, _BRIGHT = 65.0, 250.0
# The veil takes colours away; 0..255 of saturation.
_GREY = 90.0
_LEAST_CELLS, _MOST_SHARE = 12, 0.65
WINDOW_S = 6.0
# It is there at most looks, changes shape all the time, and grows or has risen.
_THERE, _TURBULENT = 0.7, 0.03
# People who come and go replace what stands behind them: far more change than a veil makes.
_TOO_WILD = 0.3

Grid = NDArray[np.float32]


class Smoke(NamedTuple):
    """A cloud: its box in cells (left, top, right, bottom), cells, and how surely 0..1."""

    box: tuple[int, int, int, int]
    cells: int
    score: float


class _Look(NamedTuple):
    at_s: float
    veil: NDArray[np.bool_]
    left: Grid


class SmokeWatch:
    """Compare each look with the scene as it was, cell by cell."""

    def __init__(self) -> None:
        self._scene: Grid | None = None
        self._seen = 0
        self._looks: deque[_Look] = deque()

    def forget(self) -> None:
        """Begin anew."""
        self._scene, self._seen = None, 0
        self._looks.clear()

    def take(self, luma: NDArray[np.uint8], saturation: NDArray[np.uint8] | None, at_s: float) -> None:
        """Take a look. ``luma`` is uint8 [height, width], about 320 wide; ``saturation`` alike, None for grey."""
        now = luma.astype(np.float32)
        if self._scene is None or self._scene.shape != now.shape:
            self.forget()
            self._scene = now
        self._seen += 1
        if self._seen <= _FIRST_LOOKS:
            self._scene += (now - self._scene) / self._seen
            return
        left, veil = _through(self._scene, now)
        if saturation is not None:
            veil &= _means(saturation.astype(np.float32)) < _GREY
        self._looks.append(_Look(at_s, veil, left))
        while at_s - self._looks[0].at_s > WINDOW_S:
            self._looks.popleft()
        learn = np.where(veil, 0.0, _LEARN).astype(np.float32)
        shape = (self._scene.shape[1], self._scene.shape[0])
        self._scene += cv2.resize(learn, shape, interpolation=cv2.INTER_NEAREST) * (now - self._scene)

    def clouds(self) -> list[Smoke]:
        """Return the clouds that behaved as smoke over the whole window, the largest first."""
        looks = self._looks
        if len(looks) < _FIRST_LOOKS or looks[-1].at_s - looks[0].at_s < 0.7 * WINDOW_S:
            return []
        veils = np.stack([look.veil for look in looks])
        there = (veils.mean(axis=0) > _THERE).astype(np.uint8)
        if there.mean() > _MOST_SHARE:
            return []  # haze, rain on the lens, another exposure
        count, labels = cv2.connectedComponents(there, connectivity=8)
        found = [self._judge(labels == number, veils) for number in range(1, count)]
        return sorted((one for one in found if one is not None), key=lambda one: -one.cells)

    def _judge(self, cells: NDArray[np.bool_], veils: NDArray[np.bool_]) -> Smoke | None:
        size = int(cells.sum())
        if size < _LEAST_CELLS:
            return None
        left = np.stack([look.left[cells] for look in self._looks])
        turbulent = float(left.std(axis=0).mean())
        common = float(left.mean(axis=1).var() / max(1e-9, left.var(axis=0).mean()))
        if not _TURBULENT <= turbulent <= _TOO_WILD or common > 0.85:
            return None
        near = cv2.dilate(cells.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        third = max(1, len(veils) // 3)
        early, late = veils[:third][:, near].mean(), veils[-third:][:, near].mean()
        rows, columns = np.nonzero(cells)
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        # A cloud that neither grows nor stands tall is a patch of something else.
        if late < 1.05 * early and (box[3] - box[1]) < 1.2 * (box[2] - box[0]):
            return None
        return Smoke(box, size, round(min(1.0, turbulent / (3 * _TURBULENT)), 3))


def _through(scene: Grid, now: Grid) -> tuple[Grid, NDArray[np.bool_]]:
    """Return how much of each cell's structure is left, and which cells look as through a veil.

    A veil of brightness s that lets the share a through makes of each pixel a * scene + (1 - a) * s (Narasimhan and
    Nayar, 2002): a is the slope of now on the scene, s follows from the means.
    """
    mean_scene, mean_now = _means(scene), _means(now)
    variance = _means(scene * scene) - mean_scene**2
    variance_now = _means(now * now) - mean_now**2
    together = _means(scene * now) - mean_scene * mean_now
    left = together / np.maximum(variance, 1e-3)
    same = together / np.sqrt(np.maximum(variance * variance_now, 1e-3))
    own = (mean_now - left * mean_scene) / np.maximum(1.0 - left, 0.05)
    veil = (variance > _LEAST_VARIANCE) & (left > _THICK) & (left < _THIN) & (same > _SAME)
    veil &= (own > _DARK) & (own < _BRIGHT) & (np.abs(mean_now - mean_scene) > 3.0)
    return left.astype(np.float32), veil


def _means(picture: Grid) -> Grid:
    height, width = (max(1, round(side / CELL_PX)) for side in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)
