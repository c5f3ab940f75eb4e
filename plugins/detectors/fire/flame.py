"""What a flame does over some seconds that lamps, cloth and headlights do not, on a grid of small cells."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

# A cell is so many pixels of a picture that is 320 wide: a flame the size of a person's head at 20 m fills two.
CELL_PX = 8
# So much of the past is judged, at the five looks a second that the detector asks for.
WINDOW_S, LEAST_LOOKS = 4.0, 12
# A cell belongs to a place where flame colours come and go, or stay.
_SHARE = 0.12
_LEAST_CELLS = 2
# Flames have a core that is nearly white or yellow, at most looks; red cloth, brake lights and bricks have none.
_CORE_SHARE, _CORE_LOOKS = 0.06, 0.6
# Pixels that change sides between two looks, by the pixels that are there: a lamp's are few, a flame's many; and so at
# most looks, where somebody who passes a warm, bright wall changes it for a moment.
_RESTLESS, _ALWAYS, _RESTLESS_LOOKS = 0.25, 0.1, 0.6
# Brightness of a cell, standard deviation over the window, 0..255.
_FLICKER = 7.0
# How much of the cells' change is one common change: an exposure, a lamp that blinks, a fire's shine on a wall.
_COMMON = 0.8
# How often a cell's brightness crosses its mean, by look: a thing that passes crosses twice, a flame all the time, and
# what is drawn by chance at half of all looks.
_CROSSINGS = 0.3
# How far its middle travels over the window, by its own size: a flame burns where it burns.
_TRAVEL = 0.75

Grid = NDArray[np.float32]


class Flame(NamedTuple):
    """A place that behaves as a flame does: its box in cells (left, top, right, bottom), cells, and how surely 0..1."""

    box: tuple[int, int, int, int]
    cells: int
    score: float


class _Look(NamedTuple):
    at_s: float
    share: Grid  # of flame-coloured pixels in each cell
    core: Grid
    changed: Grid  # pixels that changed sides since the last look, as a share of the cell
    luma: Grid


class FlameWatch:
    """Remember some seconds of one camera and find what burns in them."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()
        self._mask: NDArray[np.uint8] | None = None

    def take(self, bgr: NDArray[np.uint8], at_s: float) -> None:
        """Take a look. ``bgr`` is uint8 [height, width, 3], about 320 pixels wide."""
        if self._mask is not None and self._mask.shape != bgr.shape[:2]:
            self.forget()
        mask, core = flame_masks(bgr)
        changed = _changed(mask, self._mask) if self._mask is not None else np.zeros_like(mask)
        self._mask = mask
        luma = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
        share, inside, moved = (_cells(one) / np.float32(255) for one in (mask, core, changed))
        self._looks.append(_Look(at_s, share, inside, moved, _cells(luma)))
        while self._looks and at_s - self._looks[0].at_s > WINDOW_S:
            self._looks.popleft()

    def forget(self) -> None:
        """Begin anew: another scene, or a time without pictures."""
        self._looks.clear()
        self._mask = None

    @property
    def has_colours(self) -> bool:
        """Say whether anything in the newest look has the colours of a flame."""
        return bool(self._looks) and bool((self._looks[-1].core > _CORE_SHARE).any())

    def flames(self) -> list[Flame]:
        """Return the places that behaved as flames over the whole window, the largest first."""
        looks = self._looks
        if len(looks) < LEAST_LOOKS or looks[-1].at_s - looks[0].at_s < 0.7 * WINDOW_S:
            return []
        share = np.stack([look.share for look in looks])
        places = (share.mean(axis=0) > _SHARE).astype(np.uint8)
        count, labels = cv2.connectedComponents(places, connectivity=8)
        found = []
        for number in range(1, count):
            flame = self._judge(labels == number, share)
            if flame is not None:
                found.append(flame)
        return sorted(found, key=lambda flame: -flame.cells)

    def _judge(self, cells: NDArray[np.bool_], share: Grid) -> Flame | None:
        size = int(cells.sum())
        if size < _LEAST_CELLS:
            return None
        core = np.stack([look.core[cells] for look in self._looks]).max(axis=1)
        luma = np.stack([look.luma[cells] for look in self._looks])
        changed = np.stack([look.changed[cells] for look in self._looks])[1:]
        there = share[:, cells]
        spread = luma.std(axis=0)
        common = float(luma.mean(axis=1).var() / max(1e-6, luma.var(axis=0).mean()))
        rest = np.sign(luma - luma.mean(axis=0))
        crossings = float((rest[1:] != rest[:-1]).mean(axis=0)[spread >= np.median(spread)].mean())
        moving = changed.sum(axis=1) / np.maximum(there[1:].sum(axis=1), 1e-6)
        evidence = (
            (float((moving > _ALWAYS).mean()), _RESTLESS_LOOKS),
            (float((core > _CORE_SHARE).mean()), _CORE_LOOKS),
            (float(changed.sum() / max(1e-6, there[1:].sum())), _RESTLESS),
            (float(np.quantile(spread, 0.75)), _FLICKER),
            (crossings, _CROSSINGS),
        )
        if any(value < least for value, least in evidence) or (size > _LEAST_CELLS and common > _COMMON):
            return None
        if self._travel(cells, share) > _TRAVEL:
            return None
        rows, columns = np.nonzero(cells)
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        margins = [min(1.0, value / (2 * least)) for value, least in evidence[2:]]
        return Flame(box, size, round(float(np.mean(margins)), 3))

    def _travel(self, cells: NDArray[np.bool_], share: Grid) -> float:
        """Return how far the middle moved from the first third of the window to the last, by the place's own size."""
        rows, columns = np.nonzero(cells)
        weights = share[:, cells]
        third = max(1, len(weights) // 3)
        middles = []
        for part in (weights[:third].sum(axis=0), weights[-third:].sum(axis=0)):
            total = max(1e-6, float(part.sum()))
            middles.append((float((columns * part).sum()) / total, float((rows * part).sum()) / total))
        size = max(2.0, float(np.sqrt(len(rows))))
        return float(np.hypot(middles[1][0] - middles[0][0], middles[1][1] - middles[0][1])) / size


def flame_masks(bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return (pixels with the colours of a flame, those of its core) as 0 and 255, uint8 [height, width].

    Flames go from red over yellow to nearly white: red is never less than green, green never less than blue (Çelik
    and Demirel, 2009, say as much in YCbCr).
    """
    blue, green, red = (bgr[..., channel] for channel in range(3))
    ordered = (red >= green) & (green >= blue)
    coloured = (red > 150) & ordered & (red.astype(np.int16) - blue > 45)
    # A white core belongs to a flame where it is wrapped in its colours.
    near = cv2.dilate(_as_mask(coloured), np.ones((5, 5), np.uint8)) > 0
    core = (red > 225) & (green > 150) & ordered & near
    return _as_mask(coloured | core), _as_mask(core)


def _changed(now: NDArray[np.uint8], before: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pixels that changed sides by more than a pixel's breadth: a camera that shakes moves every edge."""
    around = np.ones((3, 3), np.uint8)
    came = now & ~np.asarray(cv2.dilate(before, around), np.uint8)
    return came | (before & ~np.asarray(cv2.dilate(now, around), np.uint8))


def _as_mask(pixels: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return pixels.astype(np.uint8) * np.uint8(255)


def _cells(picture: NDArray[np.uint8]) -> Grid:
    height, width = (max(1, round(side / CELL_PX)) for side in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)
