"""The detector ``tamper``: what is done to a fixed camera is told once, and what only happens before it never."""

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

from siaga.core.contracts import LookContext, Scene
from siaga.core.types import Frame
from siaga.plugins.detectors.tamper import SCHEMA, offer_detectors

VTEST = Path(__file__).resolve().parents[3] / "shared" / "media" / "vtest.avi"
START = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
WIDTH, HEIGHT = 640, 360
[KIND] = offer_detectors()


def street(seed=7):
    """Draw a street with houses, windows, a kerb and a pole: what stands still before a camera."""
    rng = np.random.default_rng(seed)
    scene = np.full((HEIGHT, WIDTH), 150, np.uint8)
    scene[220:] = 95
    left = 0
    while left < WIDTH:
        wide, high = int(rng.integers(60, 130)), int(rng.integers(90, 180))
        cv2.rectangle(scene, (left, 220 - high), (left + wide, 220), int(rng.integers(70, 210)), -1)
        for x in range(left + 10, left + wide - 16, 26):
            for y in range(220 - high + 12, 200, 34):
                cv2.rectangle(scene, (x, y), (x + 12, y + 16), int(rng.integers(20, 60)), -1)
        left += wide + int(rng.integers(0, 24))
    cv2.line(scene, (0, 250), (WIDTH, 238), 180, 3)
    cv2.line(scene, (430, 40), (430, 300), 30, 5)
    for k in range(6):
        cv2.rectangle(scene, (40 + 110 * k, 300), (90 + 110 * k, 308), 200, -1)
    return scene


class Camera:
    """Give pictures of a street, one every two seconds, with a sensor's noise and whatever happens to it."""

    def __init__(self, scene=None, **options) -> None:
        self.scene = street() if scene is None else scene
        self.detector = KIND.make(options, Scene(camera="gang"))
        self.rng = np.random.default_rng(3)
        self.passed_s = 0.0
        self.told = []

    def show(self, picture, noise=3.0):
        luma = picture if not noise else picture + self.rng.normal(0, noise, picture.shape)
        luma = np.clip(luma, 0, 255).astype(np.uint8)
        at = START + timedelta(seconds=self.passed_s)
        frame = Frame(camera="gang", at=at, arrived_mono_s=self.passed_s, is_key=True, luma=luma, colour=lambda: luma)
        said = self.detector.look(frame, LookContext(at=at, mono_s=self.passed_s))
        self.told += [(self.passed_s, one.kind, one.data["what"]) for one in said]
        self.passed_s += 2.0

    def run(self, seconds, change=lambda scene: scene, noise=3.0):
        for _ in range(round(seconds / 2)):
            self.show(change(self.scene), noise)

    def what(self):
        return [(kind, what) for _, kind, what in self.told]


@pytest.fixture
def camera():
    watched = Camera()
    watched.run(60)
    assert watched.told == []
    return watched


def covered(scene):
    return np.tile(np.linspace(60, 85, WIDTH, dtype=np.uint8), (HEIGHT, 1))


def half_covered(scene):
    changed = scene.copy()
    changed[:, : WIDTH * 6 // 10] = 40
    return changed


def turned_a_little(scene):
    return np.roll(scene, 60, axis=1)


def turned_away(scene):
    return np.roll(street(seed=99), -90, axis=0)


def blurred(scene):
    return cv2.GaussianBlur(scene, (0, 0), 4)


def far_out_of_focus(scene):
    return cv2.GaussianBlur(scene, (0, 0), 14)


def dark(scene):
    return scene * 0.03


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (covered, "covered"),
        (half_covered, "covered"),
        (turned_a_little, "turned"),
        (turned_away, "turned"),
        (blurred, "blurred"),
        (far_out_of_focus, "blurred"),
        (dark, "dark"),
    ],
)
def test_what_is_done_to_a_camera_is_told_once_and_its_end_too(camera, change, what):
    camera.run(60, change)
    assert camera.what() == [("camera.tampered", what)]
    since = camera.told[0][0] - 60
    assert 10 <= since <= 20
    camera.run(60)
    assert camera.what() == [("camera.tampered", what), ("camera.clear", what)]


def test_a_storm_of_noise_is_told(camera):
    camera.run(40, noise=50.0)
    assert camera.what() == [("camera.tampered", "noise")]


def test_a_picture_that_never_changes_by_a_bit_is_frozen(camera):
    still = np.clip(camera.scene + camera.rng.normal(0, 3, camera.scene.shape), 0, 255).astype(np.uint8)
    camera.run(110, lambda _: still, noise=0)
    assert camera.told == []
    camera.run(20, lambda _: still, noise=0)
    assert camera.what() == [("camera.tampered", "frozen")]


def rain(camera):
    def change(scene):
        wet = scene.copy()
        for _ in range(300):
            x, y = int(camera.rng.integers(0, WIDTH)), int(camera.rng.integers(0, HEIGHT))
            cv2.line(wet, (x, y), (x + 3, y + 22), 210, 1)
        return wet

    return change


def wind(camera):
    def change(scene):
        right, down = (int(way) for way in camera.rng.integers(-5, 6, 2))
        return np.roll(np.roll(scene, right, 1), down, 0)

    return change


def crowd(camera):
    def change(scene):
        full = scene.copy()
        for _ in range(45):
            x, y = int(camera.rng.integers(0, WIDTH)), int(camera.rng.integers(190, HEIGHT))
            cv2.ellipse(full, (x, y), (9, 26), 0, 0, 360, int(camera.rng.integers(10, 240)), -1)
        return full

    return change


