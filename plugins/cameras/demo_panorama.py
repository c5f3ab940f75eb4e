"""The wide picture behind the demo's turning camera: a water gate, a bridge and a post of the RW on one kali."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDE, TALL = 2880, 1200
DECK_Y, ROAD_X = 610, 884  # the road over the bridge, and where it begins
_HORIZON_Y, _WATER_Y, _NEAR_Y = 520, 700, 1010
_BANK_X = 1990  # where the water ends and the kampung begins
_CONCRETE: Colour = (158, 166, 168)
_DARK: Colour = (62, 66, 68)


def draw_panorama(seed: int) -> Picture:
    """Paint the scene once (BGR, 2880×1200)."""
    random = np.random.default_rng(seed)
    picture = np.zeros((TALL, WIDE, 3), np.uint8)
    _draw_sky(picture, random)
    _draw_far_town(picture, random)
    _draw_water(picture, random)
    _draw_far_wall(picture, random)
    _draw_gate(picture)
    _draw_bridge(picture)
    for _ in range(150):  # trees from behind which the traffic comes
        at = (int(random.uniform(832, 912)), int(random.normal(590, 26)))
        cv2.circle(picture, at, int(random.integers(8, 17)), (42, int(random.integers(70, 130)), 46), -1, cv2.LINE_AA)
    _draw_bank(picture, random)
    _draw_post(picture)
    _draw_near_bank(picture, random)
    return picture


def _box(picture: Picture, left: float, top: float, right: float, bottom: float, paint: Colour) -> None:
    cv2.rectangle(picture, (int(left), int(top)), (int(right), int(bottom)), paint, -1)


def _shape(picture: Picture, corners: list[tuple[int, int]], paint: Colour) -> None:
    cv2.fillPoly(picture, [np.array(corners)], paint, cv2.LINE_AA)


def _write(picture: Picture, text: str, at: tuple[int, int], size: float, paint: Colour, thick: int = 2) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, paint, thick, cv2.LINE_AA)


def _cloud(random: np.random.Generator, high: int, wide: int, sigma: float) -> NDArray[np.float32]:
    noise = cv2.GaussianBlur(random.normal(0, 1, (high, wide)).astype(np.float32), (0, 0), sigma * 2.5, sigmaY=sigma)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def _draw_sky(picture: Picture, random: np.random.Generator) -> None:
    sky = np.linspace((214, 176, 128), (226, 216, 202), _HORIZON_Y, dtype=np.float32)[:, None]
    clouds = np.clip(_cloud(random, _HORIZON_Y, WIDE, 34), 0, 2)[:, :, None] * 26
    picture[:_HORIZON_Y] = np.clip(sky + clouds, 0, 250).astype(np.uint8)
    picture[_HORIZON_Y:] = (120, 134, 128)


def _draw_far_town(picture: Picture, random: np.random.Generator) -> None:
    for _ in range(46):  # the city's towers in the haze
        left, wide = int(random.integers(0, WIDE)), int(random.integers(34, 90))
        high, haze = int(random.integers(60, 300)), int(random.integers(176, 206))
        _box(picture, left, _HORIZON_Y - high, left + wide, _HORIZON_Y, (haze + 12, haze + 2, haze - 8))
        for y in range(_HORIZON_Y - high + 10, _HORIZON_Y - 10, 14):
            cv2.line(picture, (left + 6, y), (left + wide - 6, y), (haze - 2, haze - 12, haze - 20), 3)
    x = 0
    while x < WIDE:  # the kampung on the other bank
        wide, high = int(random.integers(70, 150)), int(random.integers(44, 96))
        paint: Colour = tuple(int(c) for c in random.integers(126, 214, 3))  # type: ignore[assignment]
        roof: Colour = ((64, 84, 150), (96, 108, 120), (70, 96, 132), (120, 116, 104))[int(random.integers(4))]
        _box(picture, x, _HORIZON_Y + 30 - high, x + wide, _HORIZON_Y + 60, paint)
        corners = [(x - 8, _HORIZON_Y + 32 - high), (x + wide + 8, _HORIZON_Y + 32 - high)]
        _shape(picture, [*corners, (x + wide - 22, _HORIZON_Y + 2 - high), (x + 22, _HORIZON_Y + 2 - high)], roof)
        for window in range(x + 12, x + wide - 20, 32):
            _box(picture, window, _HORIZON_Y + 46 - high, window + 15, _HORIZON_Y + 62 - high, (78, 68, 58))
        x += wide + int(random.integers(0, 46))
    for _ in range(900):  # trees
        middle = random.choice((120, 760, 960, 1420, 1900, 2250, 2700))
        at = (int(random.normal(middle, 58)), int(random.normal(_HORIZON_Y - 10, 30)))
        green = int(random.integers(64, 136))
        cv2.circle(picture, at, int(random.integers(8, 19)), (44, green, green // 2), -1, cv2.LINE_AA)


def _draw_water(picture: Picture, random: np.random.Generator) -> None:
    high = _NEAR_Y - _WATER_Y
    near = np.linspace(0, 1, high, dtype=np.float32)[:, None]
    waves = _cloud(random, high, WIDE, 2.0) * (5 - 2 * near) + _cloud(random, high, WIDE, 7) * (3 + 5 * near)
    water = np.array((76, 108, 122), np.float32) + (waves + 10 * near)[:, :, None]
    mirrored = cv2.GaussianBlur(picture[_WATER_Y - high : _WATER_Y][::-1], (0, 0), 7)
    picture[_WATER_Y:_NEAR_Y] = np.clip(0.8 * water + 0.2 * mirrored, 0, 255).astype(np.uint8)


def _draw_far_wall(picture: Picture, random: np.random.Generator) -> None:
    high = _WATER_Y - _HORIZON_Y - 50
    wall = np.linspace(150, 112, high, dtype=np.float32)[:, None] + _cloud(random, high, WIDE, 9) * 6
    tint = np.array((0.95, 1.0, 1.02), np.float32)
    picture[_WATER_Y - high : _WATER_Y] = np.clip(wall[:, :, None] * tint, 0, 255).astype(np.uint8)
    _box(picture, 0, _WATER_Y - high - 8, WIDE, _WATER_Y - high, (184, 190, 190))
    for x in range(0, WIDE, 120):
        cv2.line(picture, (x, _WATER_Y - high), (x, _WATER_Y), (104, 110, 110), 2)
    for x in range(0, WIDE, 60):  # railing
        cv2.line(picture, (x, _WATER_Y - high - 34), (x, _WATER_Y - high - 8), (80, 120, 66), 4)
    for y in (_WATER_Y - high - 33, _WATER_Y - high - 20):
        cv2.line(picture, (0, y), (WIDE, y), (80, 120, 66), 3)


def _draw_gate(picture: Picture) -> None:
    """Draw the water gate: piers, three steel gates in their frames, the house of the winches."""
    left, right, deck = 205, 775, 596
    for x in range(left, right + 1, 190):
        _box(picture, x - 26, deck, x + 26, 800, _CONCRETE)
        _box(picture, x + 14, deck, x + 26, 800, (130, 138, 140))
        _box(picture, x - 26, 726, x + 26, 800, (104, 118, 112))  # wet, with algae
    for number, x in enumerate(range(left, right, 190)):
        top = (640, 664, 628)[number]
        _box(picture, x + 27, deck, x + 163, 716, _DARK)  # the dark opening behind the gate
        _box(picture, x + 30, top, x + 160, top + 92, (150, 98, 44))
        for y in range(top + 14, top + 92, 24):
            cv2.line(picture, (x + 30, y), (x + 160, y), (118, 74, 30), 5)
        for rib in (62, 95, 128):
            cv2.line(picture, (x + rib, top), (x + rib, top + 92), (176, 122, 64), 4)
        for rod in (60, 130):  # rods to the winch
            cv2.line(picture, (x + rod, 566), (x + rod, top), (90, 92, 92), 6)
        for foam in range(x + 34, x + 158, 9):
            cv2.ellipse(picture, (foam, 744 + foam % 7), (9, 4), 0, 0, 360, (176, 190, 196), -1, cv2.LINE_AA)
    _box(picture, left - 34, deck - 16, right + 34, deck + 8, (182, 188, 188))
    for x in range(left - 30, right + 32, 30):
        cv2.line(picture, (x, deck - 50), (x, deck - 16), (60, 190, 220), 4)
    cv2.line(picture, (left - 30, deck - 48), (right + 30, deck - 48), (60, 190, 220), 5)
    _box(picture, 300, 500, 680, 548, (196, 214, 222))
    _shape(picture, [(280, 504), (700, 504), (668, 466), (312, 466)], (52, 68, 150))
    for x in range(316, 670, 62):
        _box(picture, x, 511, x + 30, 534, (104, 90, 74))
    _box(picture, 404, 552, 576, 586, (120, 70, 28))
    _write(picture, "PINTU AIR", (414, 577), 0.94, (245, 245, 245))
    for pole in (316, 664):
        _box(picture, pole - 6, 548, pole + 6, 592, (150, 158, 160))


def _draw_bridge(picture: Picture) -> None:
    """Draw a road bridge of steel on two piers."""
    left, right = 1060, _BANK_X
    for x in (1300, 1680):
        _box(picture, x - 30, DECK_Y + 30, x + 30, 860, _CONCRETE)
        _box(picture, x + 12, DECK_Y + 30, x + 30, 860, (128, 136, 138))
        _box(picture, x - 44, 836, x + 44, 872, (120, 130, 128))
    _box(picture, left - 160, DECK_Y - 4, WIDE, DECK_Y + 34, (96, 102, 104))
    _box(picture, left - 160, DECK_Y + 34, right, DECK_Y + 50, (70, 76, 78))
    steel, shade = (70, 150, 80), (48, 112, 58)
    top = DECK_Y - 112
    for x in range(left, right - 60, 124):
        cv2.line(picture, (x, DECK_Y), (x + 62, top), shade, 9, cv2.LINE_AA)
        cv2.line(picture, (x + 62, top), (x + 124, DECK_Y), shade, 9, cv2.LINE_AA)
        cv2.line(picture, (x + 62, top), (x + 62, DECK_Y), steel, 6, cv2.LINE_AA)
    cv2.line(picture, (left + 62, top), (right - 74, top), steel, 13, cv2.LINE_AA)
    cv2.line(picture, (left - 150, DECK_Y + 12), (right, DECK_Y + 12), steel, 10, cv2.LINE_AA)
    _box(picture, 1420, DECK_Y + 54, 1580, DECK_Y + 84, (48, 110, 40))
    _write(picture, "KALI CILIWUNG", (1428, DECK_Y + 75), 0.62, (240, 245, 240))


def _draw_bank(picture: Picture, random: np.random.Generator) -> None:
    """Draw the kampung's bank on the right: a wall to the water, a road, a yard."""
    ground = np.full((TALL - DECK_Y - 34, WIDE - _BANK_X), 142, np.float32)
    ground += _cloud(random, *ground.shape, 3) * 5 + _cloud(random, *ground.shape, 24) * 6
    picture[DECK_Y + 34 :, _BANK_X:] = np.clip(ground[:, :, None] * np.array((0.9, 0.98, 1.0)), 0, 255).astype(np.uint8)
    _shape(
        picture,
        [(_BANK_X - 26, TALL), (_BANK_X, DECK_Y + 30), (_BANK_X + 18, DECK_Y + 30), (_BANK_X + 10, TALL)],
        (118, 126, 128),
    )
    _box(picture, _BANK_X + 18, 838, WIDE, 930, (92, 96, 98))  # the lane before the post
    for x in range(_BANK_X + 30, WIDE, 90):
        _box(picture, x, 882, x + 44, 887, (206, 214, 216))
    for x in range(_BANK_X + 18, WIDE, 26):
        _box(picture, x, 830, x + 13, 838, (220, 226, 228))
        _box(picture, x + 13, 830, x + 26, 838, (44, 44, 48))


