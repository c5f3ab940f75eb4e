"""The demo scene ``schoolyard``: a school at night, dim lamps, and somebody who crosses at known times."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .demo_canal import HEIGHT, WIDTH, Picture
from .demo_walker import draw_walker

# Somebody crosses every 25 s, first at second 6, and needs 8 s from edge to edge.
EVERY_S, FIRST_S, TAKES_S = 25.0, 6.0, 8.0
FOOT_Y, PERSON_PX = 485, 300
_BEYOND_PX = 110
_YARD_Y = 300
_LAMPS = ((170, 120), (640, 110), (890, 135))
_NOISE_PICTURES = 5


def crossing_x(t_s: float) -> float | None:
    """Return where the person's middle stands (0..1 of the width, beyond it while coming and going), or None."""
    number, since_s = divmod(t_s - FIRST_S, EVERY_S)
    if number < 0 or since_s >= TAKES_S:
        return None
    share = since_s / TAKES_S if number % 2 == 0 else 1 - since_s / TAKES_S
    return (share * (WIDTH + 2 * _BEYOND_PX) - _BEYOND_PX) / WIDTH


class SchoolyardScene:
    """Draw the yard; the same time always gives the same picture."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._light = _light()
        day = self._draw_day()
        self._night = np.clip(day * self._light, 0, 255).astype(np.uint8)
        for x, y in _LAMPS:
            cv2.circle(self._night, (x, y), 7, (214, 238, 250), -1, cv2.LINE_AA)
        # A sensor at night: noise that differs from picture to picture, centred on 8.
        self._noise = [
            np.clip(8 + self._random.normal(0, 1.5, (HEIGHT, WIDTH, 1)), 0, 16).astype(np.uint8).repeat(3, axis=2)
            for _ in range(_NOISE_PICTURES)
        ]

    def render(self, t_s: float) -> Picture:
        """Return the picture (BGR, 960×540) at a time of the scene."""
        noise = self._noise[round(t_s * 10) % _NOISE_PICTURES]
        picture = self._night.copy()
        x = crossing_x(t_s)
        if x is not None:
            number = int((t_s - FIRST_S) // EVERY_S)
            step = (t_s - FIRST_S) * 0.6  # so that the feet do not slide
            draw_walker(picture, self._light, (x * WIDTH, FOOT_Y), PERSON_PX, step, faces_right=number % 2 == 0)
        return cv2.addWeighted(picture, 1.0, noise, 1.0, -8)  # type: ignore[return-value]

    def _draw_day(self) -> NDArray[np.float32]:
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        picture[:_YARD_Y] = np.linspace((90, 70, 56), (120, 100, 86), _YARD_Y)[:, None]
        _draw_school(picture)
        self._draw_yard(picture)
        for x, y in _LAMPS:
            foot = _YARD_Y + 18 if y < 120 else _YARD_Y + 6
            cv2.line(picture, (x, y), (x, foot), (120, 124, 124), 5, cv2.LINE_AA)
            cv2.line(picture, (x - 14, y), (x + 14, y), (120, 124, 124), 5, cv2.LINE_AA)
        return picture.astype(np.float32)

    def _draw_yard(self, picture: Picture) -> None:
        height = HEIGHT - _YARD_Y
        grain = cv2.GaussianBlur(self._random.normal(0, 1, (height, WIDTH)).astype(np.float32), (0, 0), 1.3)
        stain = cv2.GaussianBlur(self._random.normal(0, 1, (height, WIDTH)).astype(np.float32), (0, 0), 22) * 160
        paving = np.array((132, 138, 140), np.float32) + (grain * 12 + stain)[:, :, None]
        picture[_YARD_Y:] = np.clip(paving, 60, 220).astype(np.uint8)
        centre = WIDTH // 2
        for offset in range(-10, 11):  # joints of the paving run to a point beyond the school
            top, bottom = (centre + offset * 62, _YARD_Y), (centre + offset * 150, HEIGHT)
            cv2.line(picture, top, bottom, (112, 116, 118), 1, cv2.LINE_AA)
        for share in (0.05, 0.13, 0.25, 0.42, 0.66):
            y = int(_YARD_Y + share * height)
            cv2.line(picture, (0, y), (WIDTH, y), (112, 116, 118), 1)
        court = np.array([(250, 330), (720, 330), (900, 520), (60, 520)])
        cv2.polylines(picture, [court], True, (214, 220, 224), 3, cv2.LINE_AA)
        cv2.ellipse(picture, (centre, 408), (92, 30), 0, 0, 360, (214, 220, 224), 3, cv2.LINE_AA)
        cv2.line(picture, (centre - 2, 330), (centre, 520), (214, 220, 224), 2, cv2.LINE_AA)


def _light() -> NDArray[np.float32]:
    """Return how much of the day's light each pixel has, per colour: a little moon, warm lamps, dark corners."""
    rows, columns = np.indices((HEIGHT, WIDTH)).astype(np.float32)
    light = np.full((HEIGHT, WIDTH, 3), (0.17, 0.145, 0.13), np.float32)
    warm = np.array((0.62, 0.86, 1.0), np.float32)
    for x, y in _LAMPS:
        glow = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 70.0**2)) * 0.35
        pool = np.exp(-((columns - x) ** 2 / (2 * 210.0**2) + (rows - y - 290) ** 2 / (2 * 120.0**2))) * 0.52
        light += (glow + pool)[:, :, None] * warm
    corner = 1 - 0.35 * (((columns / WIDTH - 0.5) ** 2 + (rows / HEIGHT - 0.5) ** 2) / 0.5)
    return np.asarray(light * corner[:, :, None], dtype=np.float32)


