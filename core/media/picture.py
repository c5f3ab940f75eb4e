"""How a picture leaves an eye: a JPEG, with boxes where something was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Box, Polygon, Struct

MAX_WIDTH_PX = 1280
QUALITY = 80
_BOX_BGR, _OTHER_BGR, _ZONE_BGR = (40, 80, 255), (200, 200, 60), (0, 215, 255)


class Mark(Struct):
    """Draw one box. ``is_cause`` stands out: it is what the event is about."""

    box: Box
    label: str = ""
    is_cause: bool = True


def encode(bgr: NDArray[np.uint8], width_px: int | None = None) -> bytes:
    """Return a JPEG, no wider than ``width_px``. An empty picture gives empty bytes."""
    if bgr.size == 0:
        return b""
    is_done, jpeg = cv2.imencode(".jpg", _fit(bgr, width_px), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes() if is_done else b""


def encode_marked(bgr: NDArray[np.uint8], marks: Sequence[Mark], zones: Mapping[str, Polygon]) -> bytes:
    """Return a JPEG with zone outlines and labelled boxes; the given picture is not changed."""
    if bgr.size == 0:
        return b""
    canvas = _fit(bgr, MAX_WIDTH_PX)
    if canvas is bgr:
        canvas = bgr.copy()
    height, width = canvas.shape[:2]
    for polygon in zones.values():
        corners = np.array([(round(x * width), round(y * height)) for x, y in polygon], np.int32)
        cv2.polylines(canvas, [corners], True, _ZONE_BGR, 1, cv2.LINE_AA)
    for mark in sorted(marks, key=lambda m: m.is_cause):
        _draw(canvas, mark)
    return encode(canvas)


def _draw(canvas: NDArray[np.uint8], mark: Mark) -> None:
    height, width = canvas.shape[:2]
    left, top = round(mark.box.left * width), round(mark.box.top * height)
    right, bottom = round(mark.box.right * width), round(mark.box.bottom * height)
    colour = _BOX_BGR if mark.is_cause else _OTHER_BGR
    cv2.rectangle(canvas, (left, top), (right, bottom), colour, 2)
    if not mark.label:
        return
    scale = max(0.4, width / 1600)
    (text_width, text_height), below = cv2.getTextSize(mark.label, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    foot = top - 3 if top > text_height + below + 3 else bottom + text_height + 3
    left = min(left, max(0, width - text_width))
    cv2.rectangle(canvas, (left, foot - text_height - 2), (left + text_width, foot + below), colour, cv2.FILLED)
    cv2.putText(canvas, mark.label, (left, foot), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)


def _fit(bgr: NDArray[np.uint8], width_px: int | None) -> NDArray[np.uint8]:
    height, width = bgr.shape[:2]
    if width_px is None or width <= width_px:
        return bgr
    to = (max(16, width_px), max(16, round(height * max(16, width_px) / width)))
    return np.asarray(cv2.resize(bgr, to, interpolation=cv2.INTER_AREA), np.uint8)