def _draw_post(picture: Picture) -> None:
    """Draw the post of the RW: a small house with its sign, a bench, a slit drum, a flag, motorcycles."""
    left, right, floor = 2230, 2610, 828
    _box(picture, left, 668, right, floor, (206, 222, 226))
    _box(picture, left, 772, right, floor, (104, 158, 96))
    _shape(picture, [(left - 34, 676), (right + 34, 676), (right - 30, 622), (left + 30, 622)], (50, 66, 152))
    for y in range(630, 676, 11):
        cv2.line(picture, (left + 26 - (y - 622), y), (right - 26 + (y - 622), y), (42, 54, 128), 2)
    _box(picture, 2256, 706, 2330, 764, (96, 82, 66))
    _box(picture, 2262, 712, 2324, 758, (150, 134, 112))
    _box(picture, 2500, 704, 2572, floor, (58, 86, 128))
    _box(picture, 2344, 686, 2486, 722, (150, 84, 32))
    _write(picture, "POS RW 05", (2352, 712), 0.78, (245, 245, 245))
    _box(picture, 2350, 734, 2480, 752, (60, 60, 190))
    _write(picture, "SIAGA BANJIR 112", (2357, 748), 0.41, (250, 250, 250), 1)
    _box(picture, 2346, 786, 2486, 797, (70, 104, 140))  # bench
    for x in (2356, 2472):
        _box(picture, x, 797, x + 8, floor, (52, 82, 112))
    cv2.ellipse(picture, (2602 + 34, 742), (10, 36), 0, 0, 360, (54, 84, 118), -1, cv2.LINE_AA)  # kentongan
    cv2.line(picture, (2636, 690), (2636, 706), (60, 60, 60), 3)
    cv2.line(picture, (2160, 560), (2160, floor), (196, 200, 200), 6, cv2.LINE_AA)
    _box(picture, 2163, 562, 2226, 583, (44, 40, 206))
    _box(picture, 2163, 583, 2226, 604, (244, 244, 244))
    for x, paint in ((2672, (50, 50, 180)), (2742, (60, 60, 60))):
        _draw_motorcycle(picture, x, floor, paint)


