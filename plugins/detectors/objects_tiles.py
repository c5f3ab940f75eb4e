"""Looks at a picture in parts, where people are small: each part is a picture of its own to the net."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...core import Box
from .objects_net import SIDE_PX, Found, suppressed

# Neighbours share this part of their width: who stands on a seam is whole in one of them.
OVERLAP = 0.25
# A box that ends at a seam is half a person; the neighbour has the whole one.
_SEAM_PX = 3
# A part that is made larger than this shows no more than the camera has seen.
_LEAST_SIDE_PX = SIDE_PX // 2
MOST_TILES = 4


class Net(Protocol):
    """What finds things in one picture."""

    def find(self, bgr: NDArray[np.uint8], labels: Sequence[int], *, min_score: float) -> list[Found]:
        """Return (label number, score, box)."""
        ...


def tiles_for(height_px: int, width_px: int, wanted: int) -> tuple[int, int]:
    """Return (rows, columns). ``wanted`` 0 chooses: parts about as large as the net's input, four a side at most."""
    if wanted:
        return wanted, wanted
    # As many as are needed for a part to be no larger than the net sees it, or hardly.
    needed = (math.ceil((side / (1.06 * SIDE_PX) - OVERLAP) / (1 - OVERLAP)) for side in (height_px, width_px))
    rows, columns = (max(1, min(MOST_TILES, count)) for count in needed)
    return rows, columns


def find_in_tiles(
    net: Net, bgr: NDArray[np.uint8], labels: Sequence[int], *, min_score: float, wanted: int
) -> list[Found]:
    """Return what the net finds in the whole picture and in its parts, each thing once, best first.

    ``bgr`` is uint8 [height, width, 3]. Large things are whole in the whole picture only, small ones are seen in a
    part only; of boxes of one label that overlap the best stays.
    """
    found = net.find(bgr, labels, min_score=min_score)
    height, width = bgr.shape[:2]
    rows, columns = tiles_for(height, width, wanted)
    if rows * columns == 1 or min(height / rows, width / columns) < _LEAST_SIDE_PX:
        return found
    for top, bottom in _spans(height, rows):
        for left, right in _spans(width, columns):
            for label, score, box in net.find(bgr[top:bottom, left:right], labels, min_score=min_score):
                placed = Box(
                    left=(left + box.left * (right - left)) / width,
                    top=(top + box.top * (bottom - top)) / height,
                    right=(left + box.right * (right - left)) / width,
                    bottom=(top + box.bottom * (bottom - top)) / height,
                )
                if not _is_cut(placed, (left, top, right, bottom), width, height):
                    found.append((label, score, placed))
    return suppressed(found)


def _spans(length: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield where each of some overlapping parts of a side begins and ends."""
    size = length / (count - (count - 1) * OVERLAP)
    for number in range(count):
        begin = number * size * (1 - OVERLAP)
        yield round(begin), min(length, round(begin + size))


def _is_cut(box: Box, tile: tuple[int, int, int, int], width: int, height: int) -> bool:
    left, top, right, bottom = tile
    return (
        (left > 0 and box.left * width < left + _SEAM_PX)
        or (top > 0 and box.top * height < top + _SEAM_PX)
        or (right < width and box.right * width > right - _SEAM_PX)
        or (bottom < height and box.bottom * height > bottom - _SEAM_PX)
    )
