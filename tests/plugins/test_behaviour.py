"""The detectors of behaviour, on sightings whose truth is known: who stays, who crosses, who drives the wrong way."""

import itertools
import math
import random
from datetime import datetime, timedelta, timezone

import pytest
import voluptuous as vol

from siaga.core.contracts import LookContext, Scene
from siaga.core.types import Box, Sighting
from siaga.plugins.detectors.behaviour import offer_detectors

START = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
KINDS = {kind.name: kind for kind in offer_detectors()}
ZONES = {"gerbang": ((0.3, 0.3), (0.7, 0.3), (0.7, 0.9), (0.3, 0.9))}


class Scenes:
    """Show a detector things that walk and drive, five times a second, with the trembling of a real box."""

    def __init__(self, kind, seed=1, **options) -> None:
        self.detector = KINDS[kind].make(options, Scene(camera="gang", zones=ZONES))
        self.random = random.Random(seed)
        self.now_s = 0.0
        self.told = []
        self._first = {}

    def at(self, seconds):
        return START + timedelta(seconds=seconds)

    def look(self, *things):
        """Show things: (track, label, x, y of the foot); one with ``None`` as x is hidden and not seen now."""
        seen = []
        for track, label, x, y in things:
            first, _ = self._first.setdefault(track, [self.now_s, None])
            if x is not None:
                dx, dy = self.random.gauss(0, 0.003), self.random.gauss(0, 0.003)
                box = Box(left=x - 0.03 + dx, top=y - 0.2 + dy, right=x + 0.03 + dx, bottom=y + dy)
                inside = 0.3 <= x <= 0.7 and 0.3 <= y <= 0.9
                self._first[track][1] = (box, self.now_s, ("gerbang",) if inside else ())
            box, seen_s, zones = self._first[track][1]
            seen.append(
                Sighting(
                    track=track, label=label, score=0.8, box=box, zones=zones,
                    first_seen=self.at(first), last_seen=self.at(seen_s),
                )
            )  # fmt: skip
        context = LookContext(at=self.at(self.now_s), sightings=tuple(seen), mono_s=self.now_s)
        said = self.detector.look(None, context)
        self.told += [(self.now_s, one.kind, one.data) for one in said]
        self.now_s += 0.2
        return said

    def run(self, seconds, where):
        """Let things move for so long; ``where`` gives them for each moment since now."""
        began = self.now_s
        while self.now_s < began + seconds:
            self.look(*where(self.now_s - began))

    def walk(self, seconds, begin, end, track=1, label="person"):
        def where(passed):
            share = min(1.0, passed / seconds)
            x, y = (a + share * (b - a) for a, b in zip(begin, end, strict=True))
            return [(track, label, x, y)]

        self.run(seconds, where)

    def stand(self, seconds, at, track=1, label="person"):
        self.run(seconds, lambda _: [(track, label, *at)])

    def nothing(self, seconds):
        self.run(seconds, lambda _: [])

    def kinds(self):
        return [kind for _, kind, _ in self.told]


# --- loitering ---------------------------------------------------------------------------------------


def test_who_stays_for_long_enough_is_told_once():
    scene = Scenes("loitering", zone="gerbang", **{"for": "60 s"})
    scene.stand(59, (0.5, 0.6))
    assert scene.told == []
    scene.stand(300, (0.52, 0.6))
    assert scene.kinds() == ["loiter.person"]
    assert scene.told[0][2]["seconds"] == pytest.approx(60, abs=2)


def test_who_walks_about_inside_the_zone_loiters_too():
    scene = Scenes("loitering", zone="gerbang", **{"for": "60 s"})
    scene.run(90, lambda s: [(1, "person", 0.5 + 0.15 * math.sin(s / 5), 0.6 + 0.1 * math.cos(s / 7))])
    assert scene.kinds() == ["loiter.person"]


def test_many_who_only_pass_are_never_told():
    scene = Scenes("loitering", zone="gerbang", **{"for": "60 s"})
    for track in range(1, 40):
        scene.walk(15, (0.1, 0.6), (0.9, 0.6), track=track)
    assert scene.told == []


def test_who_is_lost_behind_a_pole_and_followed_under_a_new_number_has_stayed():
    scene = Scenes("loitering", zone="gerbang", **{"for": "60 s"})
    for track in itertools.count(1):
        scene.stand(12, (0.5 + 0.02 * (track % 2), 0.6), track=track)
        scene.nothing(4)
        if scene.now_s > 90:
            break
    assert scene.kinds() == ["loiter.person"]


def test_two_who_stand_together_are_two():
    scene = Scenes("loitering", zone="gerbang", **{"for": "60 s"})
    scene.run(70, lambda _: [(1, "person", 0.45, 0.6), (2, "person", 0.5, 0.6)])
    assert scene.kinds() == ["loiter.person", "loiter.person"]


def test_who_left_and_came_back_later_begins_anew():
    scene = Scenes("loitering", zone="gerbang", **{"for": "60 s"})
    scene.stand(50, (0.5, 0.6))
    scene.stand(40, (0.95, 0.6))
    scene.stand(50, (0.5, 0.6))
    assert scene.told == []


def test_a_motorcycle_that_is_parked_does_not_loiter():
    scene = Scenes("loitering", zone="gerbang", **{"for": "60 s"})
    scene.stand(200, (0.5, 0.6), label="motorcycle")
    assert scene.told == []


def test_after_a_time_without_pictures_nobody_has_stayed():
    scene = Scenes("loitering", zone="gerbang", **{"for": "60 s"})
    scene.stand(50, (0.5, 0.6))
    scene.now_s += 120
    scene.stand(50, (0.5, 0.6))
    assert scene.told == []


