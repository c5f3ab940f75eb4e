"""The two ways to see how high the water stands: a gauge that is held to the picture, or lines in a street."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...core import LookContext
from .flood_gauge import GaugePoint, GaugeReader
from .flood_hold import Hold, moved, turned
from .flood_lines import Line, LineReader
from .flood_watch import GaugeReading

# Water leaves a street over minutes.
FALLS_AFTER_S = 120.0


class GaugeView:
    """Read a gauge where it is now, also when the pole trembles; one that is elsewhere is not read."""

    def __init__(self, points: Sequence[GaugePoint], width: float, *, follows: bool) -> None:
        self._reader = GaugeReader(points, width)
        self._hold = Hold() if follows else None
        self._water_y: float | None = None

    def read(self, luma: NDArray[np.uint8], context: LookContext) -> GaugeReading:
        """Read one picture, uint8 [height, width]."""
        shift: tuple[float, float] | None = (0.0, 0.0)
        if self._hold is not None and min(luma.shape) >= 64:
            shift = self._hold.place(luma, self._water_y)
        if shift is None:
            return turned()
        reading = self._reader.read(moved(luma, shift))
        if reading.waterline is not None and reading.confidence >= 0.5:
            self._water_y = reading.waterline[1]
        return reading


class LinesView:
    """Read lines past those who stand before them; a level falls only when it has been lower for a while.

    Calm water mirrors the step above, and at one height the mirrored edge lies where a line was: as the water rises
    past that height the line seems to be dry again for some seconds.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._reader = LineReader(lines)
        self._highest = GaugeReading(level_cm=None)
        self._highest_s = 0.0

    def read(self, luma: NDArray[np.uint8], context: LookContext) -> GaugeReading:
        """Read one picture, uint8 [height, width]."""
        reading = self._reader.read(luma, [one.box for one in context.sightings])
        if reading.level_cm is None or reading.confidence < 0.5:
            return reading
        highest = self._highest.level_cm
        is_over = context.mono_s - self._highest_s >= FALLS_AFTER_S
        if highest is None or reading.level_cm >= highest or is_over:
            self._highest, self._highest_s = reading, context.mono_s
        return self._highest
