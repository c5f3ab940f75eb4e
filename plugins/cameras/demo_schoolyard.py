"""The demo scene ``schoolyard``: a school at night, dim lamps, and somebody who crosses at known times."""

from __future__ import annotations

import cv2
import numpy as np

from .demo_canal import HEIGHT, WIDTH, Picture


class SchoolyardScene:
    """Draw the yard; the same time always gives the same picture."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def render(self, t_s: float) -> Picture:
        """Return the picture (BGR, 960×540) at a time of the scene."""
        picture = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
        cv2.circle(picture, (int(t_s * 60) % WIDTH, 300), 30, (120, 120, 120), -1)
        return picture
