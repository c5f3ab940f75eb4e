"""The demo canal's gauge in all weathers, for the tests of the flood detector."""

import cv2
import numpy as np

CANAL_POINTS = [(0.5965, 0.163, 300), (0.5965, 0.9407, 0)]
OPTIONS = {"gauge": {"points": CANAL_POINTS, "width": 0.035}, "stages": {3: 150, 2: 200, 1: 250}}


def canal_luma(scene, t_s, spoil=None, seed=1):
    small = cv2.resize(scene.render(t_s), (640, 360), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    if spoil is not None:
        grey = spoil(grey, np.random.default_rng(seed + int(t_s * 10)))
    return np.clip(grey, 0, 255).astype(np.uint8)


def with_rain(grey, random):
    grey = grey * 0.8 + 35
    for _ in range(250):
        x, y = int(random.integers(0, 640)), int(random.integers(0, 360))
        cv2.line(grey, (x, y), (x + 2, y + 14), 205, 1)
    return grey


def with_infrared(grey, random):
    rows, columns = np.indices(grey.shape)
    lamp = np.exp(-((columns - 300) ** 2 + (rows - 200) ** 2) / (2 * 150.0**2))
    return grey * lamp * 0.8 + random.normal(0, 5, grey.shape)


WEATHER = {
    "day": lambda grey, random: grey,
    "noise": lambda grey, random: grey + random.normal(0, 20, grey.shape),
    "rain": with_rain,
    "night": lambda grey, random: grey * 0.15 + 8 + random.normal(0, 4, grey.shape),
    "infrared": with_infrared,
    "haze": lambda grey, random: grey * 0.2 + 110 + random.normal(0, 3, grey.shape),
    "soft focus": lambda grey, random: cv2.GaussianBlur(grey, (0, 0), 3),
}
BLINDING = {
    "dark": lambda grey, random: grey * 0.03 + 3 + random.normal(0, 3, grey.shape),
    "covered": lambda grey, random: grey * 0 + 90 + random.normal(0, 4, grey.shape),
    "washed out": lambda grey, random: grey * 0 + 255,
    "far out of focus": lambda grey, random: cv2.GaussianBlur(grey, (0, 0), 25),
}
