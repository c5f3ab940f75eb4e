"""A walking figure for the demo scenes: jointed limbs, clothes, shading, a shadow on the ground."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
_Point = tuple[float, float]
# Drawn this much larger, then reduced: soft edges as a lens gives them.
_FINER = 3
# A figure one high (feet at 0, crown at 1), after the usual proportions of eight heads.
_HIP_Y, _SHOULDER_Y, _NECK_Y, _HEAD_Y = 0.52, 0.80, 0.84, 0.92
# Layers that make a limb round: size, light, shift towards the light.
_ROUND = tuple((1 - 0.09 * layer, 0.70 + 0.055 * layer, 0.045 * layer) for layer in range(8))
# Pictures of one double step: drawn once each, and kept.
_STEP_PICTURES = 20
_THIGH, _SHIN, _UPPER_ARM, _FOREARM = 0.25, 0.24, 0.17, 0.15
_SKIN, _HAIR = (92, 128, 172), (26, 24, 26)
_SHIRT, _TROUSERS, _SHOES = (168, 178, 186), (92, 66, 50), (44, 44, 52)


def draw_walker(
    picture: Picture, light: NDArray[np.float32], foot: _Point, high_px: int, step: float, *, faces_right: bool
) -> None:
    """Draw a person walking past, lit by ``light`` where the feet are; ``step`` counts double steps."""
    figure, alpha = _figure(high_px, round(step * _STEP_PICTURES) % _STEP_PICTURES)
    if not faces_right:
        figure, alpha = figure[:, ::-1], alpha[:, ::-1]
    left, top = round(foot[0] - figure.shape[1] / 2), round(foot[1] - figure.shape[0] * 0.96)
    cut_left, cut_right = max(0, -left), min(figure.shape[1], picture.shape[1] - left)
    if cut_right <= cut_left:
        return
    middle = int(np.clip(foot[0], 0, picture.shape[1] - 1))
    _shadow(picture, foot, high_px)
    here = light[int(foot[1]), middle] * 1.25  # lamps stand in front: clothes catch more than paving does
    place = picture[top : top + figure.shape[0], left + cut_left : left + cut_right]
    lit = figure[:, cut_left:cut_right] * here
    share = alpha[:, cut_left:cut_right, None]
    place[:] = np.clip(place * (1 - share) + lit * share, 0, 255).astype(np.uint8)


def _shadow(picture: Picture, foot: _Point, high_px: int) -> None:
    x, y = round(foot[0]), round(foot[1])
    wide, tall = round(high_px * 0.30), round(high_px * 0.05)
    left, right = max(0, x - wide), min(picture.shape[1], x + wide)
    if right <= left:
        return
    rows, columns = np.mgrid[y - tall : y + tall, left:right]
    dark = 1 - 0.55 * np.clip(1 - ((columns - x) / wide) ** 2 - ((rows - y) / tall) ** 2, 0, 1)
    area = picture[y - tall : y + tall, left:right]
    area[:] = (area * dark[:, :, None]).astype(np.uint8)


@lru_cache(maxsize=2 * _STEP_PICTURES)
def _figure(high_px: int, number: int) -> tuple[Picture, NDArray[np.float16]]:
    """Return colours and coverage of the figure, walking to the right, at one moment of the double step."""
    size = high_px * _FINER
    canvas = np.zeros((int(size * 1.06), int(size * 0.72), 3), np.uint8)
    mask = np.zeros(canvas.shape[:2], np.uint8)
    pen = _Pen(canvas, mask, size)
    phase = number / _STEP_PICTURES * 2 * math.pi
    bob = 0.012 * math.cos(2 * phase)
    hip, shoulder = (0.0, _HIP_Y + bob), (0.018, _SHOULDER_Y + bob)
    _arm(pen, shoulder, phase + math.pi, 0.72)  # the far limbs first, darker
    _leg(pen, hip, phase, 0.72)
    _leg(pen, hip, phase + math.pi, 1.0)
    _body(pen, hip, shoulder, bob)
    _arm(pen, shoulder, phase, 1.0)
    small = (canvas.shape[1] // _FINER, canvas.shape[0] // _FINER)
    soft = cv2.resize(canvas, small, interpolation=cv2.INTER_AREA).astype(np.float32)
    coverage = cv2.resize(mask, small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    soft /= np.maximum(coverage, 0.05)[:, :, None]  # edges were mixed with the black canvas
    return np.clip(soft, 0, 255).astype(np.uint8), coverage.astype(np.float16)


def _leg(pen: _Pen, hip: _Point, phase: float, shade: float) -> None:
    swing = 0.42 * math.sin(phase)
    bend = 0.10 + 0.75 * max(0.0, math.cos(phase)) ** 1.5  # the leg that comes forward is bent
    knee = (hip[0] + _THIGH * math.sin(swing), hip[1] - _THIGH * math.cos(swing))
    shin = swing - bend
    ankle = (knee[0] + _SHIN * math.sin(shin), knee[1] - _SHIN * math.cos(shin))
    toe = (ankle[0] + 0.075 * math.cos(shin * 0.6), ankle[1] - 0.022 + 0.05 * math.sin(shin * 0.6))
    pen.limb(ankle, toe, (0.030, 0.022), _SHOES, shade)
    pen.limb(knee, ankle, (0.043, 0.030), _TROUSERS, shade)
    pen.limb(hip, knee, (0.064, 0.045), _TROUSERS, shade)


def _arm(pen: _Pen, shoulder: _Point, phase: float, shade: float) -> None:
    swing = -0.38 * math.sin(phase)
    elbow = (shoulder[0] + _UPPER_ARM * math.sin(swing), shoulder[1] - 0.01 - _UPPER_ARM * math.cos(swing))
    fore = swing + 0.38
    hand = (elbow[0] + _FOREARM * math.sin(fore), elbow[1] - _FOREARM * math.cos(fore))
    pen.limb(elbow, hand, (0.025, 0.020), _SKIN, shade)
    pen.limb(hand, (hand[0] + 0.008, hand[1] - 0.022), (0.021, 0.017), _SKIN, shade)
    pen.limb(shoulder, elbow, (0.038, 0.031), _SHIRT, shade * 0.93)


def _body(pen: _Pen, hip: _Point, shoulder: _Point, bob: float) -> None:
    pen.limb((hip[0], hip[1] + 0.005), (hip[0], hip[1] + 0.03), (0.070, 0.068), _TROUSERS, 1.0)
    pen.limb((hip[0] + 0.002, hip[1] + 0.04), (shoulder[0], shoulder[1] - 0.045), (0.068, 0.080), _SHIRT, 1.0)
    pen.limb(
        (shoulder[0], _NECK_Y - 0.03 + bob), (shoulder[0] + 0.012, _NECK_Y + 0.03 + bob), (0.030, 0.028), _SKIN, 0.9
    )
    head = (shoulder[0] + 0.022, _HEAD_Y + bob)
    pen.oval(head, (0.050, 0.066), _SKIN, 1.0)
    pen.oval((head[0] - 0.014, head[1] + 0.020), (0.050, 0.052), _HAIR, 1.0)
    pen.oval((head[0] + 0.026, head[1] - 0.012), (0.026, 0.036), _SKIN, 1.02)
    pen.oval((head[0] + 0.050, head[1] - 0.008), (0.009, 0.010), _SKIN, 0.95)  # the nose tells where he goes


class _Pen:
    """Draw in the figure's own measure, on the canvas and on the mask at once."""

    def __init__(self, canvas: Picture, mask: Picture, size: int) -> None:
        self._canvas, self._mask, self._size = canvas, mask, size

    def limb(
        self, start: _Point, end: _Point, half: tuple[float, float], paint: tuple[int, int, int], shade: float
    ) -> None:
        """Draw a limb that tapers, rounded: lighter where the light comes from, darker behind."""
        for part, light, shift in _ROUND:
            colour = tuple(min(255.0, channel * light * shade) for channel in paint)
            count = 14
            for number in range(count + 1):
                share = number / count
                radius = half[0] + (half[1] - half[0]) * share
                x = start[0] + (end[0] - start[0]) * share + radius * shift
                y = start[1] + (end[1] - start[1]) * share + radius * shift * 0.4
                self._disc((x, y), (radius * part, radius * part), colour, is_solid=part == 1.0)

    def oval(self, middle: _Point, half: tuple[float, float], paint: tuple[int, int, int], shade: float) -> None:
        """Draw an oval, lighter towards the light."""
        for part, light, shift in _ROUND:
            colour = tuple(min(255.0, channel * light * shade) for channel in paint)
            place = (middle[0] + half[0] * shift, middle[1] + half[1] * shift)
            self._disc(place, (half[0] * part, half[1] * part), colour, is_solid=part == 1.0)

    def _disc(self, middle: _Point, half: _Point, colour: tuple[float, ...], *, is_solid: bool) -> None:
        at = (round(self._canvas.shape[1] / 2 + middle[0] * self._size), round((1.02 - middle[1]) * self._size))
        axes = (max(1, round(half[0] * self._size)), max(1, round(half[1] * self._size)))
        cv2.ellipse(self._canvas, at, axes, 0, 0, 360, colour, -1)
        if is_solid:
            cv2.ellipse(self._mask, at, axes, 0, 0, 360, 255, -1)
