"""The ground of a camera: metres come back exactly, what is no ground is refused in words, presets decide."""

import random

import pytest
import voluptuous as vol
from street import Pole

from siaga.core import ground_options
from siaga.core.ground import Ground, is_sound

RECTANGLE = ground_options.metres([6, 25])
POINTS = ((0.1, 0.95), (0.9, 0.95), (0.6, 0.4), (0.4, 0.4))


def test_corners_are_their_metres_and_the_horizon_is_no_place():
    ground = Ground(points=POINTS, metres=RECTANGLE)
    for point, metres in zip(POINTS, RECTANGLE, strict=True):
        assert ground.place(point) == pytest.approx(metres, abs=1e-9)
    assert ground.area_m2(POINTS) == pytest.approx(150)
    assert ground.place((0.5, 0.1)) is None
    assert ground.area_m2(((0.1, 0.9), (0.9, 0.9), (0.5, 0.1))) is None


@pytest.mark.parametrize("pole", [Pole(), Pole(3.5, 12), Pole(12, 50, 90), Pole(5, 8, 40)])
def test_a_cameras_ground_is_measured_exactly_everywhere_below_the_horizon(pole):
    ground, source = pole.ground(), random.Random(3)
    for _ in range(200):
        x, y = source.uniform(-8, 8), source.uniform(4, 90)
        assert ground.place(pole.see(x, y)) == pytest.approx((x + 3.0, y - 8.0), abs=1e-4)


@pytest.mark.parametrize(
    "points",
    [
        ((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)),
        ((0.1, 0.5), (0.5, 0.5), (0.9, 0.5), (0.5, 0.1)),
        ((0.5, 0.5), (0.5, 0.5), (0.9, 0.9), (0.1, 0.9)),
        ((0.1, 0.9), (0.9, 0.9), (0.5, 0.8), (0.5, 0.2)),
    ],
)
def test_points_that_make_no_ground_are_refused(points):
    assert not is_sound(points, RECTANGLE)
    with pytest.raises(vol.Invalid, match="ground"):
        ground_options.sound_ground({"points": points, "metres": RECTANGLE})


@pytest.mark.parametrize(
    "metres", [[6], [6, 0], [6, -2], "6x25", [True, 5], [[0, 0], [1, 0], [1, 1]], [6, 5000], [[0, 0]] * 4]
)
def test_metres_that_are_none_are_refused(metres):
    with pytest.raises(vol.Invalid):
        ground_options.sound_ground({"points": POINTS, "metres": ground_options.metres(metres)})
