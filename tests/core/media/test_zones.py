from hypothesis import given
from hypothesis import strategies as st

from siaga.core.media.zones import BORDER, ZoneSteps
from siaga.core.polygons import depth_in

YARD = ((0.2, 0.5), (0.8, 0.5), (0.8, 1.0), (0.2, 1.0))
HOOK = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.6, 0.9), (0.6, 0.4), (0.1, 0.4))


def test_a_point_lies_inside_or_outside_also_of_a_bent_zone():
    assert depth_in(YARD, (0.5, 0.75)) > 0
    assert depth_in(YARD, (0.5, 0.4)) < 0
    assert depth_in(HOOK, (0.75, 0.8)) > 0
    assert depth_in(HOOK, (0.3, 0.7)) < 0


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_depth_agrees_with_the_sides_of_a_rectangle(x, y):
    inside = 0.2 < x < 0.8 and 0.5 < y < 1.0
    assert (depth_in(YARD, (x, y)) > 0) == inside or abs(depth_in(YARD, (x, y))) < 1e-9


def test_a_foot_that_trembles_on_the_border_enters_once_and_leaves_when_it_is_clearly_out():
    steps = ZoneSteps({"halaman": YARD})
    said = [steps.move(1, (0.5, y)) for y in (0.45, 0.501, 0.499, 0.502, 0.498, 0.501)]
    assert [entered for entered, _ in said] == [(), ("halaman",), (), (), (), ()]
    assert all(left == () for _, left in said)
    assert steps.move(1, (0.5, 0.5 - 2 * BORDER)) == ((), ("halaman",))
    assert steps.of(1) == ()


def test_a_track_that_is_gone_was_in_the_zones_it_did_not_leave():
    steps = ZoneSteps({"halaman": YARD, "pintu": HOOK})
    steps.move(4, (0.75, 0.8))
    assert steps.forget(4) == ("halaman", "pintu")
    assert steps.forget(4) == ()


def test_a_zone_without_extent_holds_nobody_and_breaks_nothing():
    assert depth_in(((0.5, 0.5),) * 3, (0.5, 0.5)) <= 0