def lorry(camera):
    def change(scene):
        blocked = scene.copy()
        cv2.rectangle(blocked, (120, 120), (470, 330), 190, -1)
        for k in range(8):
            cv2.line(blocked, (130 + 44 * k, 125), (130 + 44 * k, 290), 120, 3)
        cv2.circle(blocked, (190, 330), 24, 20, -1)
        cv2.circle(blocked, (400, 330), 24, 20, -1)
        return blocked

    return change


def dusk(_camera):
    return lambda scene: scene * 0.3


def headlights(camera):
    def change(scene):
        lit = scene.astype(np.float64) * 0.4
        x = int(camera.rng.integers(100, 540))
        glow = np.zeros_like(lit)
        cv2.circle(glow, (x, 260), 60, 255, -1)
        return lit + cv2.GaussianBlur(glow, (0, 0), 30)

    return change


@pytest.mark.parametrize("happening", [rain, wind, crowd, lorry, dusk, headlights])
def test_what_only_happens_before_a_camera_is_not_told(camera, happening):
    camera.run(240, happening(camera))
    camera.run(60)
    assert camera.told == []


def test_night_that_falls_slowly_with_its_noise_is_not_told(camera):
    for step in range(120):
        light = 1.0 - 0.75 * step / 120
        camera.show(camera.scene * light, noise=3.0 + 5.0 * step / 120)
    assert camera.told == []


def test_a_hand_that_passes_is_not_told(camera):
    camera.run(6, covered)
    camera.run(60)
    assert camera.told == []


def test_a_camera_that_stays_turned_is_taken_as_meant_and_watched_there(camera):
    camera.run(1900, turned_away)
    assert camera.what() == [("camera.tampered", "turned"), ("camera.clear", "turned")]
    camera.run(100, turned_away)
    camera.run(60, covered)
    assert camera.what()[2:] == [("camera.tampered", "covered")]


def test_what_an_operator_does_not_want_to_hear_is_not_told():
    watched = Camera(ignore=["dark"])
    watched.run(60)
    watched.run(120, dark)
    assert watched.told == []


def test_a_wall_without_anything_on_it_is_never_told_as_covered():
    watched = Camera(scene=np.full((HEIGHT, WIDTH), 120, np.uint8))
    watched.run(300)
    assert watched.told == []


@pytest.mark.parametrize("shape", [(0, 0), (8, 8), (4320, 7680)])
def test_a_picture_of_an_odd_size_is_survived(shape):
    watched = Camera(scene=np.zeros(shape, np.uint8) + 90)
    for _ in range(3):
        watched.show(watched.scene, noise=0)
    assert watched.told == []


def test_a_camera_whose_size_changes_is_not_told(camera):
    small = cv2.resize(camera.scene, (320, 240), interpolation=cv2.INTER_AREA)
    for _ in range(60):
        camera.show(small)
    assert [what for _, what in camera.what() if what not in ("turned",)] == []


def test_the_options_are_refused_in_words():
    with pytest.raises(Exception, match="ignore"):
        SCHEMA({"ignore": ["hujan"]})


@pytest.mark.skipif(not VTEST.exists(), reason="no footage beside this clone: vtest.avi is not there")
def test_an_hour_of_people_walking_is_not_told():
    reader = cv2.VideoCapture(os.fspath(VTEST))
    pictures = []
    while (read := reader.read())[0]:
        pictures.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY))
    watched = Camera(scene=pictures[0])
    for step in range(1800):
        watched.show(pictures[20 * step % len(pictures)], noise=0)
    assert watched.told == []


# --- colours ---------------------------------------------------------------------------------------------


class Hours:
    """Show a coloured or a grey street, a picture every ten minutes."""

    def __init__(self, **options):
        self.detector = KIND.make(options, Scene(camera="gang"))
        self.rng, self.passed_s, self.told = np.random.default_rng(5), 0.0, []
        self.grey = cv2.resize(street(), (160, 90))

    def run(self, hours, look):
        for _ in range(round(hours * 6)):
            noisy = self.grey + self.rng.normal(0, 3, self.grey.shape)
            bgr = look(np.dstack([noisy] * 3)).clip(0, 255).astype(np.uint8)
            at = START + timedelta(seconds=self.passed_s)
            luma = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
            frame = Frame(
                camera="gang", at=at, arrived_mono_s=self.passed_s, is_key=True, luma=luma, colour=lambda bgr=bgr: bgr
            )
            said = self.detector.look(frame, LookContext(at=at, mono_s=self.passed_s))
            self.told += [(self.passed_s / 3600, one.kind, one.data) for one in said if one.data["what"] == "colour"]
            self.passed_s += 600


def day(grey):
    return grey * np.array([1.1, 1.0, 0.85])


def infrared(grey):
    return grey * 0.8


def night(grey):
    return grey * 0.03


def test_a_camera_whose_colours_do_not_come_back_with_the_day_is_told_and_its_end_too():
    hours = Hours()
    for _ in range(3):
        hours.run(12, day)
        hours.run(12, infrared)
    assert hours.told == []
    hours.run(30, infrared)
    ((told_h, kind, data),) = hours.told
    assert kind == "camera.tampered" and 60 + 19 < told_h < 60 + 22 and "20 jam" in data["reason"]
    hours.run(2, day)
    assert [kind for _, kind, _ in hours.told] == ["camera.tampered", "camera.clear"]


@pytest.mark.parametrize("look", [infrared, night])
def test_a_camera_that_never_showed_colours_has_lost_none(look):
    hours = Hours()
    hours.run(80, look)
    assert hours.told == []


def test_darkness_is_no_loss_of_colour_and_the_sign_can_be_left_out():
    hours = Hours()
    hours.run(10, day)
    hours.run(40, night)
    assert hours.told == []
    deaf = Hours(ignore=["colour"])
    deaf.run(10, day)
    deaf.run(40, infrared)
    assert deaf.told == []
