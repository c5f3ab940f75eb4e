"""Pre-roll: the ring always starts at a keyframe and keeps its bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from siaga.core.media.recorder_timeline import Timeline
from siaga.core.media.ring import MAX_GOP_UNITS, AccessUnit, Ring


def unit(second: float, *, is_key: bool = False, size: int = 100) -> AccessUnit:
    return AccessUnit(pts_s=second, dts_s=second, is_key=is_key, at_s=second, arrived_mono_s=second, data=b"x" * size)


def fill(ring: Ring, seconds: int, gop: int = 20, size: int = 100) -> None:
    for number in range(seconds * 10):
        ring.add(unit(number / 10, is_key=number % gop == 0, size=size))


def since(ring: Ring, begin_s: float) -> list[AccessUnit]:
    return [one for gop in ring.between(begin_s, 1e9) for one in gop]


def test_the_ring_reaches_back_as_far_as_asked_and_starts_at_a_keyframe():
    ring = Ring(10, 10_000_000)
    fill(ring, 60)
    assert 10 <= ring.seconds < 12
    units = since(ring, 59.9 - 10)
    assert units[0].is_key and units[0].arrived_mono_s <= 49.9
    assert ring.size_bytes == sum(len(one.data) for one in since(ring, 0))


def test_a_burst_begins_at_the_last_keyframe_before_its_moment():
    ring = Ring(20, 10_000_000)
    fill(ring, 30)
    assert since(ring, 25.0)[0].arrived_mono_s == 24.0
    assert since(ring, 24.0)[0].arrived_mono_s == 24.0


def test_bytes_bound_the_ring_too():
    ring = Ring(20, 30_000)
    fill(ring, 60, size=1000)
    assert ring.size_bytes <= 30_000
    assert since(ring, 0)[0].is_key


def test_a_camera_without_keyframes_fills_no_memory_and_is_counted():
    ring = Ring(20, 30_000)
    ring.add(unit(0, is_key=True))
    for number in range(1, 1000):
        ring.add(unit(number / 10, size=1000))
    assert ring.size_bytes <= 30_000 and ring.dropped_units > 900
    small = Ring(20, 10**9)
    small.add(unit(0, is_key=True))
    for number in range(1, MAX_GOP_UNITS + 5):
        small.add(unit(number / 10, size=1))
    assert small.open_gop() == []


@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.floats(-1e6, 1e6)), st.one_of(st.none(), st.floats(-1e6, 1e6)), st.booleans())
    )
)
def test_whatever_a_camera_says_of_the_time_ours_only_rises(stamps):
    timeline, mono_s, last_s = Timeline(), 100.0, -1.0
    for pts_s, dts_s, is_new in stamps:
        if is_new:
            timeline.restart()
        mono_s += 0.1
        shown_s, decoded_s = timeline.place(pts_s, dts_s, mono_s)
        assert decoded_s > last_s and shown_s >= decoded_s
        last_s = decoded_s


def test_after_an_outage_the_time_line_has_gone_on_by_the_time_that_passed():
    timeline = Timeline()
    timeline.place(0.0, 0.0, 100.0)
    assert timeline.place(0.1, 0.1, 100.1)[0] == 0.1
    timeline.restart()
    assert abs(timeline.place(None, None, 130.1)[0] - 30.1) < 0.01
    assert abs(timeline.place(0.1, 0.1, 130.2)[0] - 30.2) < 0.01


def test_a_wrap_of_the_cameras_clock_is_no_jump():
    timeline = Timeline()
    wrap_s = 2**33 / 90_000
    timeline.place(wrap_s - 0.1, wrap_s - 0.1, 100.0)
    assert abs(timeline.place(0.0, 0.0, 100.1)[0] - 0.1) < 0.05
