"""What a camera kept on its card becomes a clip: the recorder's process against an RTSP server that replays."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from media_clips import access_units, make_clip
from odd_rtsp_server import OddRtspServer
from recorder_process import RecorderProcess

from siaga.core.contracts import StreamSource
from siaga.core.media.messages import FetchClip
from siaga.core.media.rtsp_headers import Requests

BEGIN = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
HEADERS = {"Require": "onvif-replay", "Range": "clock=20261125T030000Z-20261125T030004Z", "Rate-Control": "no"}


@pytest.fixture(scope="module")
def footage():
    clip = make_clip()
    return list(access_units(clip.mp4)), clip.fps


@pytest.fixture
def recorder(tmp_path):
    with RecorderProcess(tmp_path) as running:
        yield running


def order(url, seconds=4.0, headers=None):
    source = StreamSource(role="main", url=url)
    return FetchClip(
        clip="c1", key="gap:1.", camera="gang", source=source, begin=BEGIN, seconds=seconds, headers=headers or {}
    )


@pytest.mark.slow
def test_footage_from_the_card_is_a_clip_with_its_own_times_and_is_read_faster_than_it_ran(recorder, footage, tmp_path):
    with OddRtspServer(*footage, speed=4.0, wants_replay=True) as camera:
        recorder.fetch(order(camera.url, headers=HEADERS))
        clip = recorder.clip("c1", 20)
        play = next(request for request in camera.requests if request.startswith("PLAY"))
    assert (clip.origin, clip.camera, clip.start, clip.keys) == ("card", "gang", BEGIN, ("gap:1.",))
    assert abs((clip.end - clip.start) - timedelta(seconds=4)) < timedelta(seconds=0.6)
    assert (tmp_path / clip.path).stat().st_size == clip.size_bytes
    assert "Rate-Control: no" in play and play.lower().count("\r\nrange:") == 1


@pytest.mark.slow
def test_a_card_that_ends_early_gives_what_it_has(recorder, footage):
    with OddRtspServer(*footage, speed=4.0, plays=30) as camera:
        recorder.fetch(order(camera.url, seconds=600))
        clip = recorder.clip("c1", 30)
    assert 1 < (clip.end - clip.start).total_seconds() < 30 / footage[1] + 1


@pytest.mark.slow
def test_a_camera_that_refuses_to_replay_is_told_as_a_failure(recorder, footage):
    with OddRtspServer(*footage, wants_replay=True) as camera:
        recorder.fetch(order(camera.url))
        failure = recorder.failure(20)
    assert (failure.clip, failure.camera) == ("c1", "gang") and failure.reason


def test_headers_are_added_to_setup_and_play_however_the_bytes_arrive():
    sent = (
        b"DESCRIBE rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"
        b"$\x01\x00\x04\r\n\r\n"
        b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 2\r\nRange: npt=0.000-\r\n\r\n"
    )
    for step in (1, 7, len(sent)):
        requests = Requests(HEADERS)
        got = b"".join(requests.feed(sent[at : at + step]) for at in range(0, len(sent), step))
        assert got.startswith(sent[: sent.index(b"PLAY")])
        play = got[sent.index(b"PLAY") :].decode()
        assert "npt" not in play and "Require: onvif-replay\r\n" in play and play.endswith("\r\n\r\n")


def test_a_request_that_never_ends_is_not_kept():
    requests = Requests(HEADERS)
    with pytest.raises(OSError):
        for _ in range(100):
            requests.feed(b"x" * 1000)
