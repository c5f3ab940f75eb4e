from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
import voluptuous as vol
from street import Pole

from siaga.core.contracts import LookContext, Scene
from siaga.core.types import Box, Frame, Sighting
from siaga.plugins.detectors.crowd import SCHEMA, CrowdDetector

START = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
SCENE = Scene(camera="halaman", zones={"halaman": ((0, 0), (1, 0), (1, 1), (0, 1))})


def people(count, zones=("halaman",), label="person"):
    box = Box(left=0.1, top=0.1, right=0.2, bottom=0.5)
    return tuple(
        Sighting(track=k, label=label, score=0.8, box=box, zones=zones, first_seen=START, last_seen=START)
        for k in range(count)
    )


def watch(detector, counts, every_s=0.5, start_s=0.0, clock_is_off_s=0.0, **of):
    events, readings = [], []
    for k, count in enumerate(counts):
        mono_s = start_s + every_s * k
        at = START + timedelta(seconds=mono_s + clock_is_off_s)
        for said in detector.look(None, LookContext(at=at, mono_s=mono_s, sightings=people(count, **of))):
            (events if said.is_event else readings).append(said)
    return events, readings


def told(events):
    return [(e.kind, e.data["count"]) for e in events]


def test_a_count_that_flickers_is_one_event():
    detector = CrowdDetector({"zone": "halaman"}, SCENE)
    events, readings = watch(detector, [5, 4, 5, 5, 0, 5, 6, 5, 4, 5, 5, 5] * 10)
    assert told(events) == [("crowd.count", 5)]
    assert len(readings) == 120 and readings[-1].data["count"] == 5
    assert readings[-1].zone == "halaman"


def test_a_crowd_that_stays_is_told_once_until_it_has_gone():
    detector = CrowdDetector({"zone": "halaman", "above": 3, "for": "5 s", "step": 100}, SCENE)
    events, _ = watch(detector, [5] * 60 + [4, 3] * 20 + [6] * 40)
    assert told(events) == [("crowd.high", 5)]
    assert events[0].data["limit"] == 3
    events, _ = watch(detector, [0] * 20 + [7] * 40, start_s=100)
    assert [kind for kind, _ in told(events)].count("crowd.high") == 1


def test_a_crowd_that_passes_by_in_three_seconds_is_not_told_as_high():
    detector = CrowdDetector({"above": 3, "for": 10}, SCENE)
    events, _ = watch(detector, [0] * 10 + [9] * 14 + [0] * 30)
    assert "crowd.high" not in [e.kind for e in events]


def test_only_the_label_and_the_zone_that_were_asked_for_count():
    detector = CrowdDetector({"zone": "halaman"}, SCENE)
    assert watch(detector, [9] * 20, zones=())[0] == []
    assert watch(detector, [9] * 20, label="motorcycle", start_s=30)[0] == []
    everywhere = CrowdDetector({}, SCENE)
    assert told(watch(everywhere, [9] * 20, zones=())[0]) == [("crowd.count", 9)]


def test_everybody_leaving_is_told_also_when_the_step_is_larger():
    detector = CrowdDetector({"step": 3}, SCENE)
    events, _ = watch(detector, [4] * 20 + [3] * 20 + [0] * 20)
    assert told(events) == [("crowd.count", 4), ("crowd.count", 0)]


def test_wrong_options_are_refused_in_words():
    with pytest.raises(vol.Invalid, match="lama waktu"):
        SCHEMA({"for": "sebentar"})
    with pytest.raises(vol.Invalid):
        SCHEMA({"above": 0})
    with pytest.raises(ValueError, match="halaman"):
        CrowdDetector({"zone": "pasar"}, SCENE)


def test_a_clock_that_is_set_forward_makes_no_crowd_of_people_who_just_came():
    detector = CrowdDetector({"above": 3, "for": 10, "step": 100}, SCENE)
    assert watch(detector, [9] * 16)[0] == []
    events, _ = watch(detector, [9] * 2, start_s=8.0, clock_is_off_s=3600.0)
    assert events == []
    events, _ = watch(detector, [9] * 10, start_s=9.0, clock_is_off_s=3600.0)
    assert told(events) == [("crowd.high", 9)]


def test_a_crowd_before_an_outage_is_no_crowd_after_it_until_it_was_seen_for_long_enough():
    detector = CrowdDetector({"above": 3, "for": 10, "step": 100}, SCENE)
    watch(detector, [9] * 20)
    events, readings = watch(detector, [0] * 20, start_s=3600.0)
    assert "crowd.high" not in [event.kind for event in events]
    assert readings[-1].data["count"] == 0


