"""Speeds, bus lanes and counts against a street whose metres are known; people who run and fall in it."""

import random

import pytest
from street import KINDS, Pole, Street

from siaga.core.contracts import Scene
from siaga.core.types import Box

LANE = {"busway": ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))}


# --- speed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kmh", [45, 60, 80])
@pytest.mark.parametrize("pole", [Pole(), Pole(4.5, 15), Pole(9, 35)])
def test_who_drives_too_fast_is_told_once_with_the_true_speed(kmh, pole):
    street = Street("traffic", pole=pole, speed_above=40, fps=10)
    street.drive(kmh / 3.6)
    assert street.kinds() == ["traffic.speed"]
    told = street.told[0][2]
    assert told["kmh"] == pytest.approx(kmh, rel=0.12)
    assert told["limit_kmh"] == 40 and told["margin_kmh"] >= 0 and told["metres"] >= 4


def test_of_many_drives_nobody_below_the_limit_is_told_and_nobody_well_above_is_missed():
    source, wrong, missed, fast = random.Random(5), [], [], 0
    for seed in range(120):
        kmh = source.uniform(15, 75)
        street = Street("traffic", speed_above=40, seed=seed, fps=10, shake=0.04, pole=Pole(source.uniform(5, 9), 25))
        y = (9.0, 45.0) if source.random() < 0.5 else (45.0, 9.0)
        street.drive(kmh / 3.6, y=y, x=source.uniform(-3, 3))
        if kmh <= 40 and street.told:
            wrong.append(kmh)
        if kmh >= 52:
            fast += 1
            missed += [kmh] if not street.told else []
    assert wrong == []
    assert fast > 20 and len(missed) <= 0.05 * fast


def test_a_parked_car_whose_box_trembles_has_no_speed():
    street = Street("traffic", speed_above=10, shake=0.15, fps=10)
    for _ in range(600):
        street.look((1, "car", street.pole.box(0.5, 25, 1.8, 1.5, street.shake, street.random)))
    assert street.told == []


def test_a_box_that_is_cut_by_the_pictures_edge_is_not_measured():
    street = Street("traffic", speed_above=10, fps=10)
    for number in range(40):
        street.look((1, "car", Box(left=0.3, top=0.6 - number * 0.01, right=0.6, bottom=1.0)))
    assert street.told == []


def test_speed_without_ground_is_refused_in_words():
    with pytest.raises(ValueError, match="ground"):
        KINDS["traffic"].make({"speed_above": 40}, Scene(camera="jalan"))


# --- bus lane ----------------------------------------------------------------------------------------


def test_a_motorcycle_along_the_bus_lane_is_told_and_a_bus_is_not():
    street = Street("traffic", zones=LANE, zone="busway", bus_lane_for="2 s")
    street.drive(8.0, track=1, label="motorcycle")
    street.drive(8.0, track=2, label="bus", size=(2.5, 3.2))
    assert [(kind, data["label"]) for _, kind, data in street.told] == [("traffic.bus_lane", "motorcycle")]


def test_who_crosses_the_lane_or_waits_in_it_does_not_use_it():
    street = Street("traffic", zones=LANE, zone="busway", bus_lane_for="2 s")
    for number in range(8):
        street.look((1, "car", street.pole.box(-4 + number, 20, 1.8, 1.5)))
    for _ in range(100):
        street.look((2, "car", street.pole.box(0, 30, 1.8, 1.5, 0.03, street.random)))
    assert street.told == []


# --- counts ------------------------------------------------------------------------------------------


