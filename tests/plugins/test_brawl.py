"""The detector ``brawl``: who fights is suspected once, who walks, stands or sways with the mast never."""

import math
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest
import voluptuous as vol

from siaga.core.contracts import LookContext, Scene
from siaga.core.types import Box, Frame, Sighting
from siaga.plugins.detectors.brawl import SCHEMA, offer_detectors
from siaga.plugins.detectors.brawl.suspicion import Company, Suspicion, most_together

VTEST = Path(__file__).resolve().parents[3] / "shared" / "media" / "vtest.avi"
START = datetime(2026, 11, 25, 16, 0, tzinfo=timezone.utc)
WIDTH, HEIGHT, BODY_PX = 320, 240, 84
[KIND] = offer_detectors()


def box_around(x, y, tall=BODY_PX):
    wide = tall * 0.4
    sides = ((x - wide / 2) / WIDTH, (y - tall / 2) / HEIGHT, (x + wide / 2) / WIDTH, (y + tall / 2) / HEIGHT)
    return Box(left=sides[0], top=sides[1], right=sides[2], bottom=sides[3])


def sightings(boxes, label="person"):
    return tuple(
        Sighting(track=k, label=label, score=0.8, box=box, zones=(), first_seen=START, last_seen=START)
        for k, box in enumerate(boxes)
    )