def _draw_school(picture: Picture) -> None:
    cv2.rectangle(picture, (90, 128), (870, _YARD_Y), (172, 196, 204), -1)
    roof = np.array([(60, 132), (130, 66), (830, 66), (900, 132)])
    cv2.fillPoly(picture, [roof], (58, 74, 128), cv2.LINE_AA)
    for y in range(76, 132, 9):  # rows of tiles
        cv2.line(picture, (60 + (132 - y), y), (900 - (132 - y), y), (50, 62, 108), 1)
    cv2.rectangle(picture, (90, 258), (870, _YARD_Y), (118, 140, 110), -1)  # the green lower wall of a school
    for number, x in enumerate(range(112, 850, 108)):
        cv2.rectangle(picture, (x, 168), (x + 62, 236), (88, 96, 96), -1)
        pane = (255, 255, 255) if number == 5 else (66, 58, 50)
        cv2.rectangle(picture, (x + 4, 172), (x + 58, 232), pane, -1)
        cv2.line(picture, (x + 31, 170), (x + 31, 234), (88, 96, 96), 3)
        cv2.line(picture, (x, 202), (x + 62, 202), (88, 96, 96), 3)
        cv2.rectangle(picture, (x + 70, 176), (x + 98, _YARD_Y), (60, 84, 120), -1)
    for x in range(96, 880, 108):  # pillars of the gallery
        cv2.rectangle(picture, (x, 128), (x + 9, _YARD_Y + 4), (206, 214, 216), -1)
    cv2.rectangle(picture, (380, 136), (580, 161), (70, 110, 60), -1)
    cv2.putText(picture, "SD NEGERI 03", (398, 155), cv2.FONT_HERSHEY_SIMPLEX, 0.62, (235, 240, 240), 2, cv2.LINE_AA)
    cv2.line(picture, (740, 40), (740, _YARD_Y + 8), (190, 194, 194), 4, cv2.LINE_AA)  # flag pole, flag taken in
    cv2.rectangle(picture, (724, _YARD_Y + 2), (756, _YARD_Y + 14), (176, 180, 180), -1)
    cv2.line(picture, (40, 190), (40, 345), (96, 104, 110), 6, cv2.LINE_AA)  # basketball hoop
    cv2.rectangle(picture, (14, 176), (72, 218), (206, 210, 210), -1)
    cv2.rectangle(picture, (31, 196), (57, 214), (60, 60, 190), 2)
    cv2.ellipse(picture, (52, 222), (16, 5), 0, 0, 360, (40, 90, 220), 3, cv2.LINE_AA)
