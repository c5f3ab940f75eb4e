"""Finds lines of text in a vehicle's picture and reads a plate in them; the nets are those that rapidocr brings.

PP-OCR's detector is a text map by differentiable binarisation (Liao and others, AAAI 2020), its reader a CTC net. Only
their files are taken from the package: what its own pipeline does beside them is for pages.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ....core import open_net
from .grammar import Plate, most_likely, weights

Picture = NDArray[np.uint8]
_READER, _FINDER = "PP-OCRv6_rec_small.onnx", "PP-OCRv6_det_small.onnx"
# The reader's own height; a plate that is narrower than this shows no letters.
_HEIGHT, _LEAST_WIDTH, _WIDEST = 48, 24, 640
# Month and year stand below the number: they are cut off.
_NUMBER_TO = 0.74
_MEAN, _SPREAD = np.array((0.485, 0.456, 0.406), np.float32), np.array((0.229, 0.224, 0.225), np.float32)
_SURE_TEXT, _LEAST_TEXT = 0.3, 8
# So much of a region's height is put around it again, and so many heights may lie between two words of a plate.
_GROW, _WORD_GAP = 0.7, 1.5
_SHAPES = (1.8, 9.0)
_MOST_LINES = 8
Place = tuple[int, int, int, int]  # left, top, right, bottom in pixels
Line = tuple[float, float, float, float]


class Nets(NamedTuple):
    """Hold what was loaded once a process: two sessions, and the reader's signs with their weights."""

    reader: Any
    finder: Any
    blank: tuple[int, ...]
    weights: NDArray[np.float32]


@cache
def load_nets() -> Nets:
    """Load both nets. ModuleNotFoundError without rapidocr, FileNotFoundError where it brings other nets."""
    found = importlib.util.find_spec("rapidocr")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("rapidocr", name="rapidocr")
    models = Path(found.origin).parent / "models"
    for name in (_READER, _FINDER):
        if not (models / name).is_file():
            raise FileNotFoundError(2, "no such model", str(models / name))
    reader, finder = open_net(models / _READER), open_net(models / _FINDER)
    signs = ["", *reader.get_modelmeta().custom_metadata_map["character"].split("\n"), " "]
    return Nets(reader, finder, (0, signs.index(" ", 1)), weights(signs))


def read_plate(nets: Nets, crop: Picture) -> Plate | None:
    """Read one plate, uint8 BGR [height, width, 3], cut out closely; None where no plate can be read."""
    if min(crop.shape[:2]) < 8 or crop.shape[1] < _LEAST_WIDTH:
        return None
    return read_line(nets, crop[: max(8, round(crop.shape[0] * _NUMBER_TO))])


def read_line(nets: Nets, crop: Picture) -> Plate | None:
    """Read the one line of a plate that holds its number."""
    if min(crop.shape[:2]) < 6 or crop.shape[1] < _LEAST_WIDTH:
        return None
    line = _dark_on_light(crop)
    width = min(_WIDEST, max(_HEIGHT, round(line.shape[1] * _HEIGHT / line.shape[0])))
    way = cv2.INTER_AREA if line.shape[0] > _HEIGHT else cv2.INTER_CUBIC
    small = cv2.resize(line, (width, _HEIGHT), interpolation=way).astype(np.float32) / 127.5 - 1.0
    (told,) = nets.reader.run(None, {nets.reader.get_inputs()[0].name: np.repeat(small[None, None], 3, axis=1)})
    columns = told[0]
    return most_likely(columns @ nets.weights, columns[:, list(nets.blank)].sum(axis=1))


def plates_in(nets: Nets, picture: Picture) -> Iterator[tuple[Plate, Place]]:
    """Yield the plates in a vehicle's picture, with where they are in pixels of it."""
    rows, columns = picture.shape[:2]
    if rows and _SHAPES[0] <= columns / rows <= _SHAPES[1]:
        # So wide a picture is a plate itself, or a car whose plate the lines below find as well.
        plate = read_plate(nets, picture)
        if plate is not None:
            yield plate, (0, 0, columns, rows)
    for place in _lines(nets, picture):
        left, top, right, bottom = place
        plate = read_line(nets, picture[top:bottom, left:right])
        if plate is not None:
            yield plate, place


def _dark_on_light(crop: Picture) -> Picture:
    """Return a grey line whose letters are dark, with the whole range of greys: old plates are light on dark."""
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) if crop.ndim == 3 else crop
    low, high = np.percentile(grey, (2, 98))
    wide = np.clip((grey.astype(np.float32) - low) * 255.0 / max(float(high - low), 20.0), 0, 255).astype(np.uint8)
    middle = wide[wide.shape[0] // 6 : wide.shape[0] * 3 // 4]
    limit, _ = cv2.threshold(middle, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    is_dark_ground = float((middle <= limit).mean()) > 0.5
    return np.asarray(255 - wide if is_dark_ground else wide, np.uint8)


def _lines(nets: Nets, picture: Picture) -> list[Place]:
    """Return where lines of text stand that are shaped as a plate's number is, the lowest first."""
    rows, columns = picture.shape[:2]
    if min(rows, columns) < 32:
        return []
    scale = min(1.0, _WIDEST / max(rows, columns))
    size = [max(32, round(side * scale / 32) * 32) for side in (columns, rows)]
    small = cv2.resize(picture, (size[0], size[1])).astype(np.float32) / 255.0
    given = ((small - _MEAN) / _SPREAD).transpose(2, 0, 1)[None]
    (told,) = nets.finder.run(None, {nets.finder.get_inputs()[0].name: given})
    text = told[0, 0]
    count, _, stats, _ = cv2.connectedComponentsWithStats((text > _SURE_TEXT).astype(np.uint8))
    words = []
    for left, top, wide, high, pixels in stats[1:count].tolist():
        if pixels >= _LEAST_TEXT and high >= 3:
            # The map's regions are shrunk towards the middle of the letters.
            grow = _GROW * min(wide, high)
            words.append((left - grow, top - grow, left + wide + grow, top + high + grow))
    across, down = columns / text.shape[1], rows / text.shape[0]
    found = []
    for line in _joined(words):
        if _SHAPES[0] <= (line[2] - line[0]) / (line[3] - line[1]) <= _SHAPES[1]:
            left, top, right, bottom = line[0] * across, line[1] * down, line[2] * across, line[3] * down
            found.append((max(0, int(left)), max(0, int(top)), min(columns, round(right)), min(rows, round(bottom))))
    return sorted(found, key=lambda place: -place[3])[:_MOST_LINES]


def _joined(words: list[Line]) -> list[Line]:
    """Join words of one line: area, number and series of a plate stand wide apart."""
    lines: list[Line] = []
    for word in sorted(words):
        for number, line in enumerate(lines):
            high, tall = word[3] - word[1], line[3] - line[1]
            is_level = abs(word[1] + word[3] - line[1] - line[3]) < min(high, tall)
            is_alike = 0.55 <= high / tall <= 1.8
            if is_level and is_alike and word[0] - line[2] < _WORD_GAP * max(high, tall):
                lines[number] = (
                    line[0],
                    min(line[1], word[1]),
                    max(line[2], word[2]),
                    max(line[3], word[3]),
                )
                break
        else:
            lines.append(word)
    return lines
