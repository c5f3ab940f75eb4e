"""What a burst records around outages, clock steps and other bursts: real clips, a time of our own."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from pathlib import Path

import msgspec
import pytest
from media_clips import access_units, make_clip

from siaga.core.media.clip_writer import ClipWriter
from siaga.core.media.messages import StartBurst
from siaga.core.media.recorder_bursts import BurstDesk, KeyBook, Now
from siaga.core.media.recorder_parameters import parameter_sets
from siaga.core.media.recorder_sidecar import ClipPlan
from siaga.core.media.ring import AccessUnit, Ring, StreamConfig
from siaga.core.texts import Texts
from siaga.core.types import Clip

WALL_S = 1_795_000_000.0
FPS, GOP = 10, 20


class Ear:
    def __init__(self) -> None:
        self.clips: list[Clip] = []
        self.failures: list[tuple[ClipPlan, str]] = []
        self._has_news = threading.Condition()

    def on_clip_done(self, clip: Clip) -> None:
        with self._has_news:
            self.clips.append(clip)
            self._has_news.notify_all()

    def on_clip_failed(self, plan: ClipPlan, reason: str) -> None:
        with self._has_news:
            self.failures.append((plan, reason))
            self._has_news.notify_all()

    def clip(self, clip_id: str) -> Clip:
        with self._has_news:
            assert self._has_news.wait_for(lambda: any(one.id == clip_id for one in self.clips), 5), (
                self.clips,
                self.failures,
            )
            return next(one for one in self.clips if one.id == clip_id)

    def failure(self) -> tuple[ClipPlan, str]:
        with self._has_news:
            assert self._has_news.wait_for(lambda: self.failures, 5), self.clips
            return self.failures[0]


class Camera:
    """A camera's pictures on a monotonic time of the test's own; the wall clock may step against it."""

    def __init__(self, storage: Path, *, ring_s: float = 20, ring_bytes: int = 24_000_000) -> None:
        clip = make_clip(seconds=12, gop=GOP, fps=FPS)
        self._contents = list(access_units(clip.mp4))
        sets = parameter_sets("h264", self._contents[0])
        self.config = StreamConfig(codec="h264", extradata=sets, width=clip.width, height=clip.height)
        self.ear, self.keys = Ear(), KeyBook()
        self.writer = ClipWriter(storage, self.ear, Texts("en"))
        self.desk = BurstDesk("kali", self.writer, self.keys, Texts("en"))
        self.ring = Ring(ring_s, ring_bytes)
        self.mono_s, self.wall_offset_s = 100.0, WALL_S
        self.is_live = True
        self._follows_gap = False
        self._count = 0

    def connect(self) -> None:
        self.desk.change(self.config)

    def play(self, seconds: float) -> None:
        for _ in range(round(seconds * FPS)):
            number = self._count % len(self._contents)
            unit = AccessUnit(
                pts_s=self.mono_s,
                dts_s=self.mono_s,
                is_key=number % GOP == 0,
                at_s=self.wall_s,
                arrived_mono_s=self.mono_s,
                data=self._contents[number],
                follows_gap=self._follows_gap,
            )
            self._follows_gap = False
            self._count += 1
            self.ring.add(unit)
            self.desk.take(unit)
            self.mono_s += 1 / FPS

    def lose(self) -> None:
        self.is_live = False

    def come_back(self) -> None:
        self.is_live = self._follows_gap = True
        self._count += -self._count % GOP

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.mono_s += 1
            self.desk.tick(self.mono_s)

    @property
    def wall_s(self) -> float:
        return self.mono_s + self.wall_offset_s

    def ask(self, key: str, before_s: float, after_s: float, *, at_s: float | None = None) -> str:
        at = datetime.fromtimestamp(self.wall_s if at_s is None else at_s, timezone.utc)
        burst = StartBurst(request=1, key=key, camera="kali", at=at, before_s=before_s, after_s=after_s)
        return self.desk.ask(burst, self.ring, Now(wall_s=self.wall_s, mono_s=self.mono_s), is_live=self.is_live)

    def clip(self, clip_id: str) -> tuple[float, float, Clip]:
        """Return a clip's begin and end on the test's monotonic time, for a wall clock that has not stepped."""
        clip = self.ear.clip(clip_id)
        return clip.start.timestamp() - WALL_S, clip.end.timestamp() - WALL_S, clip


@pytest.fixture
def camera(tmp_path):
    made = Camera(tmp_path)
    made.writer.start()
    made.connect()
    yield made
    assert made.writer.close(5)


def test_a_clip_after_an_outage_holds_nothing_of_before_it(camera):
    camera.play(10)
    camera.lose()
    camera.wait(3600)
    camera.come_back()
    back_s = camera.mono_s
    camera.play(3)
    clip_id = camera.ask("a", 10, 2)
    camera.play(3)
    begin_s, end_s, clip = camera.clip(clip_id)
    assert begin_s == pytest.approx(back_s, abs=0.01) and end_s - begin_s == pytest.approx(5, abs=0.3)
    assert clip.has_gap and len(camera.ear.clips) == 1


def test_an_outage_inside_the_pre_roll_stays_in_the_clip_and_is_marked(camera):
    camera.play(10)
    camera.lose()
    camera.wait(3)
    camera.come_back()
    camera.play(3)
    clip_id = camera.ask("a", 8, 1)
    camera.play(2)
    begin_s, _, clip = camera.clip(clip_id)
    assert begin_s <= 108.1 and clip.has_gap


@pytest.mark.parametrize("was_seen", [True, False])
def test_a_burst_of_a_camera_that_comes_back_in_time_begins_with_its_first_keyframe(camera, was_seen):
    if was_seen:
        camera.play(10)
    camera.lose()
    camera.wait(30)
    first = camera.ask("a", 5, 10)
    assert camera.ask("b", 5, 20) == first
    camera.wait(4)
    camera.come_back()
    back_s = camera.mono_s
    camera.play(20)
    begin_s, end_s, clip = camera.clip(first)
    assert begin_s == pytest.approx(back_s, abs=0.01) and end_s == pytest.approx(back_s + 16, abs=0.3)
    assert clip.has_gap and clip.keys == ("a", "b")


def test_a_burst_whose_camera_stays_away_fails_when_its_end_has_passed_and_may_be_asked_again(camera, tmp_path):
    camera.lose()
    clip_id = camera.ask("a", 5, 10)
    camera.wait(9)
    assert not camera.ear.failures
    camera.wait(4)
    plan, reason = camera.ear.failure()
    assert (plan.id, plan.keys) == (clip_id, ("a",)) and "no pictures" in reason
    assert not list((tmp_path / "clips" / ".waiting").glob("*.json"))


def test_a_promise_that_a_crash_cut_off_is_told_as_failed(tmp_path):
    dead = Camera(tmp_path)
    dead.writer.start()
    clip_id = dead.ask("a", 5, 10)
    assert dead.writer.close(5)
    ear = Ear()
    writer = ClipWriter(tmp_path, ear, Texts("en"))
    writer.start()
    assert [plan.id for plan in writer.recover()] == [clip_id]
    assert ear.failure()[0].keys == ("a",)
    assert writer.close(5) and writer.recover() == []


def test_a_longer_pre_roll_than_the_open_clip_has_is_recorded_from_the_ring(camera):
    camera.play(15)
    first = camera.ask("a", 1, 10)
    camera.play(2)
    second = camera.ask("b", 10, 3)
    camera.play(12)
    assert second != first
    assert camera.clip(first)[2].keys == ("a",)
    begin_s, end_s, clip = camera.clip(second)
    assert begin_s <= 117 - 10 and end_s == pytest.approx(125, abs=0.3), "the first burst goes on in it to its end"
    assert clip.keys == ("a", "b") and not clip.has_gap


def test_a_longer_pre_roll_that_is_not_there_any_more_is_marked(camera):
    camera.play(1)
    first = camera.ask("a", 1, 10)
    camera.play(2)
    assert camera.ask("b", 10, 3) == first
    camera.play(12)
    assert camera.clip(first)[2].has_gap


def test_a_late_burst_wholly_before_the_open_clip_is_a_clip_of_its_own(camera):
    camera.play(19)
    opened = camera.ask("a", 1, 5)
    late = camera.ask("b", 1, 1, at_s=WALL_S + 108)
    camera.play(6)
    begin_s, end_s, clip = camera.clip(late)
    assert late != opened and clip.keys == ("b",) and not clip.has_gap
    assert begin_s <= 107 and end_s == pytest.approx(109, abs=0.3)
    assert camera.clip(opened)[2].keys == ("a",)


def test_more_pre_roll_than_the_ring_keeps_is_said_once_and_marked(tmp_path, caplog):
    camera = Camera(tmp_path, ring_s=5)
    camera.writer.start()
    camera.connect()
    camera.play(20)
    clip_ids = [camera.ask("a", 15, 0), camera.ask("b", 15, 0)]
    camera.play(2)
    assert camera.clip(clip_ids[0])[2].has_gap
    assert sum("media.ring keeps 5 s" in record.getMessage() for record in caplog.records) == 1
    assert camera.writer.close(5)


@pytest.mark.parametrize("at_s", [WALL_S - 3600, WALL_S + 3600])
def test_a_moment_that_no_ring_holds_is_recorded_from_now_and_marked(camera, at_s):
    camera.play(10)
    clip_id = camera.ask("a", 2, 3, at_s=at_s)
    camera.play(5)
    begin_s, end_s, clip = camera.clip(clip_id)
    assert begin_s <= 108 and end_s == pytest.approx(113, abs=0.3) and clip.has_gap


@pytest.mark.parametrize("step_s", [-1800, 1800])
def test_a_step_of_the_wall_clock_does_not_move_a_burst(camera, step_s):
    camera.play(10)
    seen_at_s = camera.wall_s - 0.2
    camera.wall_offset_s += step_s
    camera.play(0.2)
    clip_id = camera.ask("a", 4, 2, at_s=seen_at_s)
    camera.play(3)
    begin_s, _, clip = camera.clip(clip_id)
    assert begin_s <= 105.9 and not clip.has_gap
    assert (clip.end - clip.start).total_seconds() == pytest.approx(112 - begin_s, abs=0.4)


def test_the_keys_of_a_clip_that_failed_are_forgotten():
    keys = KeyBook()
    keys.add("a", "1")
    keys.add("b", "2")
    keys.forget(("a", "b"), "1")
    assert keys.get("a") is None and keys.get("b") == "2"


def test_the_pre_roll_of_many_cameras_at_once_is_whole_while_the_disk_is_slow(tmp_path):
    ear, config, units = Ear(), None, []
    probe = Camera(tmp_path)
    probe.play(4)
    config, units = probe.config, [one for gop in probe.ring.between(0, 1e9) for one in gop]
    fat = [msgspec.structs.replace(one, data=one.data + bytes(400_000)) for one in units]  # 16 MB of pre-roll
    writer = ClipWriter(tmp_path, ear, Texts("en"))  # not started: nothing is written yet
    for number in range(4):
        desk, ring = BurstDesk(f"kamera-{number}", writer, KeyBook(), Texts("en")), Ring(20, 24_000_000)
        desk.change(config)
        for unit in fat:
            ring.add(unit)
        at = datetime.fromtimestamp(units[-1].at_s, timezone.utc)
        burst = StartBurst(request=1, key="a", camera=f"kamera-{number}", at=at, before_s=3.5, after_s=0)
        now = Now(wall_s=units[-1].at_s + 2, mono_s=units[-1].arrived_mono_s + 2)
        desk.ask(burst, ring, now, is_live=True)
    assert writer.dropped_units == 0
    writer.start()
    assert writer.close(20)
    assert [clip.has_gap for clip in ear.clips] == [False] * 4
