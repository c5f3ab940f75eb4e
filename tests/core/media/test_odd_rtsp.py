"""Cameras whose RTSP is odd: they are read, or named in words; the camera beside them never notices."""

from __future__ import annotations

import pytest
from media_clips import access_units, make_clip
from odd_rtsp_server import OddRtspServer
from recorder_process import RecorderProcess

from siaga.core.contracts import StreamSource

pytestmark = pytest.mark.slow
READ = (
    "no base",
    "no sprop",
    "absolute",
    "star",
    "two videos",
    "moved",
    "tiny timeout",
    "no keep-alive",
    "wrong ssrc",
    "lower case",
)
NAMED = ("wrong length", "no tcp", "no session", "banner", "huge header", "garbage")


@pytest.fixture(scope="module")
def footage():
    clip = make_clip()
    return list(access_units(clip.mp4)), clip.fps


@pytest.fixture(scope="module")
def recorder(tmp_path_factory):
    with RecorderProcess(tmp_path_factory.mktemp("odd")) as running:
        yield running


def opened(recorder, camera, url):
    recorder.open(camera, StreamSource(role="main", url=url))


@pytest.mark.parametrize("oddity", READ)
def test_an_odd_camera_is_read_all_the_same(recorder, footage, oddity):
    with OddRtspServer(*footage, oddity) as server:
        camera = oddity.replace(" ", "-")
        opened(recorder, camera, server.url)
        recorder.condition(camera, "live", 20)
        answer = recorder.burst(camera, f"k {oddity}", before_s=0, after_s=1)
        assert recorder.clip(answer.clip, 20).size_bytes > 1000
        recorder.close_camera(camera)


@pytest.mark.parametrize("oddity", NAMED)
def test_an_odder_camera_is_read_or_named_and_the_one_beside_it_goes_on(recorder, footage, oddity):
    with OddRtspServer(*footage, oddity) as server, OddRtspServer(*footage) as sound:
        camera, beside = oddity.replace(" ", "-"), f"beside-{oddity.replace(' ', '-')}"
        opened(recorder, beside, sound.url)
        recorder.condition(beside, "live", 20)
        mark = len(recorder.heard)
        opened(recorder, camera, server.url)

        def known(message):
            report = getattr(message, "report", None)
            is_it = report is not None and report.camera == camera and report.condition != "connecting"
            return report if is_it else None

        report = recorder.wait(known, 45)
        assert report.condition == "live" or (report.condition in ("lost", "unreadable", "stalled") and report.reason)
        answer = recorder.burst(beside, f"k {oddity}", before_s=0, after_s=1)
        assert recorder.clip(answer.clip, 20).size_bytes > 1000
        told = [m.report for m in recorder.heard[mark:] if hasattr(m, "report") and m.report.camera == beside]
        assert not [report for report in told if report.condition != "live"]
        for one in (camera, beside):
            recorder.close_camera(one)
    assert recorder.process.poll() is None