def test_a_crowd_that_is_still_there_after_a_restart_is_not_told_twice_and_its_end_is():
    told_before = {"crowd.count": {"count": 9}, "crowd.high": {"count": 9}}
    detector = CrowdDetector({"above": 3, "for": 5}, SCENE)
    detector.resume(told_before)
    # The first look finds nobody yet: tracks begin anew in an eye that was replaced.
    assert watch(detector, [0, 0, 0] + [9] * 60)[0] == []
    events, _ = watch(detector, [0] * 20, start_s=32.0)
    assert told(events) == [("crowd.count", 0)]
    gone = CrowdDetector({"above": 3, "for": 5}, SCENE)
    gone.resume(told_before)
    assert told(watch(gone, [0] * 20)[0]) == [("crowd.count", 0)]
    again = CrowdDetector({"above": 3, "for": 5}, SCENE)
    again.resume({"crowd.count": {"count": 0}, "crowd.high": {"count": 9}})
    assert "crowd.high" in [kind for kind, _ in told(watch(again, [9] * 40)[0])]


def test_density_trend_and_a_least_number_are_told_with_the_count():
    detector = CrowdDetector({"zone": "halaman", "area_m2": 20, "step": 1}, SCENE)
    _, readings = watch(detector, [4] * 200 + [12] * 40)
    assert readings[190].data["per_m2"] == 0.2 and readings[190].data["trend"] == "steady"
    assert readings[-1].data["trend"] == "gathering" and not readings[-1].data["is_at_least"]
    _, readings = watch(detector, [12] * 200 + [2] * 40, start_s=120)
    assert readings[150].data["trend"] == "steady" and readings[-1].data["trend"] == "dispersing"
    _, readings = watch(detector, [45] * 30, start_s=240)
    assert readings[-1].data["count"] == 45 and readings[-1].data["is_at_least"]


def test_a_count_that_wavers_by_a_few_is_no_trend():
    detector = CrowdDetector({"zone": "halaman"}, SCENE)
    _, readings = watch(detector, [10, 11, 12, 11, 10, 9, 10, 11] * 60)
    assert {reading.data["trend"] for reading in readings[20:]} == {"steady"}


def test_the_area_of_a_zone_comes_from_the_cameras_ground_where_it_is_measured():
    pole = Pole(6.0, 8.0)
    ground = pole.ground(width=6.0, near=14.0, far=30.0)
    square = tuple(pole.see(*corner) for corner in ((-2, 15), (2, 15), (2, 20), (-2, 20)))
    scene = Scene(
        camera="halaman", zones={"lapangan": square, "langit": ((0.1, 0.0), (0.9, 0.0), (0.5, 0.1))}, ground=ground
    )
    for zone, area in (("lapangan", 20.0), ("langit", None)):
        detector = CrowdDetector({"zone": zone}, scene)
        assert detector._area_m2 == (pytest.approx(area) if area else None)


class Faces:
    """Find as many faces as a test wants, in two rows."""

    def __init__(self, *counts):
        self.counts = counts

    def find(self, bgr):
        (left, right), self.counts = self.counts[:2], self.counts[2:] or self.counts
        return [
            Box(left=x + 0.01 * n, top=0.4, right=x + 0.01 * n + 0.008, bottom=0.45)
            for x, count in ((0.1, left), (0.6, right))
            for n in range(count)
        ]


def test_where_faces_are_counted_too_the_greater_number_counts_and_only_in_the_zone():
    zones = {"kiri": ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))}
    scene = Scene(camera="halaman", zones=zones)
    picture = np.zeros((48, 64, 3), np.uint8)
    for bodies, faces, expected in ((4, 17, 17), (9, 3, 9)):
        detector = CrowdDetector({"zone": "kiri", "faces": True}, scene, Faces(faces, 30))
        assert detector.wants.pixels == "colour" and detector.wants.interval_s == 2.0
        for second in range(0, 20, 2):
            at = START + timedelta(seconds=second)
            frame = Frame(
                camera="halaman", at=at, arrived_mono_s=float(second), is_key=True, luma=picture[..., 0],
                colour=lambda: picture,
            )  # fmt: skip
            seen = people(bodies, zones=("kiri",))
            told = detector.look(frame, LookContext(at=at, mono_s=float(second), sightings=seen))
        assert told[0].data["count"] == expected


def test_faces_are_not_looked_for_unless_asked_for():
    detector = CrowdDetector({"zone": "halaman"}, SCENE, Faces(9, 9))
    assert detector.wants.pixels == "none"
    assert detector.look(None, LookContext(at=START, sightings=people(2)))[0].data["count"] == 0
