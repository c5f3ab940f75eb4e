"""Links that fail between the recorder and a camera's stream: it is told what happened, and read again after."""

import asyncio
from datetime import datetime, timedelta, timezone

import msgspec
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


async def test_a_link_that_is_too_narrow_is_known_by_its_lag_and_keyframes_alone_still_come(tmp_path):
    with RtspServer(make_clip()) as server, RecorderProcess(tmp_path) as recorder:
        async with Fault(server.port) as link:
            source = StreamSource(role="main", url=f"rtsp://127.0.0.1:{link.port}/cam0")
            recorder.open("weak", source)
            await asyncio.to_thread(recorder.condition, "weak", "live", 20)
            begun, at = link.carried, asyncio.get_running_loop().time()
            await asyncio.sleep(2)
            needed = (link.carried - begun) / (asyncio.get_running_loop().time() - at)
            link.rate = needed / 2

            def full(heard):
                reports = [one for one in getattr(heard, "streams", ()) if one.is_link_full and one.lag_s > 3]
                return reports[0] if reports else None

            await asyncio.to_thread(recorder.wait, full, 60)
            link.rate = None
            recorder.open("weak", msgspec.structs.replace(source, keyframe_every_s=3.0))

            def fresh(heard):
                now = datetime.now(timezone.utc)
                ages = [now - one.last_at for one in getattr(heard, "streams", ()) if one.last_at]
                return any(age < timedelta(seconds=6) for age in ages) or None

            await asyncio.sleep(2)
            await asyncio.to_thread(recorder.condition, "weak", "live", 20, len(recorder.heard))
            begun, at, visits = link.carried, asyncio.get_running_loop().time(), link.connections
            mark = len(recorder.heard)
            await asyncio.sleep(12)
            used = (link.carried - begun) / (asyncio.get_running_loop().time() - at)
            assert used < needed / 2
            assert link.connections - visits >= 3

            await asyncio.to_thread(recorder.wait, fresh, 20, mark)
            told = [m.report for m in recorder.heard[mark:] if hasattr(m, "report")]
            assert not [one for one in told if one.condition not in ("live", "connecting")], told
