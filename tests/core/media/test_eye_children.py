"""What the supervisor lets an eye know, and what it forgives it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import pytest

from siaga.core.bus import Bus
from siaga.core.clock import SystemClock
from siaga.core.health import HealthBook
from siaga.core.media.messages import ClipFailed, EyeEvent, LastTold, Reading, StreamReport
from siaga.core.media.supervisor import MediaSupervisor
from siaga.core.media.supervisor_report import MediaTuning
from siaga.core.settings import CameraSettings, MediaSettings
from siaga.core.tasks import Tasks
from siaga.core.types import Clip

# A real small eye: tells what it was given, then a flood stage; makes detectors for 2 s in silence at first.
EYE = """
import argparse, os, socket, threading, time
from datetime import datetime, timezone
import msgspec
from siaga.core.media.link import MessageSocket
from siaga.core.media.messages import *
parser = argparse.ArgumentParser()
parser.add_argument("--hub-fd", type=int)
link = MessageSocket(socket.socket(fileno=parser.parse_known_args()[0].hub_fd), ToEye)
def beat(is_making=False):
    link.send(EyeBeat(pid=os.getpid(), rss_bytes=1, cpu_s=0.0, is_making=is_making))
def tell(kind, data, detector=""):
    link.send(EyeEvent(camera="kali", kind=kind, at=datetime.now(timezone.utc), arrived_mono_s=0.0, data=data,
                       detector=detector))
while True:
    for message in link.receive():
        if isinstance(message, WatchCamera):
            beat(is_making=True)
            time.sleep(2)
            tell("given", {"order": msgspec.to_builtins(message), "environment": dict(os.environ)})
            for stage in (3, 2):
                tell("flood.stage", {"to": stage}, "flood")
            tell("object.person", {"track": 1})
            beat()
            threading.Thread(target=lambda: [(beat(), time.sleep(0.2)) for _ in range(100)], daemon=True).start()
        elif isinstance(message, Stop):
            raise SystemExit(0)
"""


class Notebook:
    """A sink that writes down events and processes."""

    def __init__(self) -> None:
        self.events: list[EyeEvent] = []
        self.processes: list[tuple[str, str]] = []

    async def on_event(self, message: EyeEvent) -> None:
        self.events.append(message)

    async def on_reading(self, message: Reading) -> None:
        pass

    async def on_clip(self, clip: Clip) -> None:
        pass

    async def on_clip_failed(self, message: ClipFailed) -> None:
        pass

    async def on_stream(self, report: StreamReport, at: object) -> None:
        pass

    async def on_process(self, name: str, what: str, detail: str) -> None:
        self.processes.append((name, what))


@pytest.mark.slow
async def test_an_eye_gets_no_login_goes_on_where_the_last_one_was_and_may_be_long_in_making(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHATSAPP_TOKEN", "a-secret-of-the-hub")
    script = tmp_path / "eye.py"
    script.write_text(textwrap.dedent(EYE))
    clock, sink = SystemClock(), Notebook()
    media = MediaSupervisor(
        settings=MediaSettings(eyes=1),
        storage=tmp_path,
        plugin_folder=None,
        clock=clock,
        tasks=Tasks(clock),
        health=HealthBook(Bus(), clock),
        sink=sink,
        tuning=MediaTuning(eye_command=(sys.executable, str(script)), hang_s=1.0),
    )

    async def given(number: int) -> dict[str, object]:
        async with asyncio.timeout(15):
            while sum(event.kind == "object.person" for event in sink.events) < number:
                await asyncio.sleep(0.02)  # a real process: nobody sets an event of ours
        return [event for event in sink.events if event.kind == "given"][-1].data

    await media.start()
    try:
        settings = CameraSettings(
            id="kali",
            type="rtsp",
            name="Kali",
            options={"password": "kata-sandi"},
            zones={"tepi": ((0, 0), (1, 0), (1, 1))},
        )
        journal = [LastTold(kind="flood.stage", data={"to": 4})]
        await media.open_camera(settings, [], journal)
        first = await given(1)
        assert "kata-sandi" not in str(first) and "tepi" in str(first["order"])
        assert "a-secret-of-the-hub" not in str(first["environment"]) and "PATH" in first["environment"]
        assert first["order"]["last"] == [{"kind": "flood.stage", "data": {"to": 4}, "detector": ""}]
        pid = next(int(health.figures["pid"]) for health in media.processes() if health.part == "eye-1")
        os.kill(pid, signal.SIGKILL)
        second = await given(2)
        last = {one["kind"]: one for one in second["order"]["last"] if one["detector"]}
        assert last == {"flood.stage": {"kind": "flood.stage", "data": {"to": 2}, "detector": "flood"}}
        assert ("eye-1", "hung") not in sink.processes, "two seconds of making were forgiven"
    finally:
        await media.stop()
