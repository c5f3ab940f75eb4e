"""Clips on the disk: what a crash, a doubled packet or a broken note does to them."""

from __future__ import annotations

import hashlib
import threading
from datetime import datetime, timezone
from pathlib import Path

import av
import pytest
from media_clips import TestClip, access_units, make_clip

from siaga.core.media.clip_writer import ClipWriter
from siaga.core.media.recorder_parameters import parameter_sets
from siaga.core.media.recorder_sidecar import ClipPlan
from siaga.core.media.ring import AccessUnit, StreamConfig
from siaga.core.texts import Texts
from siaga.core.types import Clip

START = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)


class Ear:
    def __init__(self) -> None:
        self.clips: list[Clip] = []
        self.failures: list[str] = []
        self._has_news = threading.Condition()

    def on_clip_done(self, clip: Clip) -> None:
        with self._has_news:
            self.clips.append(clip)
            self._has_news.notify_all()

    def on_clip_failed(self, plan: ClipPlan, reason: str) -> None:
        with self._has_news:
            self.failures.append(reason)
            self._has_news.notify_all()

    def until(self, is_so) -> None:
        with self._has_news:
            assert self._has_news.wait_for(is_so, 8), (self.clips, self.failures)


@pytest.fixture(scope="module")
def clip() -> TestClip:
    return make_clip(seconds=2)


def units_of(clip: TestClip) -> tuple[StreamConfig, list[AccessUnit]]:
    contents = list(access_units(clip.mp4))
    sets = parameter_sets(clip.codec, contents[0])
    units = [
        AccessUnit(
            pts_s=5 + number / 10,
            dts_s=5 + number / 10,
            is_key=number % clip.gop == 0,
            at_s=START.timestamp() + number / 10,
            arrived_mono_s=number / 10,
            data=content,
        )
        for number, content in enumerate(contents)
    ]
    return StreamConfig(codec=clip.codec, extradata=sets, width=clip.width, height=clip.height), units


def plan(codec: str = "h264") -> ClipPlan:
    return ClipPlan(id="0193", camera="kali", start=START, codec=codec, keys=("run-1",))


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def writer(tmp_path, ear):
    running = ClipWriter(tmp_path, ear, Texts("en"))
    running.start()
    yield running
    assert running.close(4)


def packets_of(path: Path) -> list[tuple[float, int]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [(float(p.pts * stream.time_base), p.size) for p in container.demux(stream) if p.size]


def test_a_finished_clip_is_named_by_its_day_and_its_sum_is_of_the_file(writer, ear, tmp_path, clip):
    config, units = units_of(clip)
    writer.open(plan(), config)
    writer.write("0193", units)
    writer.finish(plan())
    ear.until(lambda: ear.clips)
    done = ear.clips[0]
    path = tmp_path / done.path
    assert done.path == "clips/kali/2026-11-22/0193.mp4"
    assert done.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (done.end - done.start).total_seconds() == pytest.approx(2.0, abs=0.1)
    assert [round(second, 2) for second, _ in packets_of(path)] == [number / 10 for number in range(20)]
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "a browser may seek before it has the whole file"


def test_two_packets_of_one_moment_are_one_picture(writer, ear, tmp_path, clip):
    config, units = units_of(clip)
    first = units[0]
    half = first.data.rindex(b"\0\0\1")  # the keyframe's last slice comes as a packet of its own
    halves = [
        AccessUnit(**{name: getattr(first, name) for name in first.__struct_fields__ if name != "data"}, data=data)
        for data in (first.data[:half], first.data[half:])
    ]
    writer.open(plan(), config)
    writer.write("0193", [*halves, *units[1:]])
    writer.finish(plan())
    ear.until(lambda: ear.clips)
    assert len(packets_of(tmp_path / ear.clips[0].path)) == len(units)
    with av.open(str(tmp_path / ear.clips[0].path)) as container:
        assert len(list(container.decode(video=0))) == len(units)


def test_what_a_crash_left_is_finished_at_the_next_start_even_when_cut_midway(tmp_path, ear, clip):
    config, units = units_of(make_clip(seconds=6, gop=10))
    crashed = ClipWriter(tmp_path, Ear(), Texts("en"))
    crashed.start()
    crashed.open(plan(), config)
    crashed.write("0193", units)
    assert crashed.close(4)  # written, never finished
    part = tmp_path / plan().part
    part.write_bytes(part.read_bytes()[: part.stat().st_size * 2 // 3])
    writer = ClipWriter(tmp_path, ear, Texts("en"))
    writer.start()
    assert [found.keys for found in writer.recover()] == [("run-1",)]
    ear.until(lambda: ear.clips)
    assert ear.clips[0].has_gap and not part.exists()
    assert 20 <= len(packets_of(tmp_path / ear.clips[0].path)) < 60
    again = Ear()
    ClipWriter(tmp_path, again, Texts("en")).recover()
    assert again.clips == ear.clips, "until it is accepted the same clip is told"
    writer.accept("0193")
    assert writer.close(4)
    assert ClipWriter(tmp_path, again, Texts("en")).recover() == []


def test_a_note_that_cannot_be_read_is_set_aside_and_stops_nothing(tmp_path, ear, writer):
    folder = tmp_path / "clips" / ".waiting"
    folder.mkdir(parents=True)
    (folder / "rusak.json").write_text("{")
    assert writer.recover() == []
    assert (folder / "rusak.broken").exists()


def test_a_part_without_a_picture_is_said_and_not_tried_for_ever(tmp_path, ear, writer):
    writer.sidecars.write(plan())
    part = tmp_path / plan().part
    part.parent.mkdir(parents=True)
    part.write_bytes(b"")
    writer.recover()
    ear.until(lambda: ear.failures)
    assert writer.recover() == []


def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path, ear, writer, clip):
    (tmp_path / "clips").write_text("a file where the folder should be")
    config, _ = units_of(clip)
    writer.open(plan(), config)
    ear.until(lambda: ear.failures)
    assert "cannot be written" in ear.failures[0]
