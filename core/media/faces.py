"""Finds faces so that they can be made unrecognisable: CenterFace on onnxruntime, once a process."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Box

# A wide picture is looked at in this width: a face of 12 pixels in it is one that somebody might know.
_WIDEST_PX, _STEP_PX, _STRIDE = 960, 32, 4
# Lower than for counting: a hand that is blurred harms nobody.
_SURE = 0.3
_MOST, _OVERLAP = 200, 0.4
# Hair and chin belong to a face that is to be hidden.
_MARGIN = 0.3
# So many blocks across a face: eyes and mouth are one colour.
_BLOCKS = 5


class FaceFinder:
    """Find faces in one picture. About 0.1 s of one core for 960 x 540."""

    def __init__(self, weights: bytes) -> None:
        # Most eyes hide nothing: the library is loaded where faces are looked for.
        from .nets import open_net

        self._session = open_net(weights)
        self._input: str = self._session.get_inputs()[0].name

    @staticmethod
    @lru_cache(maxsize=1)
    def shared() -> FaceFinder:
        """Return this process's finder; loaded when first asked for. OSError where the weights are gone."""
        return FaceFinder((resources.files(__package__) / "models" / "centerface.w16.onnx").read_bytes())

    def find(self, bgr: NDArray[np.uint8]) -> list[Box]:
        """Return where faces are, of uint8 BGR [height, width, 3]."""
        rows, columns = bgr.shape[:2]
        if min(rows, columns) < _STEP_PX:
            return []
        scale = min(1.0, _WIDEST_PX / columns)
        size = [max(_STEP_PX, round(side * scale / _STEP_PX) * _STEP_PX) for side in (columns, rows)]
        shown = cv2.cvtColor(cv2.resize(bgr, (size[0], size[1])), cv2.COLOR_BGR2RGB).astype(np.float32)
        heat, scales, offsets = self._session.run(None, {self._input: shown.transpose(2, 0, 1)[np.newaxis]})[:3]
        ys, xs = np.nonzero(heat[0, 0] > _SURE)
        order = np.argsort(-heat[0, 0, ys, xs])[:_MOST]
        ys, xs = ys[order], xs[order]
        high, wide = (np.exp(scales[0, axis, ys, xs]) * _STRIDE for axis in (0, 1))
        top = (ys + offsets[0, 0, ys, xs] + 0.5) * _STRIDE - high / 2
        left = (xs + offsets[0, 1, ys, xs] + 0.5) * _STRIDE - wide / 2
        boxes = np.stack((left, top, wide, high), axis=1)
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), heat[0, 0, ys, xs].tolist(), _SURE, _OVERLAP) if len(boxes) else []
        shares = boxes[np.asarray(kept, np.int64).reshape(-1)] / (size[0], size[1], size[0], size[1])
        return [_grown(*(float(side) for side in share)) for share in shares]


def hide(bgr: NDArray[np.uint8], boxes: list[Box]) -> None:
    """Make what stands in boxes unrecognisable, in place: few large blocks, as they cannot be sharpened again."""
    rows, columns = bgr.shape[:2]
    for box in boxes:
        left, right = int(box.left * columns), round(box.right * columns)
        top, bottom = int(box.top * rows), round(box.bottom * rows)
        part = bgr[top:bottom, left:right]
        if part.size:
            few = cv2.resize(part, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
            part[:] = cv2.resize(few, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_NEAREST)


def _grown(left: float, top: float, wide: float, high: float) -> Box:
    return Box(
        left=max(0.0, left - _MARGIN * wide),
        top=max(0.0, top - _MARGIN * high),
        right=min(1.0, left + (1 + _MARGIN) * wide),
        bottom=min(1.0, top + (1 + _MARGIN) * high),
    )
