"""A net that the operator brings: loaded, tried once on an empty picture, and read by its family."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...core import Box, PluginError, Texts, open_net
from .objects_heads import FAMILIES, WrongAnswers
from .objects_net import FAULTS, LABEL_COUNT, Found, first_line, suppressed

# In a picture of another shape the bars are of this grey, as the nets were trained.
_BARS = 114
# COCO's own numbers run to 90 and leave out ten: which of the 80 names each of them has.
_LEFT_OUT = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
COCO_NUMBERS = tuple(number for number in range(1, 91) if number not in _LEFT_OUT)


class Model:
    """Find things by a net of one family. ``names`` say what each class is called; None is one without a name.

    ``coco`` are the names of its 80 labels, for nets that know them.
    """

    def __init__(
        self,
        path: Path,
        family: str,
        size: tuple[int, int] | None,
        names: Sequence[str] | None,
        coco: Sequence[str],
    ) -> None:
        self._path, self._texts, self._coco = path, Texts(), tuple(coco)
        self._family, self._kind = FAMILIES[family], family
        if not path.is_file():
            raise PluginError(self._texts("objects.model.missing", file=path))
        try:
            self._session = open_net(path)
        except FAULTS as err:
            raise PluginError(self._texts("objects.model.not_onnx", file=path, why=first_line(err))) from err
        self._size = self._input_size(size)
        self.names = self._named(self._try_once(), names)

    def find(self, bgr: NDArray[np.uint8], labels: Sequence[int], *, min_score: float) -> list[Found]:
        """Return (class, score, box) of each thing, best first. ``bgr`` is uint8 [height, width, 3]."""
        if bgr.ndim != 3 or min(bgr.shape[:2]) < 16:
            return []
        shown, (left, top, across, down) = self._shown(bgr)
        seen = self._family.read(self._answers(shown), self._size, min_score)
        found: list[Found] = []
        for corners, score, number in zip(seen.corners, seen.scores, seen.classes, strict=True):
            if int(number) not in labels:
                continue
            sides = ((corners[0] - left) / across, (corners[1] - top) / down)
            ends = ((corners[2] - left) / across, (corners[3] - top) / down)
            x0, y0, x1, y1 = (min(1.0, max(0.0, float(side))) for side in (*sides, *ends))
            if x1 > x0 and y1 > y0:
                found.append((int(number), min(1.0, float(score)), Box(left=x0, top=y0, right=x1, bottom=y1)))
        return suppressed(found) if self._family.needs_suppression else found

    def _shown(self, bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[float, float, float, float]]:
        """Return what the net is shown, and where the picture lies in it: left, top, width, height in shares."""
        width, height = self._size
        if not self._family.is_letterboxed:
            return bgr, (0.0, 0.0, 1.0, 1.0)
        scale = min(width / bgr.shape[1], height / bgr.shape[0])
        across, down = max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale))
        left, top = (width - across) // 2, (height - down) // 2
        shown = np.full((height, width, 3), _BARS, np.uint8)
        shown[top : top + down, left : left + across] = cv2.resize(bgr, (across, down))
        return shown, (left / width, top / height, across / width, down / height)

    def _answers(self, shown: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        given: dict[str, Any] = {}
        for one in self._session.get_inputs():
            if len(one.shape) == 4:
                given[one.name] = self._family.prepare(shown, self._size)
            else:  # D-FINE and RT-DETR ask for the size in which boxes are to be told
                given[one.name] = np.array([self._size], np.int64)
        return [np.asarray(one, np.float32) for one in self._session.run(None, given)]

    def _input_size(self, asked: tuple[int, int] | None) -> tuple[int, int]:
        pictures = [one.shape for one in self._session.get_inputs() if len(one.shape) == 4]
        if len(pictures) != 1:
            shapes = ", ".join(str(one.shape) for one in self._session.get_inputs())
            raise PluginError(self._texts("objects.model.no_picture", file=self._path, found=shapes))
        shape = pictures[0]
        height, width = (shape[1], shape[2]) if shape[3] == 3 else (shape[2], shape[3])
        if isinstance(height, int) and isinstance(width, int):
            if asked is not None and asked != (width, height):
                raise PluginError(
                    self._texts("objects.model.size", file=self._path, wanted=f"{width} x {height}", given=list(asked))
                )
            return width, height
        if asked is None:
            raise PluginError(self._texts("objects.model.free_size", file=self._path))
        return asked

    def _try_once(self) -> int:
        """Ask it about a grey picture; return how many classes it knows, 0 where its answers do not show that."""
        empty = np.full((self._size[1], self._size[0], 3), _BARS, np.uint8)
        try:
            answers = self._answers(empty)
            self._family.read(answers, self._size, 0.0)
            return _class_count(self._kind, [one.shape for one in answers])
        except WrongAnswers as err:
            found, _, expected = str(err).partition("; ")
            words = {"file": self._path, "family": self._kind, "found": found, "expected": expected}
            raise PluginError(self._texts("objects.model.answers", **words)) from err
        except FAULTS as err:
            raise PluginError(self._texts("objects.model.fails", file=self._path, why=first_line(err))) from err

    def _named(self, count: int, names: Sequence[str] | None) -> tuple[str | None, ...]:
        if names is not None:
            if count and len(names) != count:
                raise PluginError(self._texts("objects.model.names", file=self._path, count=count, given=len(names)))
            return tuple(names)
        if count in (0, LABEL_COUNT):
            return self._coco
        if count in (90, 91):
            first = 0 if count == 91 else 1
            numbered = dict(zip(COCO_NUMBERS, self._coco, strict=True))
            return tuple(numbered.get(number) for number in range(first, first + count))
        raise PluginError(self._texts("objects.model.whose", file=self._path, count=count))


@lru_cache(maxsize=8)
def shared_model(
    path: str, family: str, size: tuple[int, int] | None, labels: str | None, coco: tuple[str, ...]
) -> Model:
    """Return this process's net of a file; loaded when first asked for. PluginError in words."""
    names = None
    if labels is not None:
        try:
            lines = Path(labels).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as err:
            raise PluginError(Texts()("objects.model.labels", file=labels, why=first_line(err))) from err
        names = [line.strip() for line in lines if line.strip()]
    return Model(Path(path), family, size, names, coco)


def _class_count(family: str, shapes: Sequence[tuple[int, ...]]) -> int:
    """Return how many classes the answers hold; 0 where they are finished boxes with a number each."""
    if family == "yolo":
        _, rows, columns = shapes[0]
        if columns == 6 and rows > 6:
            return 0
        return rows - 4 if rows < columns else columns - 5
    last = [shape[-1] for shape in shapes if len(shape) in (3, 4) and shape[-1] != 4]
    return last[0] if last else 0
