"""Whether a camera that showed colours has lost them for longer than any night lasts."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ...core import Frame

# Converting a picture costs a millisecond: once a minute is often enough for what takes a day.
EVERY_S = 60.0
# Jakarta's longest night has twelve hours and a half; dusk, dawn and a storm are grey as well.
LOST_AFTER_S = 20 * 3600.0
# The mean spread between a pixel's channels (0..255). Infrared and a broken chip give 0 to 2, a grey street 8.
_SPREAD = 4.0
# Nobody can tell a colour in the dark.
_DARK = 25.0
_EVERY_PX = 8


class Colours:
    """Follow one camera's colours; one that never showed any is a camera without."""

    def __init__(self) -> None:
        self._looked_s = float("-inf")
        self._has_seen = False
        self._grey_since_s: float | None = None
        self._told_s: float | None = None

    def take(self, frame: Frame, now_s: float) -> tuple[Literal["lost", "back"], float] | None:
        """Take a picture; return what has become certain by it, and for how many seconds it lasted."""
        if now_s < self._looked_s + EVERY_S:
            return None
        self._looked_s = now_s
        bgr = frame.colour()[::_EVERY_PX, ::_EVERY_PX]
        if bgr.ndim != 3 or bgr.size == 0 or float(bgr.mean()) < _DARK:
            return None
        spread = float((bgr.max(axis=2).astype(np.int16) - bgr.min(axis=2)).mean())
        return self._back(now_s) if spread >= _SPREAD else self._grey(now_s)

    def _back(self, now_s: float) -> tuple[Literal["back"], float] | None:
        told_s, self._told_s = self._told_s, None
        self._has_seen, self._grey_since_s = True, None
        return ("back", now_s - told_s) if told_s is not None else None

    def _grey(self, now_s: float) -> tuple[Literal["lost"], float] | None:
        if not self._has_seen or self._told_s is not None:
            return None
        self._grey_since_s = now_s if self._grey_since_s is None else self._grey_since_s
        if now_s - self._grey_since_s < LOST_AFTER_S:
            return None
        self._told_s = now_s
        return "lost", now_s - self._grey_since_s
