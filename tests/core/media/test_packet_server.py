"""What eyes get of the packets: in order, gathered, and never more than the memory that is set aside."""

from __future__ import annotations

import tempfile
import time
from itertools import pairwise
from pathlib import Path

import pytest
from recorder_process import PacketEnd

from siaga.core.media.messages import StreamEnd, StreamHeader, StreamPacket, Urge
from siaga.core.media.packet_server import PacketServer
from siaga.core.media.ring import AccessUnit, StreamConfig

CONFIG = StreamConfig(codec="h264", extradata=b"\0\0\0\1x", width=64, height=48)


@pytest.fixture
def server():
    with tempfile.TemporaryDirectory(prefix="siaga-t-") as folder:
        running = PacketServer(Path(folder) / "p")
        running.path = Path(folder) / "p"
        running.start()
        yield running
        running.close()


def unit(number: int, *, is_key: bool = False, size: int = 100) -> AccessUnit:
    at_s = number / 10
    return AccessUnit(pts_s=at_s, dts_s=at_s, is_key=is_key, at_s=at_s, arrived_mono_s=at_s, data=bytes(size))


def watching(server: PacketServer, *cameras: str) -> PacketEnd:
    """Return an eye whose wish has been heard: a second camera's header tells."""
    bell = server.feed("bel")
    bell.open(CONFIG)
    bell.pass_on(unit(0, is_key=True))
    eye = PacketEnd(server.path, *cameras, "bel")
    eye.until(lambda heard: len(heard) >= 2 and any(getattr(m, "camera", "") == "bel" for m in heard))
    return eye


def of(eye: PacketEnd, camera: str) -> list[object]:
    return [m for m in eye.heard if m.camera == camera]


def test_packets_of_several_cameras_come_in_order_and_soon(server):
    eye = watching(server, "kali", "taman")
    began = time.monotonic()
    for camera in ("kali", "taman"):
        server.feed(camera).open(CONFIG)
        for number in range(50):
            server.feed(camera).pass_on(unit(number, is_key=number % 10 == 0))
    server.feed("kali").end()
    eye.until(lambda heard: any(isinstance(m, StreamEnd) for m in heard) and len(of(eye, "taman")) == 51)
    assert time.monotonic() - began < 1
    assert isinstance(of(eye, "kali")[0], StreamHeader)
    for camera in ("kali", "taman"):
        assert [m.pts_s for m in of(eye, camera) if isinstance(m, StreamPacket)] == [n / 10 for n in range(50)]
    eye.close()


def test_a_gop_without_end_is_not_kept_for_who_comes_late(server):
    feed = server.feed("kali")
    feed.open(CONFIG)
    feed.pass_on(unit(0, is_key=True))
    for number in range(1, 12):
        feed.pass_on(unit(number, size=1_000_000))
    late = watching(server, "kali")
    feed.pass_on(unit(12))
    feed.pass_on(unit(13, is_key=True))
    late.until(lambda heard: any(getattr(m, "pts_s", 0) == 1.3 for m in heard))
    assert [m.pts_s for m in of(late, "kali") if isinstance(m, StreamPacket)] == [1.3]
    late.close()


def test_an_eye_that_stops_reading_loses_whole_gops_and_then_goes_on(server):
    eye = watching(server, "kali")
    feed = server.feed("kali")
    feed.open(CONFIG)
    for number in range(100):
        feed.pass_on(unit(number, is_key=number % 10 == 0, size=100_000))
    deadline = time.monotonic() + 5
    while not server.dropped:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    eye.until(lambda heard: len(of(eye, "kali")) > 10)
    for number in range(100, 120):
        feed.pass_on(unit(number, is_key=number % 10 == 0, size=100))
    eye.until(lambda heard: getattr(heard[-1], "pts_s", 0) == 11.9)
    got = [m for m in of(eye, "kali") if isinstance(m, StreamPacket)]
    for before, after in pairwise(got):
        assert after.is_key or after.pts_s - before.pts_s == pytest.approx(0.1), "a gap ends at a keyframe"
    eye.close()


def test_a_camera_is_urgent_while_one_of_its_eyes_waits_for_pictures(server):
    feed = server.feed("kali")
    assert not feed.is_urgent, "nobody looks"
    first, second = watching(server, "kali"), watching(server, "kali")
    assert feed.is_urgent
    first.send(Urge(camera="kali", is_urgent=False))
    second.send(Urge(camera="kali", is_urgent=False))
    until(lambda: not feed.is_urgent)
    second.send(Urge(camera="kali", is_urgent=True))
    until(lambda: feed.is_urgent)
    second.close()
    until(lambda: not feed.is_urgent)
    first.close()


def until(is_so):
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
