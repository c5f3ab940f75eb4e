import time

import pytest
from packet_server import encode, header, moving_pictures, packet, still_pictures

from siaga.core.media.gate import Gate, SizeGate
from siaga.core.media.lookout import Lookout
from siaga.core.media.looks import Looks
from siaga.core.media.messages import WatchCamera
from siaga.core.settings import CameraSettings

KALI = CameraSettings(id="kali", type="demo", name="Kali")


SMALL = (320, 240)


def still(count):
    return still_pictures(count, SMALL)


def moving(count, offset=0):
    return moving_pictures(count, SMALL, offset=offset)


class Watched:
    """A lookout fed by hand, with what it told."""

    def __init__(self):
        self.told = []
        looks = Looks({}, lambda call: call(), self.told.append)
        looks._order("kali", WatchCamera(settings=KALI))  # no thread runs here: nobody looks
        self.lookout = Lookout(KALI, looks, self.told.append)
        self.lookout.open(header("kali"))
        self.number = 0

    def feed(self, packets, fps=10):
        for is_key, content in packets:
            self.lookout.take(packet("kali", self.number, is_key, content, 100 + self.number / fps))
            self.number += 1

    @property
    def report(self):
        return self.lookout.report()

    @property
    def kinds(self):
        return [message.kind for message in self.told]


@pytest.fixture(scope="module")
def scenes():
    """Rest and motion in turn, as constant quality and as constant bit rate."""
    pictures = still(240) + moving(100) + still(200) + moving(60)
    return {"quality": encode(pictures), "rate": encode(pictures, bit_rate=600_000)}


def test_a_sleeping_scene_costs_only_its_keyframes():
    watched = Watched()
    watched.feed(encode(still(200)))
    report = watched.report
    assert report.mode == "asleep"
    assert report.decoded < 55 + 8  # five seconds awake, then one of twenty
    assert watched.told == []


def test_motion_is_told_once_when_it_starts_and_once_when_it_is_over(scenes):
    watched = Watched()
    watched.feed(scenes["quality"][:480])
    assert watched.kinds == ["motion.start", "motion.end"]
    start, end = watched.told
    assert start.jpeg[:2] == b"\xff\xd8" and 0 < start.data["area"] < 0.5
    assert 0 <= start.arrived_mono_s - 124.0 <= 2.3, "at most a keyframe interval late"
    assert end.jpeg == b"" and end.arrived_mono_s > 134.0


def test_a_trusted_size_gate_wakes_between_two_keyframes_and_decodes_from_the_last(scenes):
    watched = Watched()
    watched.feed(scenes["quality"][:340])
    watched.feed(scenes["quality"][340:540])
    assert watched.report.size_gate == "trusted"
    assert watched.report.mode == "asleep"
    # A new GOP begins at rest; the motion begins in its midst.
    rest, motion = encode(still(13) + moving(7, offset=100)), 13
    before = watched.report.decoded
    watched.feed(rest[:motion])
    assert watched.report.decoded == before + 1
    fed = motion
    while watched.report.mode == "asleep" and fed < len(rest):
        watched.feed(rest[fed : fed + 1])
        fed += 1
    assert watched.report.mode == "awake" and fed < len(rest)
    assert watched.report.decoded == before + fed, "nothing since the keyframe is missed"
    assert watched.report.decode_errors == 0


def test_sizes_are_not_believed_where_the_bit_rate_is_constant(scenes):
    watched = Watched()
    watched.feed(scenes["rate"])
    assert watched.report.size_gate == "off"
    assert "motion.start" in watched.kinds


def test_a_gate_that_woke_for_nothing_five_times_is_switched_off():
    gate, now = SizeGate(), 0.0
    gate.trust = "trusted"
    for _ in range(5):
        now += 30
        gate.blame(now)
    assert gate.trust == "off"


def test_a_few_false_wakes_in_a_day_do_not_switch_the_gate_off():
    gate = SizeGate()
    gate.trust = "trusted"
    for hour in range(24):
        gate.blame(3600.0 * hour)
    assert gate.trust == "trusted"