# --- lines -------------------------------------------------------------------------------------------

LINE = [[0.2, 0.5], [0.8, 0.5]]


def test_a_crossing_is_told_once_with_its_direction_and_the_counts():
    scene = Scenes("line", line=LINE, name="gerbang")
    scene.walk(6, (0.5, 0.3), (0.5, 0.8), track=1)
    scene.walk(6, (0.6, 0.8), (0.6, 0.3), track=2)
    scene.walk(6, (0.4, 0.3), (0.4, 0.8), track=3)
    said = [(data["direction"], data["right"], data["left"]) for _, _, data in scene.told]
    assert said == [("right", 1, 0), ("left", 1, 1), ("right", 2, 1)]


def test_who_stands_trembling_on_the_line_does_not_cross_it():
    scene = Scenes("line", line=LINE)
    scene.walk(3, (0.5, 0.3), (0.5, 0.497))
    scene.stand(300, (0.5, 0.5))
    assert len(scene.told) <= 1


def test_who_walks_around_the_end_of_the_line_does_not_cross_it():
    scene = Scenes("line", line=LINE)
    scene.walk(4, (0.9, 0.3), (0.9, 0.8))
    scene.walk(4, (0.9, 0.8), (0.5, 0.8))
    assert scene.told == []


def test_only_the_direction_that_was_asked_for_is_told_and_both_are_counted():
    scene = Scenes("line", line=LINE, direction="left")
    scene.walk(6, (0.5, 0.3), (0.5, 0.8), track=1)
    scene.walk(6, (0.6, 0.8), (0.6, 0.3), track=2)
    assert [(data["direction"], data["right"], data["left"]) for _, _, data in scene.told] == [("left", 1, 1)]


def test_a_slanted_line_knows_its_sides():
    scene = Scenes("line", line=[[0.2, 0.2], [0.8, 0.8]])
    scene.walk(6, (0.7, 0.3), (0.3, 0.7))
    assert [data["direction"] for _, _, data in scene.told] == ["right"]


def test_counts_go_on_after_a_restart():
    scene = Scenes("line", line=LINE, name="gerbang")
    scene.detector.resume({"line.cross": {"line": "gerbang", "right": 41, "left": 7}})
    scene.walk(6, (0.5, 0.3), (0.5, 0.8))
    assert scene.told[0][2]["right"] == 42


@pytest.mark.parametrize("line", [[[0.2, 0.5]], [[0.2, 0.5], [0.2, 0.5]], [[0.2, 0.5], [1.4, 0.5]], "gerbang"])
def test_a_line_that_is_none_is_refused(line):
    with pytest.raises(vol.Invalid):
        Scenes("line", line=line)


# --- traffic -----------------------------------------------------------------------------------------

WAY = [[0.1, 0.6], [0.9, 0.6]]


def test_a_motorcycle_against_the_direction_is_told_once():
    scene = Scenes("traffic", way=WAY)
    scene.walk(8, (0.9, 0.6), (0.1, 0.62), label="motorcycle")
    assert scene.kinds() == ["traffic.wrong_way"]


def test_who_drives_the_right_way_or_across_is_not_told():
    scene = Scenes("traffic", way=WAY)
    scene.walk(8, (0.1, 0.6), (0.9, 0.6), track=1, label="car")
    scene.walk(5, (0.5, 0.3), (0.45, 0.9), track=2, label="motorcycle")
    assert scene.told == []


def test_who_pushes_a_motorcycle_back_a_little_or_waits_is_not_told():
    scene = Scenes("traffic", way=WAY)
    scene.stand(30, (0.6, 0.6), label="motorcycle")
    scene.walk(4, (0.6, 0.6), (0.54, 0.6), label="motorcycle")
    scene.stand(30, (0.54, 0.6), label="motorcycle")
    assert scene.told == []


def test_a_person_against_the_traffic_is_not_told():
    scene = Scenes("traffic", way=WAY)
    scene.walk(8, (0.9, 0.6), (0.1, 0.6), label="person")
    assert scene.told == []


def test_a_car_that_stands_too_long_is_told_once_though_buses_hide_it():
    scene = Scenes("traffic", zone="gerbang", stopped_for="60 s")
    for _ in range(6):
        scene.stand(18, (0.5, 0.6), label="car")
        scene.nothing(6)
    assert scene.kinds() == ["traffic.stopped"]


def test_cars_that_creep_in_a_jam_are_not_told():
    scene = Scenes("traffic", zone="gerbang", stopped_for="60 s")
    scene.run(160, lambda s: [(1, "car", 0.35, 0.33 + 0.14 * (s // 40))])
    assert scene.told == []


def test_a_car_that_stops_again_elsewhere_is_told_again():
    scene = Scenes("traffic", zone="gerbang", stopped_for="60 s")
    scene.stand(70, (0.4, 0.5), label="car")
    scene.walk(5, (0.4, 0.5), (0.6, 0.8), label="car")
    scene.stand(70, (0.6, 0.8), label="car")
    assert scene.kinds() == ["traffic.stopped", "traffic.stopped"]


def test_a_traffic_detector_that_would_do_nothing_is_refused():
    with pytest.raises(vol.Invalid):
        Scenes("traffic", zone="gerbang")


@pytest.mark.parametrize("kind", ["loitering", "traffic"])
def test_a_zone_that_the_camera_does_not_have_is_refused_by_name(kind):
    with pytest.raises(ValueError, match="gerbang"):
        Scenes(kind, zone="pagar", **({"stopped_for": "60 s"} if kind == "traffic" else {}))