def _draw_motorcycle(picture: Picture, x: int, floor: int, paint: Colour) -> None:
    for wheel in (x, x + 44):
        cv2.circle(picture, (wheel, floor - 12), 12, (30, 30, 30), 5, cv2.LINE_AA)
    _shape(picture, [(x - 6, floor - 34), (x + 30, floor - 38), (x + 40, floor - 14), (x + 8, floor - 14)], paint)
    _shape(
        picture, [(x - 12, floor - 42), (x + 20, floor - 44), (x + 20, floor - 36), (x - 8, floor - 35)], (36, 36, 36)
    )
    cv2.line(picture, (x + 44, floor - 12), (x + 34, floor - 56), (80, 80, 80), 5, cv2.LINE_AA)
    cv2.line(picture, (x + 24, floor - 56), (x + 40, floor - 58), (60, 60, 60), 4, cv2.LINE_AA)


def _draw_near_bank(picture: Picture, random: np.random.Generator) -> None:
    """Draw the promenade on this side, with its railing and pots."""
    high = TALL - _NEAR_Y
    paving = np.linspace(150, 176, high, dtype=np.float32)[:, None] + _cloud(random, high, _BANK_X, 2) * 4
    tint = np.array((0.92, 0.98, 1.0), np.float32)
    picture[_NEAR_Y:, :_BANK_X] = np.clip(paving[:, :, None] * tint, 0, 255).astype(np.uint8)
    _box(picture, 0, _NEAR_Y - 6, _BANK_X, _NEAR_Y + 10, (188, 194, 196))
    for y in range(_NEAR_Y + 50, TALL, 60):
        cv2.line(picture, (0, y), (_BANK_X, y), (134, 142, 146), 2)
    for x in range(-400, _BANK_X + 200, 110):
        cv2.line(picture, (x, _NEAR_Y + 10), (x - (x - 1000) // -6, TALL), (134, 142, 146), 2)
    for x in range(20, _BANK_X, 96):
        _box(picture, x, _NEAR_Y - 62, x + 8, _NEAR_Y, (66, 108, 60))
    for y in (_NEAR_Y - 58, _NEAR_Y - 32):
        _box(picture, 0, y, _BANK_X - 20, y + 6, (74, 122, 68))
    for x in range(160, _BANK_X - 100, 380):
        _box(picture, x, _NEAR_Y + 20, x + 66, _NEAR_Y + 66, (70, 92, 150))
        for _ in range(26):
            at = (int(random.normal(x + 33, 22)), int(random.normal(_NEAR_Y - 2, 15)))
            cv2.circle(
                picture, at, int(random.integers(6, 13)), (40, int(random.integers(84, 150)), 54), -1, cv2.LINE_AA
            )
