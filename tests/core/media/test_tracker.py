import random
from datetime import datetime, timedelta, timezone

import numpy as np
from scipy.optimize import linear_sum_assignment

from siaga.core.media.assignment import pair_up
from siaga.core.media.tracker import Tracker
from siaga.core.media.witness import Witness
from siaga.core.types import Box, Detection

START = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
YARD = {"halaman": ((0.4, 0.0), (1.0, 0.0), (1.0, 1.0), (0.4, 1.0))}


def person(x, y=0.5, score=0.7, label="person", width=0.06, height=0.2):
    return Detection(
        label=label,
        score=score,
        box=Box(left=x - width / 2, top=y - height / 2, right=x + width / 2, bottom=y + height / 2),
    )


def look(follower, detections, t):
    call = follower.look if isinstance(follower, Witness) else follower.update
    return call(detections, START + timedelta(seconds=t), 100.0 + t)


def ids(tracker):
    return {track.id: track.x for track in tracker.tracks if track.is_confirmed}


def test_two_people_who_cross_keep_their_ids():
    tracker, rng = Tracker(), random.Random(3)
    for k in range(40):
        t = 0.2 * k
        right, left = 0.1 + 0.1 * t, 0.9 - 0.1 * t
        seen = [person(right, 0.50), person(left, 0.56)]
        rng.shuffle(seen)
        look(tracker, seen, t)
    assert set(ids(tracker)) == {1, 2}
    begun_left = [x for x in ids(tracker).values() if x > 0.5]
    assert len(begun_left) == 1
    first = next(t for t in tracker.tracks if t.id == min(ids(tracker)))
    assert abs(first.speed_x) > 0.05


def test_looks_at_irregular_times_do_not_lose_a_walker():
    tracker, rng, t = Tracker(), random.Random(5), 0.0
    for _ in range(40):
        t += rng.choice((0.1, 0.2, 0.3, 0.7, 1.0))
        look(tracker, [person(0.1 + 0.03 * t + rng.uniform(-0.004, 0.004))], t)
    assert set(ids(tracker)) == {1}


def test_somebody_hidden_for_two_seconds_comes_back_under_the_same_id():
    tracker = Tracker()
    for k in range(30):
        t = 0.2 * k
        look(tracker, [] if 2.0 < t < 4.0 else [person(0.2 + 0.03 * t)], t)
    assert set(ids(tracker)) == {1}


def test_a_faint_detection_continues_a_track_and_never_begins_one():
    tracker = Tracker(clear_score=0.5)
    for k in range(5):
        look(tracker, [person(0.3, score=0.3)], 0.2 * k)
    assert tracker.tracks == []
    look(tracker, [person(0.3)], 1.2)
    look(tracker, [person(0.3)], 1.4)
    for k in range(60):
        look(tracker, [person(0.3, score=0.3)], 1.6 + 0.2 * k)
    assert set(ids(tracker)) == {1} and tracker.tracks[0].misses == 0


def test_a_single_ghost_is_not_told_and_asks_for_a_second_look():
    witness = Witness({})
    assert look(witness, [person(0.3, score=0.6)], 0.0) == []
    assert witness.has_tentative
    assert look(witness, [], 0.2) == []
    assert not witness.has_tentative and witness.sightings == ()


def test_a_very_sure_look_is_told_at_once():
    told = look(Witness({}), [person(0.3, score=0.85)], 0.0)
    assert [one.kind for one in told] == ["object.person"]
    assert told[0].data["label"] == "person" and told[0].data["track"] == 1


def test_each_person_and_each_step_into_a_zone_is_told_once():
    witness, told = Witness(YARD), []
    path = [0.1 + 0.01 * k for k in range(60)] + [0.7] * 40 + [0.7 - 0.01 * k for k in range(50)]
    for k, x in enumerate(path):
        told += look(witness, [person(x)], 0.2 * k)
    assert [(one.kind, one.zone) for one in told] == [
        ("object.person", None),
        ("zone.enter", "halaman"),
        ("zone.leave", "halaman"),
    ]
    assert {one.data["track"] for one in told} == {1}


def test_a_detector_bound_to_a_zone_tells_nothing_of_the_street_outside():
    witness, told = Witness({**YARD, "jalan": ((0, 0), (0.4, 0), (0.4, 1), (0, 1))}, wanted_zones=["halaman"]), []
    for k in range(50):
        told += look(witness, [person(0.1 + 0.01 * k), person(0.15, y=0.2)], 0.2 * k)
    assert [(one.kind, one.zone) for one in told] == [("object.person", "halaman"), ("zone.enter", "halaman")]


def test_who_disappears_inside_a_zone_has_left_it():
    witness, told = Witness(YARD), []
    for k in range(60):
        told += look(witness, [person(0.7)] if k < 10 else [], 0.2 * k)
    assert [one.kind for one in told] == ["object.person", "zone.enter", "zone.leave"]


def test_a_truck_that_is_a_car_at_some_looks_is_one_vehicle():
    witness, told = Witness({}), []
    for k in range(30):
        label = "truck" if k % 4 == 0 else "car"
        told += look(witness, [person(0.2 + 0.01 * k, label=label, width=0.2)], 0.2 * k)
    assert len(told) == 1
    assert [s.label for s in witness.sightings] == ["car"]


def test_pairs_cost_as_little_as_scipys():
    rng = random.Random(1)
    for _ in range(150):
        rows, columns = rng.randint(1, 9), rng.randint(1, 9)
        costs = {(i, j): rng.random() for i in range(rows) for j in range(columns) if rng.random() < 0.6}
        table = np.full((rows, columns + rows), 1e6)
        for (i, j), cost in costs.items():
            table[i, j] = cost
        table[:, columns:] = 1.5
        best = table[linear_sum_assignment(table)].sum()
        pairs = pair_up(costs, 1.5)
        assert abs(sum(costs[p] for p in pairs) + 1.5 * (rows - len(pairs)) - best) < 1e-9


def test_a_crowd_of_sixty_is_paired_within_a_look():
    tracker, rng = Tracker(), random.Random(2)
    places = [(rng.random(), rng.random()) for _ in range(60)]
    for k in range(10):
        look(tracker, [person(x + 0.002 * k, y, width=0.02, height=0.06) for x, y in places], 0.2 * k)
    assert len(ids(tracker)) == 60 and max(ids(tracker)) == 60
