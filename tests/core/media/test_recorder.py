"""The recorder's process against a real RTSP server: what is recorded, and what may not cost a recorded picture."""

from __future__ import annotations

import dataclasses
import itertools
import os
import random
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import av
import pytest
from media_clips import FOOTAGE, TestClip, access_units, make_clip
from recorder_process import PacketEnd, RecorderProcess
from rtsp_server import RtspServer

from siaga.core.contracts import StreamSource
from siaga.core.media.messages import ClipDone, StreamEnd, StreamHeader, StreamPacket

pytestmark = pytest.mark.slow
BITSTREAMS = FOOTAGE.parents[1] / "footage" / "bitstreams"


@pytest.fixture(scope="module")
def clip() -> TestClip:
    return make_clip()


@pytest.fixture(scope="module")
def server(clip):
    with RtspServer(clip, mounts=10) as running:
        yield running


@pytest.fixture
def recorder(tmp_path):
    with RecorderProcess(tmp_path) as running:
        yield running


def source(url: str, role: str = "main", **more) -> StreamSource:
    return StreamSource(role=role, url=url, **more)


def looped(clip: TestClip, role: str = "main") -> StreamSource:
    return source(str(clip.mp4), role, is_loop=True)


def frames_of(path: Path) -> tuple[list[float], list[bool], av.VideoFrame]:
    """Return times and keyframes of a clip as its container tells, and its last decoded picture."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        times = [float(packet.pts * stream.time_base) for packet in packets]
        keys = [packet.is_keyframe for packet in packets]
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == len(packets), "every recorded picture can be decoded"
    return times, keys, frames[-1]


def tag_of(path: Path) -> str:
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.codec_tag


def test_a_burst_holds_its_pre_roll_without_a_gap(recorder, server):
    recorder.open("kali", source(server.url(0)))
    recorder.condition("kali", "live")
    recorder.wait(lambda m: (getattr(m, "streams", ()) and m.streams[0].ring_s >= 4.5) or None, 12)
    at = datetime.now(timezone.utc)
    answer = recorder.burst("kali", "run-1", before_s=4, after_s=1, at=at)
    clip = recorder.clip(answer.clip)
    times, keys, _ = frames_of(recorder.storage / clip.path)
    assert (at - clip.start).total_seconds() >= 4
    assert (clip.end - at).total_seconds() >= 0.8
    assert not clip.has_gap
    assert keys[0] and times[0] == 0
    assert all(0.05 < later - earlier < 0.15 for earlier, later in itertools.pairwise(times))
    assert tag_of(recorder.storage / clip.path) == "avc1"


def test_bursts_that_overlap_are_one_clip_and_a_repeated_key_changes_nothing(recorder, clip):
    recorder.open("kali", looped(clip))
    recorder.condition("kali", "live")
    first = recorder.burst("kali", "a", before_s=1, after_s=1)
    second = recorder.burst("kali", "b", before_s=1, after_s=2)
    again = recorder.burst("kali", "a", before_s=1, after_s=30)
    assert first.clip and first.clip == second.clip == again.clip
    done = recorder.clip(first.clip)
    assert done.keys == ("a", "b")
    assert 1.8 <= (done.end - done.start).total_seconds() <= 4
    assert recorder.burst("kali", "a").clip == first.clip


def test_a_clip_is_told_until_it_is_accepted_and_then_leaves_no_note(recorder, clip):
    recorder.open("kali", looped(clip))
    recorder.condition("kali", "live")
    done = recorder.clip(recorder.burst("kali", "a", before_s=0, after_s=0.5).clip)
    note = recorder.storage / "clips" / ".waiting" / f"{done.id}.json"
    assert note.exists()
    recorder.accept(done.id)
    deadline = time.monotonic() + 5
    while note.exists():
        assert time.monotonic() < deadline
        recorder.listen()
    assert (recorder.storage / done.path).stat().st_size == done.size_bytes


def test_an_eye_that_begins_to_watch_gets_header_and_open_gop_at_once(recorder, server):
    recorder.open("kali", source(server.url(1)))
    recorder.condition("kali", "live")
    early = PacketEnd(recorder.packets, "kali")
    early.until(lambda heard: len(heard) >= 12)
    began = time.monotonic()
    late = PacketEnd(recorder.packets, "kali")
    heard = late.until(lambda heard: len(heard) >= 10)
    assert time.monotonic() - began < 0.8, "not paced as live pictures are"
    assert isinstance(heard[0], StreamHeader) and heard[0].codec == "h264" and heard[0].width == 640
    assert heard[0].extradata.startswith(b"\0\0\0\1")
    assert heard[1].is_key and not heard[2].is_key
    early.close()
    late.close()


def test_the_small_stream_is_analysed_and_the_main_one_recorded(recorder, clip):
    small = make_clip(size=(320, 240), seconds=4)
    recorder.open("kali", looped(clip), looped(small, "sub"))
    recorder.condition("kali", "live")
    eye = PacketEnd(recorder.packets, "kali")
    header = eye.until(lambda heard: bool(heard))[0]
    eye.close()
    assert (header.width, header.height) == (320, 240)
    done = recorder.clip(recorder.burst("kali", "a", before_s=0, after_s=0.5).clip)
    assert frames_of(recorder.storage / done.path)[2].width == 640


def test_time_runs_on_over_a_dropped_connection_and_the_burst_says_it_has_a_gap(recorder, server):
    recorder.open("kali", source(server.url(2)))
    recorder.condition("kali", "live")
    eye = PacketEnd(recorder.packets, "kali")
    eye.until(lambda heard: len(heard) >= 5)
    burst = recorder.burst("kali", "a", before_s=0.2, after_s=4)
    mark = len(recorder.heard)
    server.drop(2)
    recorder.condition("kali", "lost", since=mark)
    recorder.condition("kali", "live", since=mark)
    heard = eye.until(lambda heard: sum(isinstance(m, StreamHeader) for m in heard) >= 2 and len(heard) > 15)
    eye.close()
    ended = next(k for k, m in enumerate(heard) if isinstance(m, StreamEnd))
    assert isinstance(heard[ended + 1], StreamHeader) and heard[ended + 2].is_key
    times = [m.pts_s for m in heard if isinstance(m, StreamPacket)]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    done = recorder.clip(burst.clip)
    assert done.has_gap
    in_clip, _, _ = frames_of(recorder.storage / done.path)
    assert all(later > earlier for earlier, later in itertools.pairwise(in_clip))
    assert in_clip[-1] == pytest.approx((done.end - done.start).total_seconds(), abs=0.3)


def test_a_change_of_size_ends_the_clip_and_the_burst_goes_on_in_another(recorder, server):
    recorder.open("kali", source(server.url(3)))
    recorder.condition("kali", "live")
    eye = PacketEnd(recorder.packets, "kali")
    eye.until(lambda heard: len(heard) >= 4)
    burst = recorder.burst("kali", "a", before_s=0.2, after_s=4)
    server.switch(3, make_clip(size=(320, 240), seconds=4))
    first = recorder.clip(burst.clip)
    second = recorder.wait(lambda m: m.clip if isinstance(m, ClipDone) and m.clip.id != first.id else None)
    headers = [m for m in eye.until(lambda heard: len(heard) > 12) if isinstance(m, StreamHeader)]
    eye.close()
    assert [(header.width, header.height) for header in headers] == [(640, 480), (320, 240)]
    assert frames_of(recorder.storage / first.path)[2].width == 640
    assert frames_of(recorder.storage / second.path)[2].width == 320
    assert first.keys == second.keys == ("a",)


def test_a_change_of_codec_is_followed_and_h265_is_recorded(recorder, server):
    recorder.open("kali", source(server.url(4)))
    recorder.condition("kali", "live")
    mark = len(recorder.heard)
    server.switch(4, make_clip("hevc", seconds=4))
    recorder.condition("kali", "lost", since=mark)
    recorder.condition("kali", "live", since=mark)
    eye = PacketEnd(recorder.packets, "kali")
    header = eye.until(lambda heard: len(heard) >= 3)[0]
    eye.close()
    assert header.codec == "hevc" and (header.width, header.height) == (640, 480)
    done = recorder.clip(recorder.burst("kali", "a", before_s=0, after_s=1).clip)
    assert done.codec == "hevc" and tag_of(recorder.storage / done.path) == "hvc1"
    frames_of(recorder.storage / done.path)


def test_a_killed_recorder_loses_the_open_fragment_only_and_the_clip_is_told_once(tmp_path, clip):
    first = RecorderProcess(tmp_path)
    first.open("kali", looped(clip))
    first.condition("kali", "live")
    answer = first.burst("kali", "a", before_s=0, after_s=60)
    part = next_part(tmp_path)
    grown(part, 60_000)
    first.kill()
    with RecorderProcess(tmp_path) as second:
        done = second.clip(answer.clip)
        times, _, _ = frames_of(tmp_path / done.path)
        assert done.has_gap and done.keys == ("a",) and times[-1] > 0.5
        assert not part.exists()
        assert second.burst("kali", "a").clip == answer.clip, "the key is still known"
        second.accept(done.id)
        second.beat()
    with RecorderProcess(tmp_path) as third:
        third.beat()
        third.beat()
        assert not [m for m in third.heard if isinstance(m, ClipDone)]


def test_when_the_hub_is_gone_the_recorder_finishes_its_clip_and_leaves(tmp_path, clip):
    first = RecorderProcess(tmp_path)
    first.open("kali", looped(clip))
    first.condition("kali", "live")
    answer = first.burst("kali", "a", before_s=0, after_s=60)
    grown(next_part(tmp_path), 20_000)
    began = time.monotonic()
    assert first.hub_dies() == 0
    assert time.monotonic() - began < 5
    with RecorderProcess(tmp_path) as second:
        done = second.clip(answer.clip)
        assert done.has_gap and (tmp_path / done.path).exists()


def test_a_new_recorder_leaves_alone_what_the_old_one_is_still_writing(tmp_path, clip):
    with RecorderProcess(tmp_path) as old:  # its hub was killed, say; it has not noticed yet
        old.open("kali", looped(clip))
        old.condition("kali", "live")
        answer = old.burst("kali", "a", before_s=0, after_s=4)
        grown(next_part(tmp_path), 20_000)
        with RecorderProcess(tmp_path) as new:
            assert new.burst("kali", "a").clip == answer.clip, "the key is known"
            new.beat()
            mine = old.clip(answer.clip)
            assert not mine.has_gap and not [m for m in new.heard if isinstance(m, ClipDone)]
            old.hub_dies()
            assert new.clip(answer.clip) == mine, "what was not accepted is told once the old one is gone"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_is_said_in_words_and_costs_no_camera_a_picture(tmp_path, clip):
    small = tmp_path / "disk"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not allow to mount a tmpfs")
    try:
        with RecorderProcess(small) as recorder:
            recorder.open("kali", looped(clip))
            recorder.open("taman", looped(clip))
            recorder.condition("taman", "live")
            eye = PacketEnd(recorder.packets, "taman")
            eye.until(lambda heard: len(heard) >= 2)
            answer = recorder.burst("kali", "a", before_s=2, after_s=60)
            failure = recorder.failure(20)
            assert (failure.clip, failure.camera, failure.keys) == (answer.clip, "kali", ("a",))
            assert "disk is full" in failure.reason
            times = [m.pts_s for m in eye.until(lambda heard: len(heard) > 20) if isinstance(m, StreamPacket)]
            assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 0.2
            eye.close()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)


def test_a_burst_of_a_camera_that_is_not_there_or_shows_nothing_fails_in_words(recorder):
    assert "does not know camera" in recorder.burst("hantu", "a").error
    recorder.open("mati", source("rtsp://127.0.0.1:9/x"))
    recorder.condition("mati", "lost")
    promised = recorder.burst("mati", "b", after_s=0.5).clip
    failure = recorder.failure()
    assert (failure.clip, failure.keys) == (promised, ("b",)) and "no pictures" in failure.reason
    assert recorder.burst("mati", "b", after_s=0.5).clip != promised, "who asks again is not told of the failed one"


def test_a_moment_that_the_ring_no_longer_holds_gives_what_there_is(recorder, clip):
    recorder.open("kali", looped(clip))
    recorder.condition("kali", "live")
    long_ago = datetime.now(timezone.utc) - timedelta(seconds=30)
    done = recorder.clip(recorder.burst("kali", "a", before_s=10, after_s=31, at=long_ago).clip)
    assert done.has_gap and done.start > long_ago


def test_an_eye_that_does_not_read_costs_nobody_a_picture(recorder):
    rich = make_clip(size=(1280, 720), fps=25, seconds=4, gop=10)
    recorder.open("kali", looped(rich))
    recorder.condition("kali", "live")
    asleep = PacketEnd(recorder.packets, "kali")
    awake = PacketEnd(recorder.packets, "kali")
    heard = awake.until(lambda heard: len(heard) > 75)
    asleep.close()
    awake.close()
    times = [m.pts_s for m in heard if isinstance(m, StreamPacket)]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 0.1


def test_a_closed_camera_ends_its_clip_and_is_told_closed(recorder, clip):
    recorder.open("kali", looped(clip))
    recorder.condition("kali", "live")
    answer = recorder.burst("kali", "a", before_s=0, after_s=60)
    recorder.close_camera("kali")
    assert recorder.condition("kali", "closed").report.camera == "kali"
    assert recorder.clip(answer.clip).has_gap


def test_damaged_streams_are_survived_and_cost_the_other_camera_nothing(recorder, server):
    files = sorted(BITSTREAMS.glob("*.*4")) + sorted(BITSTREAMS.glob("*.h265")) + sorted(BITSTREAMS.glob("*.jsv"))
    if not files:
        pytest.skip("SAID ALOUD: no damaged bitstreams beside the repository, this test did not run")
    recorder.open("kali", source(server.url(5)))
    recorder.condition("kali", "live")
    eye = PacketEnd(recorder.packets, "kali")
    for number, file in enumerate(files):
        recorder.open(f"rusak-{number}", source(str(file), is_loop=True))
    told = {f"rusak-{number}" for number in range(len(files))}
    seen: set[str] = set()

    def all_told(m) -> bool | None:
        report = getattr(m, "report", None)
        if report is not None and report.condition in ("live", "unreadable", "lost"):
            seen.add(report.camera)
        return told <= seen or None

    recorder.wait(all_told, 20)
    mark = len(eye.heard)
    heard = eye.until(lambda heard: len(heard) > mark + 25)
    eye.close()
    times = [m.pts_s for m in heard if isinstance(m, StreamPacket)]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 0.15
    assert recorder.process.poll() is None and recorder.beat().rss_bytes < 400_000_000


def test_a_camera_whose_packets_are_damaged_on_the_way_harms_no_other(recorder, server, clip, tmp_path):
    damage = random.Random(7)
    content = bytearray()
    for unit in access_units(clip.mp4):
        broken = bytearray(unit)
        for _ in range(len(broken) // 200):
            broken[damage.randrange(len(broken))] = damage.randrange(256)
        content += len(broken).to_bytes(4, "big") + broken
    units = tmp_path / "rusak.units"
    units.write_bytes(content)
    server.switch(6, dataclasses.replace(clip, units=units))
    recorder.open("rusak", source(server.url(6)))
    recorder.open("kali", source(server.url(7)))
    recorder.condition("kali", "live")
    eye = PacketEnd(recorder.packets, "kali")
    heard = eye.until(lambda heard: len(heard) > 25)
    eye.close()
    times = [m.pts_s for m in heard if isinstance(m, StreamPacket)]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 0.15
    assert recorder.process.poll() is None


def next_part(storage: Path) -> Path:
    deadline = time.monotonic() + 5
    while True:
        parts = list(storage.glob("clips/*/*/*.part.mp4"))
        if parts:
            return parts[0]
        assert time.monotonic() < deadline, "no clip grows"
        time.sleep(0.02)


def grown(part: Path, size: int) -> None:
    deadline = time.monotonic() + 8
    while part.stat().st_size < size:
        assert time.monotonic() < deadline, f"the clip stays at {part.stat().st_size} bytes"
        time.sleep(0.05)
