"""The demo scene ``canal``: a kali between concrete walls, a staff gauge, and water whose level is known."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

WIDTH, HEIGHT = 960, 540
# The gauge in the picture: the row of 0 cm and of 300 cm, and the columns it covers.
ZERO_Y, TOP_Y, TOP_CM = 508, 88, 300
GAUGE_LEFT, GAUGE_RIGHT = 556, 590
PERIOD_S = 150.0
_ROAD_Y, _WALL_Y = 52, 70
# Seconds and centimetres. The example rules need Siaga 3 (150 cm) near 20 s and Siaga 2 (200 cm) near 32 s.
_COURSE = ((0, 100), (8, 102), (20, 152), (32, 203), (44, 230), (62, 229), (92, 165), (122, 108), (150, 100))


def canal_level_cm(t_s: float) -> float:
    """Return the true water level at a time of the scene, without the ripples (under 1 cm)."""
    times, levels = zip(*_COURSE, strict=True)
    return float(np.interp(t_s % PERIOD_S, times, levels))


class CanalScene:
    """Draw the canal; the same time always gives the same picture."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._dry = self._draw_dry()
        # What the water mirrors: the wall upside down, out of focus, in the water's colour.
        self._mirror = cv2.GaussianBlur(self._dry, (0, 0), 2.2)
        self._waves = [_waves(self._random, stretch) for stretch in (9, 5)]
        self._depth = np.linspace(0.25, 1.0, HEIGHT, dtype=np.float32)[:, None]
        self._litter = [(float(self._random.uniform(0, 1)), float(self._random.uniform(0.2, 0.9))) for _ in range(5)]

    def render(self, t_s: float) -> Picture:
        """Return the picture (BGR, 960×540) at a time of the scene."""
        picture = self._dry.copy()
        ripple_px = 0.7 * np.sin(t_s * 2.1) + 0.4 * np.sin(t_s * 3.7 + 1)
        line_y = _row(canal_level_cm(t_s)) + ripple_px
        top = int(np.floor(line_y))
        water = self._water(t_s, top)
        picture[top:] = water
        share = line_y - top  # the waterline lies between two rows: mix them
        picture[top] = (share * self._dry[top] + (1 - share) * water[0]).astype(np.uint8)
        self._float_litter(picture, t_s, top)
        return picture

    def _water(self, t_s: float, top: int) -> Picture:
        rows = np.arange(top, HEIGHT)
        wobble = (2.5 * np.sin(rows * 0.55 - t_s * 4) + 1.5 * np.sin(rows * 0.21 + t_s * 2.3)) * self._depth[top:, 0]
        mirrored = self._mirror[np.clip(2 * top - rows + wobble, 0, HEIGHT - 1).astype(np.int32)]
        near, far = self._waves
        shift_a, shift_b = int(t_s * 34) % WIDTH, int(t_s * 21) % WIDTH
        waves = cv2.addWeighted(
            near[top:, shift_a : shift_a + WIDTH], 0.5, far[top:, shift_b : shift_b + WIDTH], 0.5, 0
        )
        water = cv2.addWeighted(mirrored, 0.22, waves, 0.78, 0)
        # Under the wall the water is darker, and its edge has a thin bright rim.
        rim = water[: min(7, len(water))]
        rim[:] = (rim * np.linspace(0.62, 0.95, len(rim))[:, None, None]).astype(np.uint8)
        return water  # type: ignore[return-value]

    def _float_litter(self, picture: Picture, t_s: float, top: int) -> None:
        for place, depth in self._litter:
            y = int(top + 14 + depth * (HEIGHT - top - 20))
            x = int((place * WIDTH * 1.3 + t_s * (18 + 22 * depth)) % (WIDTH + 80)) - 40
            size = int(3 + 6 * depth)
            cv2.ellipse(picture, (x, y), (size + 4, max(2, size // 3)), 8, 0, 360, (60, 78, 66), -1, cv2.LINE_AA)
            cv2.ellipse(picture, (x + 1, y - 1), (size, max(1, size // 4)), 8, 0, 360, (120, 150, 138), -1, cv2.LINE_AA)

    def _draw_dry(self) -> Picture:
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        self._draw_far_bank(picture)
        self._draw_wall(picture)
        _draw_gauge(picture)
        return picture

    def _draw_far_bank(self, picture: Picture) -> None:
        picture[: _ROAD_Y + 4] = np.linspace((226, 214, 198), (206, 210, 206), _ROAD_Y + 4)[:, None]
        x = -20
        while x < WIDTH:  # kampung houses with tin and tile roofs
            wide, high = int(self._random.integers(60, 120)), int(self._random.integers(16, 34))
            paint = [int(c) for c in self._random.integers(120, 205, 3)]
            roof = [(60, 84, 140), (104, 110, 118), (72, 92, 120)][int(self._random.integers(3))]
            cv2.rectangle(picture, (x, _ROAD_Y - high), (x + wide, _ROAD_Y + 4), paint, -1)
            eaves = [(x - 5, _ROAD_Y - high), (x + wide + 5, _ROAD_Y - high), (x + wide // 2, _ROAD_Y - high - 13)]
            cv2.fillPoly(picture, [np.array(eaves)], roof, cv2.LINE_AA)
            for window in range(x + 10, x + wide - 14, 26):
                cv2.rectangle(
                    picture, (window, _ROAD_Y - high + 7), (window + 9, _ROAD_Y - high + 15), (70, 62, 54), -1
                )
            x += wide + int(self._random.integers(4, 40))
        for _ in range(260):  # trees between the houses
            x, y = int(self._random.normal(self._random.choice((90, 430, 820)), 34)), int(self._random.normal(26, 11))
            green = int(self._random.integers(60, 120))
            cv2.circle(picture, (x, y), int(self._random.integers(4, 10)), (48, green, green // 2), -1, cv2.LINE_AA)
        cv2.rectangle(picture, (0, _ROAD_Y), (WIDTH, _WALL_Y), (136, 146, 150), -1)  # the path along the kali
        for x in range(0, WIDTH, 48):  # and its railing
            cv2.line(picture, (x, _ROAD_Y - 12), (x, _WALL_Y - 2), (92, 128, 64), 3)
        for y in (_ROAD_Y - 11, _ROAD_Y):
            cv2.line(picture, (0, y), (WIDTH, y), (92, 128, 64), 2)

    def _draw_wall(self, picture: Picture) -> None:
        height = HEIGHT - _WALL_Y
        rough = self._random.normal(0, 1, (height, WIDTH)).astype(np.float32)
        stain = cv2.GaussianBlur(rough, (0, 0), 14, sigmaY=50) * 300 + cv2.GaussianBlur(rough, (0, 0), 1.2) * 9
        damp = np.linspace(0, 42, height, dtype=np.float32)[:, None]  # lower down it is wet more often
        wall = np.array((140, 152, 156), np.float32) + (stain - damp)[:, :, None] * np.array((0.9, 1.0, 1.05))
        picture[_WALL_Y:] = np.clip(wall, 20, 235).astype(np.uint8)
        cv2.rectangle(picture, (0, _WALL_Y), (WIDTH, _WALL_Y + 7), (182, 190, 192), -1)
        for x in range(-30, WIDTH, 165):  # joints between the slabs
            cv2.line(picture, (x, _WALL_Y + 7), (x, HEIGHT), (96, 106, 108), 2)
            cv2.line(picture, (x + 2, _WALL_Y + 7), (x + 2, HEIGHT), (158, 166, 168), 1)
        for y in range(_WALL_Y + 130, HEIGHT, 130):
            cv2.line(picture, (0, y), (WIDTH, y), (104, 114, 116), 2)
        for x, y in ((210, 178), (760, 162)):  # drain pipes and what runs from them
            cv2.rectangle(picture, (x - 7, y), (x + 7, HEIGHT), (92, 108, 104), -1)
            cv2.circle(picture, (x, y), 17, (112, 122, 126), -1, cv2.LINE_AA)
            cv2.circle(picture, (x, y), 12, (34, 40, 42), -1, cv2.LINE_AA)


def _row(cm: float) -> float:
    return ZERO_Y - cm / TOP_CM * (ZERO_Y - TOP_Y)


def _draw_gauge(picture: Picture) -> None:
    """Paint a staff as river posts use it: decimetre fields, blocks of two centimetres, digits beside it."""
    cv2.rectangle(picture, (GAUGE_LEFT - 4, TOP_Y - 8), (GAUGE_RIGHT + 44, HEIGHT), (88, 96, 98), -1)
    cv2.rectangle(picture, (GAUGE_LEFT, TOP_Y - 5), (GAUGE_RIGHT + 40, HEIGHT), (236, 240, 240), -1)
    middle = (GAUGE_LEFT + GAUGE_RIGHT) // 2
    for tenth in range(-2, TOP_CM // 10):
        ink = (32, 30, 30) if tenth // 10 % 2 == 0 else (40, 40, 190)  # every metre changes its colour
        left = GAUGE_LEFT + 2 if tenth % 2 == 0 else middle
        for block in range(5) if tenth % 2 == 0 else range(0, 5, 2):
            upper, lower = _row(tenth * 10 + block * 2 + 2), _row(tenth * 10 + block * 2)
            if block % 2 == 0:
                right = middle if tenth % 2 == 0 else GAUGE_RIGHT - 2
                cv2.rectangle(picture, (left, round(upper)), (right, round(lower) - 1), ink, -1)
        cv2.line(picture, (GAUGE_LEFT, round(_row(tenth * 10))), (GAUGE_RIGHT, round(_row(tenth * 10))), ink, 1)
        if tenth > 0 and tenth % 2 == 0:
            place = (GAUGE_RIGHT + 5, round(_row(tenth * 10)) + 5)
            cv2.putText(picture, str(tenth * 10), place, cv2.FONT_HERSHEY_SIMPLEX, 0.46, ink, 1, cv2.LINE_AA)


def _waves(random: np.random.Generator, stretch: float) -> Picture:
    """Return brown water twice as wide as the picture (it may slide), its waves longer nearby."""
    noise = random.normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32)
    noise = np.hstack((noise, noise, noise))  # so that the right edge goes on at the left one
    middle = slice(WIDTH, 2 * WIDTH)
    fine = cv2.GaussianBlur(noise, (0, 0), stretch, sigmaY=1.1)[:, middle]
    broad = cv2.GaussianBlur(noise, (0, 0), stretch * 4, sigmaY=3.5)[:, middle]
    near = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None]
    height = fine / fine.std() * (1 - 0.6 * near) + broad / broad.std() * (0.3 + near)
    base = np.array((72, 104, 116), np.float32) + near[:, :, None] * np.array((10, 12, 10), np.float32)
    water = np.clip(base + height[:, :, None] * np.array((7.5, 8.5, 8.5), np.float32), 0, 255).astype(np.uint8)
    return np.hstack((water, water))