def test_who_passes_is_counted_by_way_and_kind_and_told_after_each_while():
    street = Street("traffic", count_line=[[0.1, 0.55], [0.9, 0.55]], count_every="60 s")
    for track, (label, y) in enumerate(
        [("car", (9, 40)), ("car", (9, 40)), ("bus", (40, 9)), ("motorcycle", (9, 40)), ("person", (9, 40))]
    ):
        street.drive(12.0, track=track, label=label, y=y)
    assert street.readings[-1]["count"] == 4
    while street.now_s < 65:
        street.look()
    ((_, kind, data),) = street.told
    assert kind == "traffic.count" and data["labels"] == {"car": 2, "bus": 1, "motorcycle": 1}
    assert sorted((data["left"], data["right"])) == [1, 3] and data["seconds"] == pytest.approx(60, abs=1)
    while street.now_s < 130:
        street.look()
    assert street.told[-1][2]["count"] == 0


# --- people who run ----------------------------------------------------------------------------------

BODY = (0.5, 1.65)


@pytest.mark.parametrize("ground", [True, False])
def test_who_runs_is_told_and_who_walks_or_hurries_is_not(ground):
    across = Street("running", ground=ground)
    for number, speed in enumerate((1.0, 1.4, 2.0)):
        for step in range(30):
            across.look((number, "person", across.pole.box(-3 + speed * step / 5, 15, *BODY, 0.02, across.random)))
    assert across.told == []
    for step in range(20):
        across.look((9, "person", across.pole.box(-6 + 4.2 * step / 5, 15, *BODY, 0.02, across.random)))
    assert across.kinds() == ["person.running"]
    assert across.told[0][2]["mps"] == pytest.approx(4.2, rel=0.15)
    assert across.told[0][2]["is_measured"] is ground


def test_a_panic_is_one_event_and_one_runner_is_none_where_three_are_asked_for():
    street = Street("running", people=3)
    street.drive(4.0, y=(12, 30), label="person", size=BODY)
    assert street.told == []
    for step in range(40):
        street.look(
            *(
                (10 + n, "person", street.pole.box(n - 2, 12 + 4 * step / 5, *BODY, 0.02, street.random))
                for n in range(5)
            )
        )
    assert street.kinds() == ["person.running"] and street.told[0][2]["count"] >= 3


def test_people_who_stand_in_a_trembling_picture_do_not_run():
    street = Street("running", shake=0.08)
    for _ in range(500):
        street.look(*((n, "person", street.pole.box(n - 2, 14 + 3 * n, *BODY, 0.08, street.random)) for n in range(4)))
    assert street.told == []


# --- people who fall ---------------------------------------------------------------------------------


def lie(street, seconds, y=15.0, x=0.0, track=1, shake=0.03):
    for _ in range(round(seconds / street.step_s)):
        street.look((track, "person", street.pole.box(x, y, 1.7, 0.45, shake, street.random)))


def stand(street, seconds, y=15.0, x=0.0, track=1, high=1.65):
    for _ in range(round(seconds / street.step_s)):
        street.look((track, "person", street.pole.box(x, y, 0.5, high, 0.03, street.random)))


def test_who_falls_and_stays_down_is_told_once():
    street = Street("fallen")
    stand(street, 5)
    lie(street, 60)
    assert street.kinds() == ["person.fallen"]
    assert street.told[0][0] == pytest.approx(15, abs=1.5)


def test_who_gets_up_again_in_time_is_not_told():
    street = Street("fallen")
    for _ in range(5):
        stand(street, 5)
        lie(street, 6)
    assert street.told == []


def test_who_is_lost_while_falling_and_found_on_the_ground_is_told():
    street = Street("fallen")
    stand(street, 5)
    for _ in range(10):
        street.look()
    lie(street, 20, track=2, x=0.4)
    assert street.kinds() == ["person.fallen"]


def test_who_sits_bends_or_walks_away_small_is_not_told():
    street = Street("fallen")
    stand(street, 5)
    stand(street, 60, high=0.85)  # crouching
    street.drive(1.3, y=(10, 80), label="person", size=(0.5, 1.65), track=2)
    street.drive(1.0, y=(20, 40), label="person", size=(1.2, 1.5), track=3)  # with a cart
    assert street.told == []


def test_a_low_wide_thing_that_never_stood_is_no_fallen_person():
    street = Street("fallen")
    lie(street, 60)
    assert street.told == []
