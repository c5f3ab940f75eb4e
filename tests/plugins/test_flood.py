from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
import pytest
import voluptuous as vol
from canal_weather import BLINDING, CANAL_POINTS, OPTIONS, WEATHER, canal_luma

from siaga.core import Frame, LookContext, Observation, Scene, Texts
from siaga.plugins.cameras.demo_canal import CanalScene, canal_level_cm
from siaga.plugins.detectors import flood
from siaga.plugins.detectors.flood_gauge import GaugeReader
from siaga.plugins.detectors.flood_watch import GaugeReading, LevelFilter, Stages

STARTED = datetime(2026, 11, 22, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def canal():
    return CanalScene(3)


@pytest.mark.parametrize("weather", WEATHER)
def test_the_level_is_read_within_a_few_centimetres_in_any_weather(canal, weather):
    reader = GaugeReader(CANAL_POINTS, 0.035)
    times = np.arange(0, 150, 5.0)
    readings = [reader.read(canal_luma(canal, t, WEATHER[weather])) for t in times]
    errors = [abs(r.level_cm - canal_level_cm(t)) for r, t in zip(readings, times, strict=True) if r.confidence >= 0.5]
    assert len(errors) >= 0.8 * len(times)
    assert np.median(errors) < 1.5
    assert np.percentile(errors, 95) < 4


@pytest.mark.parametrize("reason", BLINDING)
def test_a_gauge_that_cannot_be_seen_is_not_read(canal, reason):
    reader = GaugeReader(CANAL_POINTS, 0.035)
    readings = [reader.read(canal_luma(canal, t, BLINDING[reason])) for t in np.arange(0, 150, 10.0)]
    assert sum(r.level_cm is not None and r.confidence >= 0.5 for r in readings) <= 1


@pytest.mark.parametrize("sigma", [5, 8, 11, 14])
def test_a_blurred_camera_is_right_or_says_that_it_cannot_see(canal, sigma):
    reader = GaugeReader(CANAL_POINTS, 0.035)
    for t in np.arange(0, 150, 10.0):
        reading = reader.read(canal_luma(canal, t, lambda grey, _: cv2.GaussianBlur(grey, (0, 0), sigma)))
        if reading.level_cm is not None and reading.confidence >= 0.5:
            # No better than the blur itself, 0.93 pixels to the centimetre.
            assert abs(reading.level_cm - canal_level_cm(t)) < 4 + sigma


def test_a_dry_gauge_is_not_taken_for_water(canal):
    dry = cv2.cvtColor(cv2.resize(canal._dry, (640, 360)), cv2.COLOR_BGR2GRAY)
    reading = GaugeReader(CANAL_POINTS, 0.035).read(dry)
    assert reading.level_cm is None
    assert reading.why == "covered"


def test_a_gauge_of_a_few_pixels_is_said_to_be_too_small():
    reading = GaugeReader([(0.5, 0.5, 100), (0.5, 0.52, 0)], 0.04).read(np.full((360, 640), 120, np.uint8))
    assert reading.why == "small"


def test_more_points_follow_the_perspective():
    luma = np.full((400, 100), 220, np.uint8)
    luma[150:] = 60
    straight = GaugeReader([(0.5, 0.0, 200), (0.5, 1.0, 0)], 0.2).read(luma)
    bent = GaugeReader([(0.5, 0.0, 200), (0.5, 0.5, 60), (0.5, 1.0, 0)], 0.2).read(luma)
    assert straight.level_cm == pytest.approx(125, abs=1)
    assert bent.level_cm == pytest.approx(95, abs=1)


class ListedReader:
    """Give levels from a list, None for blind: stands where a picture would be read."""

    def __init__(self, levels):
        self.levels = iter(levels)

    def read(self, luma, context):
        level = next(self.levels)
        return GaugeReading(level_cm=level, confidence=0.9 if level is not None else 0.1)


def watch(levels, interval_s=60.0, told_before=None, **options):
    """Return the observations that a list of levels leads to, as (second, observation)."""
    checked = flood.SCHEMA({**OPTIONS, **options})
    detector = flood.FloodDetector(checked, ListedReader(levels))
    if told_before is not None:
        detector.resume(told_before)
    told = []
    for number in range(len(levels)):
        at = STARTED + timedelta(seconds=number * interval_s)
        frame = Frame(camera="kali", at=at, arrived_mono_s=0, is_key=True, luma=None, colour=lambda: None)
        told += [(number * interval_s, each) for each in detector.look(frame, LookContext(at=at))]
    return told


def stages_of(told):
    return [(each.data["from"], each.data["to"]) for _, each in told if each.kind == "flood.stage"]


def test_rising_water_passes_the_stages_once_each_and_falls_back_below_the_hysteresis():
    up, down = list(range(120, 261, 10)), list(range(260, 119, -10))
    assert stages_of(watch(up + down)) == [(4, 3), (3, 2), (2, 1), (1, 2), (2, 3), (3, 4)]


def test_waves_around_a_border_do_not_make_the_stage_flap():
    random = np.random.default_rng(5)
    levels = [140, 140, *(150 + random.uniform(-4, 4, 200))]
    assert stages_of(watch(levels)) in ([(4, 3)], [])


def test_one_wrong_reading_raises_no_alarm():
    levels = [120.0] * 6 + [240.0] + [120.0] * 6 + [240.0] + [121.0] * 3
    told = watch(levels)
    assert stages_of(told) == []
    assert max(each.data["level_cm"] for _, each in told) < 125


def test_two_wrong_readings_in_a_row_are_refused_as_too_fast():
    told = watch([120.0] * 5 + [230.0, 231.0] + [120.0] * 5, interval_s=5)
    assert stages_of(told) == []


def test_water_that_really_jumped_is_believed_after_half_a_minute():
    told = watch([120.0] * 5 + [230.0] * 8, interval_s=5)
    assert stages_of(told) == [(4, 2)]


def test_a_normal_start_is_quiet_and_a_start_in_flood_is_told():
    assert stages_of(watch([100.0] * 4)) == []
    assert stages_of(watch([210.0] * 4)) == [(None, 2)]


def test_every_reading_stands_but_only_what_moved_is_an_event():
    told = watch([100.0] * 10 + [104.0] * 3 + [112.0] * 4, interval_s=5)
    levels = [each for _, each in told if each.kind == "flood.level"]
    assert len(levels) == 16  # the first reading waits for a second one
    assert [each.data["level_cm"] for each in levels if each.is_event] == [100.0, 112.0]


def test_a_level_that_does_not_move_is_told_again_after_a_quarter_of_an_hour():
    told = watch([100.0] * 40, interval_s=60)
    assert [second for second, each in told if each.is_event] == [60.0, 960.0, 1860.0]


def test_blindness_is_told_once_after_a_minute_and_its_end_too():
    told = watch([100.0] * 4 + [None] * 30 + [101.0] * 3, interval_s=5)
    blind = [(second, each) for second, each in told if each.kind == "flood.blind"]
    assert [second for second, _ in blind] == [80.0]
    assert blind[0][1].data["last_level_cm"] == 100.0
    assert blind[0][1].data["reason"] == "unclear"
    events = [(second, each.kind) for second, each in told if each.is_event]
    assert events[-1] == (170.0, "flood.level")


def test_a_stage_says_how_fast_the_water_rises():
    told = watch([100 + 0.5 * minute for minute in range(200)], interval_s=60, tell_every=60)
    stage = next(each for _, each in told if each.kind == "flood.stage")
    assert stage.data["to"] == 3
    assert stage.data["rise_cm_h"] == pytest.approx(30, abs=1)
    assert stage.data["next_stage"] == 2 and stage.data["next_stage_min"] == pytest.approx(100, abs=4)
    assert stage.score == stage.data["confidence"] == 0.9


@pytest.mark.parametrize("course", [lambda m: 120.0, lambda m: 140 - m / 2, lambda m: 120 + m / 20, lambda m: 260.0])
def test_water_that_does_not_rise_much_or_is_at_its_worst_foretells_no_stage(course):
    told = watch([course(minute) for minute in range(40)], interval_s=60, tell_every=60)
    assert {each.data["next_stage"] for _, each in told if each.kind == "flood.level"} == {None}


def test_a_detector_that_replaces_another_tells_no_stage_twice():
    assert stages_of(watch([220] * 10)) == [(None, 2)]
    assert stages_of(watch([220] * 10, told_before={"flood.stage": {"from": 3, "to": 2}})) == []


def test_water_that_fell_while_nobody_looked_is_told_as_fallen():
    assert stages_of(watch([100] * 10, told_before={"flood.stage": {"from": 3, "to": 2}})) == [(2, 4)]


@pytest.mark.parametrize("before", [{}, {"flood.stage": {}}, {"flood.stage": {"to": "2"}}, {"crowd.count": {"to": 2}}])
def test_what_was_told_before_may_be_anything(before):
    assert stages_of(watch([220] * 10, told_before=before)) == [(None, 2)]


def test_the_rendered_canal_raises_siaga_3_and_2_at_their_times(canal):
    # As in config.example.yaml: time runs fast in the demo.
    detector = flood._make({**OPTIONS, "interval": "2 s", "max_rise": 600}, Scene(camera="kali"))
    told: list[tuple[float, Observation]] = []
    for t in np.arange(0, 60, 1.5):
        at = STARTED + timedelta(seconds=float(t))
        frame = Frame(
            camera="kali", at=at, arrived_mono_s=0, is_key=True, luma=canal_luma(canal, t), colour=lambda: None
        )
        told += [(float(t), each) for each in detector.look(frame, LookContext(at=at))]
    assert stages_of(told) == [(4, 3), (3, 2)]
    seconds = [second for second, each in told if each.kind == "flood.stage"]
    assert seconds[0] == pytest.approx(20, abs=4)
    assert seconds[1] == pytest.approx(32, abs=4)
    box = next(each for _, each in told if each.kind == "flood.stage").boxes[0]
    assert box.left < 0.5965 < box.right


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gauge": {"points": [[0.4, 1.2, 300], [0.4, 0.8, 0]]}}, "di luar gambar"),
        ({"gauge": {"points": [[0.4, 0.5, 300], [0.4, 0.5, 0]]}}, "tempat yang sama"),
        ({"gauge": {"points": [[0.4, 0.2, 100], [0.4, 0.8, 100]]}}, "sama-sama 100 cm"),
        ({"gauge": {"points": [[0.4, 0.2, 0], [0.4, 0.8, 300]]}}, "lebih tinggi pada gambar"),
        ({"gauge": {"points": [[0.4, 0.2, 300]]}}, "2 sampai 20 titik"),
        ({"gauge": {"points": [[0.4, 0.2], [0.4, 0.8]]}}, "[x, y, cm]"),
        ({"stages": {3: 250, 2: 200}}, "Siaga 1 di atas Siaga 2"),
        ({"stages": {5: 250}}, "tahap 3, 2, 1"),
        ({"interval": "often"}, "lama waktu"),
        ({"hysteresis": "deep"}, "bukan angka cm"),
    ],
)
def test_a_wrong_option_is_explained(change, says):
    with pytest.raises(vol.MultipleInvalid) as error:
        flood.SCHEMA({**OPTIONS, **change})
    assert says in error.value.errors[0].say(Texts("id"))


def test_checked_options_can_be_checked_again():
    once = flood.SCHEMA({**OPTIONS, "interval": "5 s", "hysteresis": "5 cm"})
    assert flood.SCHEMA(once) == once
    assert once["interval"] == 5.0


def test_the_filter_forgets_what_is_long_ago():
    levels = LevelFilter(50)
    for second in (0, 5, 10):
        levels.add(STARTED + timedelta(seconds=second), 100, 0.9)
    later = STARTED + timedelta(hours=1)
    assert levels.add(later, 240, 0.9) is None  # one reading is not enough after a gap
    assert levels.add(later + timedelta(seconds=5), 240, 0.9).level_cm == 240


def test_a_stage_may_be_skipped_in_one_step():
    stages = Stages({3: 150, 2: 200, 1: 250}, 5)
    assert stages.update(100) is None
    assert stages.update(255) == (4, 1)
    assert stages.update(246) is None
    assert stages.update(100) == (1, 4)