class Street:
    """Draw people of cloth before a wall; each has a trunk, and two arms that may go their own way."""

    def __init__(self, seed=5):
        self.rng = np.random.default_rng(seed)
        self.wall = self.cloth(HEIGHT, WIDTH, 90, 150)
        self.people = [(self.cloth(BODY_PX, 26, 20, 235), self.cloth(34, 12, 20, 235)) for _ in range(2)]

    def cloth(self, rows, columns, low, high):
        rough = self.rng.uniform(low, high, (rows // 5 + 2, columns // 5 + 2)).astype(np.float32)
        return cv2.resize(rough, (columns, rows), interpolation=cv2.INTER_CUBIC)

    def picture(self, places, arms=((0, 0), (0, 0)), moved=(0.0, 0.0)):
        scene = self.wall.copy()
        for (trunk, arm), (x, y), (aside, up) in zip(self.people, places, arms, strict=True):
            self.put(scene, trunk, x, y)
            self.put(scene, arm, x - 14 - aside, y - 10 - up)
            self.put(scene, arm, x + 14 + aside, y - 10 + up)
        scene = cv2.warpAffine(
            scene, np.float32([[1, 0, moved[0]], [0, 1, moved[1]]]), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT
        )
        noisy = scene + self.rng.normal(0, 2.0, scene.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)

    def put(self, scene, cloth, x, y):
        rows, columns = cloth.shape
        top, left = round(y - rows / 2), round(x - columns / 2)
        scene[max(0, top) : top + rows, max(0, left) : left + columns] = cloth[max(0, -top) :, max(0, -left) :][
            : HEIGHT - max(0, top), : WIDTH - max(0, left)
        ]


class Watch:
    """Show a camera's pictures to the detector, ten a second."""

    def __init__(self, **options):
        self.detector = KIND.make(options, Scene(camera="gang"))
        self.passed_s, self.told = 0.0, []

    def show(self, luma, seen, step_s=0.1):
        at = START + timedelta(seconds=self.passed_s)
        frame = Frame(camera="gang", at=at, arrived_mono_s=self.passed_s, is_key=True, luma=luma, colour=lambda: luma)
        self.told += self.detector.look(frame, LookContext(at=at, mono_s=self.passed_s, sightings=seen))
        self.passed_s += step_s


def fight(watch, seconds, seen=None, step_s=0.1):
    """Two pull at each other: each look another way, arms and bodies apart."""
    street = Street()
    for _ in range(round(seconds / step_s)):
        places = [np.array((x, 130)) + street.rng.normal(0, 6, 2) for x in (145, 180)]
        people = sightings([box_around(*place) for place in places]) if seen is None else seen
        watch.show(street.picture(places, street.rng.normal(0, 9, (2, 2))), people, step_s)


def walk(watch, seconds):
    """Two walk across the picture side by side and swing their arms."""
    street = Street()
    for k in range(round(seconds * 10)):
        swing = 3 * math.sin(k * 0.6)
        places = [((40 + 6 * k + 35 * n) % (WIDTH - 60) + 30, 130) for n in range(2)]
        watch.show(street.picture(places, ((0, swing), (0, -swing))), sightings([box_around(*p) for p in places]))


def test_two_who_fight_are_suspected_once_and_shown_where_they_are():
    watch = Watch()
    fight(watch, 12)
    [told] = watch.told
    assert told.kind == "fight.suspected" and told.score >= 0.55 and told.is_event
    assert told.data["count"] == 2 and 3.0 <= told.data["seconds"] <= 4.0
    [box] = told.boxes
    assert box.left < 0.5 < box.right and box.top < 130 / HEIGHT < box.bottom


def test_who_walks_or_stands_is_not_suspected():
    watch = Watch()
    walk(watch, 12)
    street, places = Street(), ((140, 130), (180, 130))
    for _ in range(80):
        watch.show(street.picture(places), sightings([box_around(*place) for place in places]))
    assert watch.told == []


def test_a_mast_that_sways_in_the_wind_is_no_fight():
    watch, street, places = Watch(), Street(), ((140, 130), (180, 130))
    for _ in range(100):
        moved = street.rng.normal(0, 2.5, 2)
        watch.show(street.picture(places, moved=moved), sightings([box_around(*place) for place in places]))
    assert watch.told == []


def test_where_nobody_is_seen_nothing_is_suspected_unless_that_was_asked_for():
    watch, without = Watch(), Watch(people=0)
    fight(watch, 8, seen=sightings([box_around(150, 130)], label="dog"))
    assert watch.told == []
    fight(without, 8, seen=())
    assert [one.kind for one in without.told] == ["fight.suspected"]
    assert "count" not in without.told[0].data


def test_a_stream_too_slow_to_see_how_people_move_is_not_judged():
    watch = Watch()
    fight(watch, 40, step_s=0.5)
    assert watch.told == []


@pytest.mark.skipif(not VTEST.exists(), reason="the film of pedestrians is not here")
def test_pedestrians_who_hurry_past_each_other_are_not_suspected():
    watch, film = Watch(), cv2.VideoCapture(str(VTEST))
    tall = 0.15 * HEIGHT
    seen = sightings([box_around(150, 130, tall), box_around(165, 130, tall)])
    for _ in range(300):
        is_there, picture = film.read()
        assert is_there
        watch.show(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), seen)
    assert watch.told == []


def test_people_are_together_when_they_reach_each_other():
    near = [box_around(100, 130), box_around(140, 130), box_around(185, 130)]
    assert most_together(near, WIDTH / HEIGHT) == 3
    assert most_together([near[0], near[2]], WIDTH / HEIGHT) == 1
    # Who is far behind is small, however near in the picture.
    assert most_together([near[0], box_around(120, 100, 30)], WIDTH / HEIGHT) == 1
    assert most_together([], 1.3) == 0


def test_who_is_hidden_in_the_scuffle_is_still_there_and_fewer_raise_the_doubt():
    company = Company(2, 0.35)
    assert not company.is_there and company.height == pytest.approx(0.35)
    company.take([box_around(100, 130)], WIDTH / HEIGHT, 0.0)
    assert company.is_there and company.doubt > 0
    company.take([box_around(100, 130), box_around(140, 130)], WIDTH / HEIGHT, 1.0)
    company.take([], WIDTH / HEIGHT, 20.0)
    assert company.count == 2 and company.doubt == 0
    company.take([], WIDTH / HEIGHT, 40.0)
    assert not company.is_there


def test_how_tall_people_are_is_learnt_from_many_not_from_two_seconds_of_parts():
    company = Company(2, 0.35)
    for k in range(20):
        company.take([box_around(100, 130, 0.1 * HEIGHT)], WIDTH / HEIGHT, 0.1 * k)
    assert company.height > 0.27
    for k in range(3000):
        company.take([box_around(100, 130, 0.1 * HEIGHT)], WIDTH / HEIGHT, 2 + 0.1 * k)
    assert company.height == pytest.approx(0.1, rel=0.1)


def judge(suspicion, odds, seconds, start_s):
    told = (suspicion.take(odds, start_s + 0.5 * k) for k in range(round(seconds * 2)))
    return [one for one in told if one is not None]


def test_a_suspicion_is_told_anew_only_after_it_has_been_calm():
    suspicion = Suspicion(0.2, 3.0)
    assert len(judge(suspicion, 1.0, 30, 0)) == 1
    assert judge(suspicion, -2.0, 10, 30) == []
    assert judge(suspicion, 1.0, 10, 40) == []
    assert judge(suspicion, -2.0, 40, 50) == []
    [(mean, seconds)] = judge(suspicion, 1.0, 10, 90)
    assert mean > 0.2 and seconds >= 3.0


def test_a_jolt_and_looks_with_a_gap_between_are_no_suspicion():
    suspicion = Suspicion(0.2, 3.0)
    for k in range(10):
        assert judge(suspicion, 1.0, 2, 20 * k) == []
    for k in range(20):
        assert judge(suspicion, -1.5 if k % 4 else 2.0, 0.5, 300 + 0.5 * k) == []


def test_a_place_that_is_always_lively_raises_its_own_limit_and_a_real_brawl_still_counts():
    suspicion = Suspicion(0.2, 3.0)
    judge(suspicion, 0.4, 1200, 0)
    assert suspicion.limit > 0.8
    assert judge(suspicion, 0.6, 60, 1300) == []
    assert judge(suspicion, -1.0, 40, 1360) == []
    assert len(judge(suspicion, 1.6, 20, 1400)) == 1
    judge(suspicion, -1.0, 7200, 1420)
    assert suspicion.limit == 0.2


def test_wrong_options_are_refused():
    assert SCHEMA({})["people"] == 2
    for wrong in ({"people": -1}, {"min_score": 1}, {"height": 0}, {"for": "sebentar"}, {"persons": 2}):
        with pytest.raises(vol.Invalid):
            SCHEMA(wrong)
