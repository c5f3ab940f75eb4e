"""One stream in the recorder, told by a reader: what the hub hears of it."""

from __future__ import annotations

import time
from pathlib import Path

from siaga.core.contracts import StreamSource
from siaga.core.media.messages import StreamChanged
from siaga.core.media.recorder_camera import RecordedStream
from siaga.core.media.ring import AccessUnit
from siaga.core.texts import Texts


def unit(mono_s: float) -> AccessUnit:
    return AccessUnit(pts_s=mono_s, dts_s=mono_s, is_key=True, at_s=mono_s, arrived_mono_s=mono_s, data=b"x")


def test_a_stream_that_stood_still_is_live_again_with_its_next_picture(tmp_path: Path):
    told: list[StreamChanged] = []
    nowhere = StreamSource(role="main", url=str(tmp_path / "tidak-ada.mp4"))
    stream = RecordedStream("kali", nowhere, told.append, Texts("en"), feed=None, recording=None)
    deadline = time.monotonic() + 5
    while stream.report().condition != "lost":  # its own reader has said so; it comes back in 0.75 s
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stream.on_condition("live", "")
    stream.on_condition("stalled", "no picture for 10 seconds")
    stream.on_unit(unit(time.monotonic()))
    report = stream.report()
    stream.close()
    assert (report.condition, report.reason, report.reconnects) == ("live", "", 0)
    assert [change.report.condition for change in told[-4:]] == ["live", "stalled", "live", "closed"]
