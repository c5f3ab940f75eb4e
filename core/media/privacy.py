"""What of a camera's picture nobody is to see: parts that are covered before anybody looks, faces before it leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from ..settings import PrivacySettings
from ..tasks import Crash, fenced_call
from ..types import Box, Frame
from .faces import FaceFinder, hide

logger = logging.getLogger(__name__)
# A grey that is no street: it is seen that something is covered.
_COVER = 40


class Privacy:
    """Hold one camera's masks, and whether faces are hidden. ``why_not``: why faces cannot be found here."""

    def __init__(self, settings: PrivacySettings, find: Callable[[NDArray[np.uint8]], list[Box]] | None = None) -> None:
        self._settings = settings
        self._find = find or (lambda bgr: FaceFinder.shared().find(bgr))
        self.why_not = ""

    @property
    def off(self) -> dict[str, str]:
        """Return what cannot be hidden here, with the reason, as detectors that are off are told."""
        return {"privacy": self.why_not} if self.why_not else {}

    def veiled(self, frame: Frame) -> Frame:
        """Return a frame whose masked parts are covered, for detectors and pictures alike."""
        masks = self._settings.masks
        if not masks:
            return frame
        luma = frame.luma.copy()
        luma[cover(masks, luma.shape[0], luma.shape[1])] = _COVER

        def colour() -> NDArray[np.uint8]:
            bgr = frame.colour().copy()
            if bgr.size:
                bgr[cover(masks, bgr.shape[0], bgr.shape[1])] = _COVER
            return bgr

        return msgspec.structs.replace(frame, luma=luma, colour=colour)

    def fit_to_leave(self, bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture whose faces are hidden where that is asked for; the given one is not changed.

        Where faces cannot be looked for, nothing in it may be recognised: the whole picture becomes blocks.
        """
        if not self._settings.hides_faces or bgr.size == 0:
            return bgr
        shown = bgr.copy()
        found = fenced_call(lambda: self._find(shown))
        if isinstance(found, Crash):
            if not self.why_not:
                logger.error("faces cannot be hidden, pictures are sent as blocks: %s", found)
            self.why_not = str(found)
            few = cv2.resize(shown, (32, 18), interpolation=cv2.INTER_AREA)
            return np.asarray(cv2.resize(few, shown.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
        self.why_not = ""
        hide(shown, found)
        return shown


@lru_cache(maxsize=256)
def cover(masks: tuple[tuple[tuple[float, float], ...], ...], rows: int, columns: int) -> NDArray[np.bool_]:
    """Return which pixels of a picture the masks cover."""
    drawn: NDArray[np.uint8] = np.zeros((rows, columns), np.uint8)
    for mask in masks:
        corners = np.array([(round(x * columns), round(y * rows)) for x, y in mask], np.int32)
        cv2.fillPoly(drawn, [corners], 1)
    return drawn.astype(np.bool_)
