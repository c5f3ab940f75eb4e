"""Live views from a real RTSP server to what a page gets: at once, playable, bounded, and back after every loss."""

from __future__ import annotations

import asyncio
import io
import itertools

import av
import pytest
from media_clips import make_clip
from recorder_process import RecorderProcess
from rtsp_server import RtspServer

from siaga.core.clock import SystemClock
from siaga.core.contracts import StreamSource
from siaga.core.media.live_views import LiveView, LiveViews
from siaga.core.media.messages import LiveHeader, LivePiece, StreamEnd
from siaga.core.tasks import Tasks

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    with RtspServer(make_clip(seconds=8, gop=20), mounts=2) as running:
        yield running


@pytest.fixture
async def watched(tmp_path, server):
    """Read one camera and hold the hub's end of its live views."""
    with RecorderProcess(tmp_path) as recorder:
        recorder.open("kali", StreamSource(role="main", url=server.url(0)))
        await asyncio.to_thread(recorder.condition, "kali", "live")
        tasks = Tasks(SystemClock())
        views = LiveViews(str(recorder.packets), SystemClock())
        views.start(tasks)
        yield recorder, views
        await tasks.stop(1.0)


async def take(view, count, limit_s=10):
    """Return the header and the next pieces of a view."""
    header, pieces = None, []
    async with asyncio.timeout(limit_s):
        async for message in view:
            if isinstance(message, LiveHeader):
                header, pieces = message, []
            elif isinstance(message, LivePiece):
                pieces.append(message)
            if header is not None and len(pieces) >= count:
                break
    return header, pieces


def times_of(header, pieces):
    """Decode a view as a player would; return the times of its pictures."""
    content = header.init + b"".join(piece.data for piece in pieces)
    with av.open(io.BytesIO(content)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]


async def test_a_page_sees_pictures_at_once_from_a_keyframe_on_without_a_gap(watched):
    _, views = watched
    with views.view("kali") as view:
        header, pieces = await take(view, 25)
    assert header.mime.startswith('video/mp4; codecs="avc1.')
    assert pieces[0].is_key and b"moof" in pieces[0].data[:8] and b"moof" not in header.init
    times = times_of(header, pieces)
    assert len(times) == len(pieces) == 25
    steps = [after - before for before, after in itertools.pairwise(times)]
    assert min(steps) > 0.02 and max(steps) < 0.25


async def test_a_second_page_begins_with_the_same_keyframe_and_the_first_loses_nothing(watched):
    _, views = watched
    with views.view("kali") as first:
        await take(first, 8)
        with views.view("kali") as second:
            header, pieces = await take(second, 10)
            assert pieces[0].is_key and len(times_of(header, pieces)) == 10
        assert views.count == 1
        async with asyncio.timeout(5):
            async for message in first:
                assert isinstance(message, LivePiece)
                break
    assert views.count == 0


async def test_a_recorder_that_dies_ends_the_view_and_the_next_one_goes_on(watched, tmp_path, server):
    recorder, views = watched
    with views.view("kali") as view:
        await take(view, 3)
        await asyncio.to_thread(recorder.close_camera, "kali")
        async with asyncio.timeout(10):
            async for message in view:
                if isinstance(message, StreamEnd):
                    break
        recorder.open("kali", StreamSource(role="main", url=server.url(0)))
        header, pieces = await take(view, 5, 20)
        assert len(times_of(header, pieces)) == 5


async def test_a_camera_that_gives_nothing_holds_up_no_page(watched):
    _, views = watched
    with views.view("lain") as other, views.view("kali") as view:
        await take(view, 2)
        with pytest.raises(TimeoutError):
            await take(other, 1, 0.3)


def piece(size, *, is_key=False):
    return LivePiece(camera="kali", is_key=is_key, data=bytes(size))


async def test_a_page_that_does_not_read_misses_pictures_up_to_a_keyframe_and_keeps_the_header():
    view = LiveView("kali")
    view.put(LiveHeader(camera="kali", mime="m", init=b"i"))
    for _ in range(5):
        view.put(piece(1_000_000))
    view.put(piece(10))
    view.put(piece(20, is_key=True))
    view.put(piece(30))
    got = []
    async with asyncio.timeout(1):
        async for message in view:
            got.append(message)
            if len(got) == 3:
                break
    assert isinstance(got[0], LiveHeader) and [len(one.data) for one in got[1:]] == [20, 30]
    assert view.skipped == 6
