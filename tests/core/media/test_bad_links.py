"""Links that fail between the recorder and a camera's stream: it is told what happened, and read again after."""

import asyncio

import pytest
from media_clips import make_clip
from recorder_process import RecorderProcess
from rtsp_server import RtspServer
from tcp_faults import Fault

from siaga.core.contracts import StreamSource

pytestmark = pytest.mark.slow
FAULTS = {"cut": {"lost"}, "hang": {"stalled", "lost"}, "garbage": {"lost", "stalled", "unreadable"}}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_stream_over_a_link_that_fails_is_told_and_comes_back_while_the_other_records_on(fault, tmp_path):
    with RtspServer(make_clip()) as server, RtspServer(make_clip()) as other, RecorderProcess(tmp_path) as recorder:
        async with Fault(server.port) as link:
            recorder.open("weak", StreamSource(role="main", url=f"rtsp://127.0.0.1:{link.port}/cam0"))
            recorder.open("sound", StreamSource(role="main", url=other.url()))
            for camera in ("weak", "sound"):
                await asyncio.to_thread(recorder.condition, camera, "live", 20)
            mark = len(recorder.heard)
            link.set(fault)

            def known(heard):
                report = getattr(heard, "report", None)
                is_it = report is not None and report.camera == "weak" and report.condition in FAULTS[fault]
                return report if is_it else None

            report = await asyncio.to_thread(recorder.wait, known, 60, mark)
            assert report.reason
            again = len(recorder.heard)
            link.set("pass")
            await asyncio.to_thread(recorder.condition, "weak", "live", 90, again)
            answer = await asyncio.to_thread(lambda: recorder.burst("sound", "k", before_s=0, after_s=1))
            clip = await asyncio.to_thread(recorder.clip, answer.clip, 20)
            assert not clip.has_gap
            told = [m.report for m in recorder.heard[mark:] if hasattr(m, "report") and m.report.camera == "sound"]
            assert not [one for one in told if one.condition != "live"]