def test_a_scene_sleeps_only_after_five_seconds_without_motion():
    gate = Gate()
    gate.take_motion(True, False, 10.0)
    assert gate.take_motion(False, False, 14.9).is_awake
    assert gate.take_motion(True, False, 14.95).is_awake
    verdict = gate.take_motion(False, False, 20.0)
    assert not verdict.is_awake and verdict.ended
    assert not gate.take_motion(False, False, 21.0).ended


def test_a_stream_that_comes_back_is_looked_at_awake(scenes):
    watched = Watched()
    watched.feed(encode(still(120)))
    assert watched.report.mode == "asleep"
    watched.lookout.end()
    assert watched.report.mode == "waiting"
    watched.lookout.open(header("kali"))
    watched.feed(encode(still(5)))
    assert watched.report.mode == "awake"


def test_a_stream_that_changes_codec_and_size_goes_on():
    watched = Watched()
    watched.feed(encode(still(10)))
    watched.lookout.open(header("kali", "hevc", (352, 288)))
    watched.feed(encode(still_pictures(10, size=(352, 288)), codec="hevc"))
    assert watched.report.decoded == 20 and watched.report.decode_errors == 0


def test_motion_that_begins_soon_after_the_last_is_told_when_it_goes_on():
    watched = Watched()
    watched.feed(encode(still(40) + moving(40) + still(90) + moving(160) + still(90)))
    assert watched.kinds == ["motion.start", "motion.end", "motion.start", "motion.end"]
    _, first_end, second_start, _ = watched.told
    assert 10.0 <= second_start.arrived_mono_s - first_end.arrived_mono_s < 11.0


def test_motion_that_begins_soon_after_the_last_and_stops_at_once_is_one_story():
    watched = Watched()
    watched.feed(encode(still(40) + moving(40) + still(90) + moving(20) + still(200)))
    assert watched.kinds == ["motion.start", "motion.end"]


def test_who_passes_between_two_distant_keyframes_of_a_sleeping_scene_is_seen():
    watched = Watched()
    watched.feed(encode(still(120) + moving(15) + still(60), gop=1000))
    assert watched.report.size_gate != "trusted"
    assert "motion.start" in watched.kinds


def test_a_scene_that_cannot_skip_frames_is_still_asleep_for_the_detectors():
    gate = Gate()
    gate.take_key(0.0)
    for number in range(1, 80):
        gate.take_size(1000, number / 10)
        verdict = gate.take_motion(False, False, number / 10)
    assert not verdict.is_awake and not gate.may_skip
    gate.take_key(8.0)
    gate.take_key(10.0)
    assert gate.may_skip


def test_a_gop_that_takes_long_to_decode_is_decoded_in_slices_and_in_order():
    watched = Watched()
    packets = encode(moving(30), gop=30)
    for number, (is_key, content) in enumerate(packets):
        watched.lookout.take(packet("kali", number, is_key, content, 100 + number / 10), until_s=0.0)
    assert watched.lookout.is_behind and watched.report.decoded == 0
    slices = 0
    while watched.lookout.is_behind:
        watched.lookout.catch_up(time.monotonic() + 0.002)
        slices += 1
    assert slices > 1
    assert (watched.report.decoded, watched.report.decode_errors) == (30, 0)


def test_an_eye_that_is_too_slow_goes_on_at_the_newest_keyframe_and_counts_what_it_left_out():
    watched = Watched()
    for number, (is_key, content) in enumerate(encode(moving(100))):
        watched.lookout.take(packet("kali", number, is_key, content, 100 + number / 10), until_s=0.0)
    watched.lookout.catch_up()
    report = watched.report
    assert report.dropped > 0 and report.dropped + report.decoded == 100 and report.decode_errors == 0


def test_an_endless_gop_is_decoded_before_it_fills_the_memory():
    watched = Watched()
    endless = encode(still(60), gop=1000)
    watched.lookout._gate.sizes.trust = "trusted"
    for _ in range(15):
        watched.lookout._gate.sizes._limit = 1e9  # nothing wakes this scene
        watched.feed(endless[:1] + endless[-59:] if not watched.number else endless[-59:])
    report = watched.report
    assert len(watched.lookout._behind) <= 600
    assert report.decoded > 600 and report.dropped == 0
