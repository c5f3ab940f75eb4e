"""The detector ``left`` on drawn streets: what stays behind is told once, what passes, shines or shakes never."""

from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
import pytest

from siaga.core.contracts import LookContext, Scene
from siaga.core.types import Box, Frame, Sighting
from siaga.plugins.detectors.left import offer_detectors

START = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
WIDTH, HEIGHT = 640, 360
[KIND] = offer_detectors()
CORNER = ((0.3, 0.4), (0.9, 0.4), (0.9, 1.0), (0.3, 1.0))


def street(seed=5):
    """Draw a wall with a door, and a pavement of stones."""
    rng = np.random.default_rng(seed)
    scene = np.full((HEIGHT, WIDTH), 140.0, np.float32)
    scene[160:] = 115
    for y in range(160, HEIGHT, 20):
        for x in range(0, WIDTH, 32):
            scene[y : y + 19, x : x + 31] += rng.normal(0, 7)
    scene += cv2.GaussianBlur(rng.normal(0, 14, scene.shape).astype(np.float32), (0, 0), 2.0)
    cv2.rectangle(scene, (80, 40), (140, 165), 70, -1)
    return scene


def bag(scene, x=380, y=260, size=(44, 34), grey=45):
    """Put a sack with a fold and a knot onto the pavement."""
    changed = scene.copy()
    cv2.ellipse(changed, (x, y), (size[0] // 2, size[1] // 2), 0, 0, 360, grey, -1)
    cv2.line(changed, (x - 8, y - size[1] // 3), (x + 6, y + 4), grey + 60, 2)
    return changed


class Watch:
    """Show the street every two seconds, with noise and whatever happens; ``people`` are what a net would see."""

    def __init__(self, seed=1, noise=3.0, zones=None, **options):
        self.detector = KIND.make(KIND.schema({"for": "30 s", **options}), Scene(camera="gang", zones=zones or {}))
        self.rng = np.random.default_rng(seed)
        self.scene, self.noises = street(), [self.rng.normal(0, noise, (HEIGHT // 2, WIDTH // 2)) for _ in range(7)]
        self.now_s, self.told = 0.0, []

    def show(self, picture, people=(), labels="person"):
        noise = np.roll(self.noises[int(self.rng.integers(7))], int(self.rng.integers(HEIGHT // 2)), axis=0)
        small = cv2.resize(np.float32(picture), (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
        luma = np.clip(small + noise, 0, 255).astype(np.uint8)
        at = START + timedelta(seconds=self.now_s)
        frame = Frame(camera="gang", at=at, arrived_mono_s=self.now_s, is_key=True, luma=luma, colour=lambda: luma)
        seen = tuple(
            Sighting(track=n, label=labels, score=0.8, box=box, zones=(), first_seen=at, last_seen=at)
            for n, box in enumerate(people)
        )
        said = self.detector.look(frame, LookContext(at=at, sightings=seen, mono_s=self.now_s))
        self.told += [(self.now_s, one) for one in said]
        self.now_s += 2.0

    def run(self, seconds, change=lambda scene, passed: scene, **more):
        begun = self.now_s
        while self.now_s < begun + seconds:
            self.show(change(self.scene, self.now_s - begun), **more)

    def kinds(self):
        return [one.kind for _, one in self.told]


@pytest.fixture
def watch():
    watched = Watch(what=["left", "removed"])
    watched.run(70)
    assert watched.told == []
    return watched


@pytest.mark.parametrize("grey", [30, 60, 185, 220])
def test_what_stays_is_told_once_after_its_time_with_its_place(watch, grey):
    watch.run(200, lambda scene, _: bag(scene, grey=grey))
    assert watch.kinds() == ["thing.left"]
    at_s, told = watch.told[0]
    assert 98 <= at_s <= 110
    (box,) = told.boxes
    assert box.left == pytest.approx(358 / WIDTH, abs=0.015) and box.right == pytest.approx(402 / WIDTH, abs=0.015)
    assert box.top == pytest.approx(243 / HEIGHT, abs=0.025) and box.bottom == pytest.approx(277 / HEIGHT, abs=0.025)
    assert told.data["area"] == pytest.approx(3.14 / 4 * 44 * 34 / WIDTH / HEIGHT, rel=0.4)


def test_what_is_taken_away_is_told_as_that():
    watched = Watch(what=["left", "removed"])
    watched.scene = bag(street())
    watched.run(80)
    watched.scene = street()
    watched.run(120)
    assert watched.kinds() == ["thing.removed"]


def test_left_and_then_taken_again_is_both_in_turn(watch):
    watch.run(80, lambda scene, _: bag(scene))
    watch.run(80)
    assert watch.kinds() == ["thing.left", "thing.removed"]


def test_only_what_was_asked_for_is_told_and_dumping_has_its_own_name():
    watched = Watch(dumping=True, zones={"pojok": CORNER}, zone="pojok")
    watched.run(70)
    watched.run(80, lambda scene, _: bag(scene))
    watched.run(80)
    assert [(one.kind, one.zone) for _, one in watched.told] == [("dumping.suspected", "pojok")]
    assert set(watched.told[0][1].data) == {"seconds"}


def test_outside_the_zone_nothing_is_told():
    watched = Watch(zones={"pojok": CORNER}, zone="pojok")
    watched.run(70)
    watched.run(100, lambda scene, _: bag(scene, x=90, y=300))
    assert watched.told == []


def test_people_before_it_do_not_hide_it_for_good_and_are_not_told(watch):
    def busy(scene, passed):
        changed = bag(scene)
        x = int(passed * 37) % WIDTH
        cv2.ellipse(changed, (x, 250), (16, 60), 0, 0, 360, 25, -1)
        return changed

    watch.run(240, busy)
    assert watch.kinds() == ["thing.left"]


def test_who_stands_for_long_and_is_seen_by_the_net_is_nothing_left(watch):
    box = Box(left=380 / WIDTH, top=190 / HEIGHT, right=420 / WIDTH, bottom=300 / HEIGHT)

    def stands(scene, passed):
        changed = scene.copy()
        cv2.ellipse(changed, (400, 245), (16, 52), 0, 0, 360, 35, -1)
        return changed

    for _ in range(150):
        seen = (box,) if watch.rng.random() < 0.8 else ()
        watch.show(stands(watch.scene, 0), people=seen)
    watch.run(60)
    assert watch.told == []


def test_a_car_that_parks_is_nothing_left(watch):
    box = Box(left=300 / WIDTH, top=220 / HEIGHT, right=470 / WIDTH, bottom=320 / HEIGHT)

    def parks(scene, _):
        changed = scene.copy()
        cv2.rectangle(changed, (310, 230), (460, 310), 200, -1)
        return changed

    watch.run(200, parks, people=(box,), labels="car")
    assert watch.told == []


# --- what must not be told -----------------------------------------------------------------------------


def shade(scene, grown):
    changed = scene.copy()
    changed[200:, : 200 + grown] *= 0.6
    return changed


def rain(scene, rng):
    changed = scene.copy()
    for _ in range(120):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
        cv2.line(changed, (x, y), (x + 2, y + 14), 200, 1)
    return changed


def tree(scene, passed):
    """Draw leaves that swing, each in its own time."""
    changed, rng = scene.copy(), np.random.default_rng(8)
    for _ in range(60):
        x, y, phase = int(rng.integers(430, 530)), int(rng.integers(180, 300)), rng.uniform(0, 6.3)
        dx, grey = int(5 * np.sin(passed * 1.3 + phase)), int(rng.integers(40, 100))
        cv2.ellipse(changed, (x + dx, y), (12, 7), 0, 0, 360, grey, -1)
    return changed


QUIET = {
    "clouds that pass": lambda scene, s, rng: scene * (0.8 + 0.2 * np.cos(s / 40)),
    "a lamp that goes on": lambda scene, s, rng: scene * (1.0 if s < 60 else 1.35),
    "night that falls": lambda scene, s, rng: scene * max(0.25, 1 - s / 400),
    "a shadow that creeps": lambda scene, s, rng: shade(scene, int(s / 12)),
    "a shadow that comes at once": lambda scene, s, rng: shade(scene, 120) if s > 40 else scene,
    "rain": lambda scene, s, rng: rain(scene, rng),
    "a camera that shakes": lambda scene, s, rng: np.roll(scene, tuple(rng.integers(-2, 3, 2)), (0, 1)),
    "a tree in the wind": lambda scene, s, rng: tree(scene, s),
    "the infrared switch": lambda scene, s, rng: scene if s < 60 else 255 - scene * 0.7,
}


@pytest.mark.parametrize("what", QUIET)
@pytest.mark.parametrize("noise", [2.0, 9.0])
def test_light_weather_and_wind_are_never_told(what, noise):
    watched = Watch(noise=noise, what=["left", "removed"])
    watched.run(430, lambda scene, s: QUIET[what](scene, s, watched.rng))
    assert watched.told == []


@pytest.mark.parametrize("weather", ["rain", "clouds that pass", "a camera that shakes"])
def test_in_such_weather_what_is_left_is_still_seen(weather):
    watched = Watch(noise=5.0)
    watched.run(90, lambda scene, s: QUIET[weather](scene, s, watched.rng))
    watched.run(160, lambda scene, s: QUIET[weather](bag(scene), s, watched.rng))
    assert watched.kinds() == ["thing.left"]


def test_after_the_infrared_switch_it_sees_again():
    watched = Watch()
    watched.run(70)
    watched.run(90, lambda scene, _: 255 - scene * 0.7)
    watched.run(80, lambda scene, _: 255 - bag(scene) * 0.7)
    assert watched.kinds() == ["thing.left"]


def test_a_zone_that_the_camera_has_not_is_refused_in_words():
    with pytest.raises(ValueError, match="halte"):
        KIND.make({"zone": "halte"}, Scene(camera="gang"))


def test_who_stood_there_when_the_watch_began_was_not_taken_away():
    watched = Watch(what=["left", "removed"])
    watched.run(30, lambda scene, _: bag(scene))
    watched.run(120)
    assert watched.told == []
