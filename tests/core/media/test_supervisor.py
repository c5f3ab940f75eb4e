"""The supervisor with real children: what dies or hangs is replaced, and nothing it told is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from datetime import datetime, timezone
from pathlib import Path

import pytest
from media_clips import make_clip
from recorder_process import is_alive

from siaga.core.bus import Bus
from siaga.core.clock import SystemClock
from siaga.core.contracts import StreamSource
from siaga.core.errors import MediaError
from siaga.core.health import HealthBook
from siaga.core.media.messages import ClipDone, ClipFailed, EyeEvent, Reading, StreamReport
from siaga.core.media.supervisor import MediaSupervisor
from siaga.core.media.supervisor_inbox import Inbox
from siaga.core.media.supervisor_report import MediaTuning
from siaga.core.settings import CameraSettings, MediaSettings
from siaga.core.tasks import Tasks
from siaga.core.texts import Texts
from siaga.core.types import Clip

# A real small eye: beats, answers pictures with its own pid, tells an event for each camera it is given.
EYE = """
import argparse, os, socket, threading, time
from datetime import datetime, timezone
from siaga.core.media.link import MessageSocket
from siaga.core.media.messages import *
parser = argparse.ArgumentParser()
for name in ("--hub-fd", "--packets", "--plugins", "--language", "--budget"):
    parser.add_argument(name)
link = MessageSocket(socket.socket(fileno=int(parser.parse_args().hub_fd)), ToEye)
cameras = []
def beat():
    while True:
        reports = tuple(EyeCameraReport(camera=camera, mode="waiting") for camera in cameras)
        link.send(EyeBeat(pid=os.getpid(), rss_bytes=1, cpu_s=0.0, cameras=reports))
        time.sleep(0.2)
threading.Thread(target=beat, daemon=True).start()
while True:
    for message in link.receive():
        if isinstance(message, WatchCamera):
            cameras.append(message.settings.id)
            for number in range(3):
                link.send(EyeEvent(camera=message.settings.id, kind="motion.start", at=datetime.now(timezone.utc),
                                   arrived_mono_s=0.0, data={"number": number}))
        elif isinstance(message, TakePicture):
            link.send(PictureTaken(request=message.request, jpeg=str(os.getpid()).encode()))
        elif isinstance(message, Stop):
            raise SystemExit(0)
"""


class Notebook:
    """A sink that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[EyeEvent] = []
        self.clips: list[Clip] = []
        self.failures: list[ClipFailed] = []
        self.streams: list[StreamReport] = []
        self.processes: list[tuple[str, str, str]] = []

    async def on_event(self, message: EyeEvent) -> None:
        self.events.append(message)

    async def on_reading(self, message: Reading) -> None:
        pass

    async def on_clip(self, clip: Clip) -> None:
        self.clips.append(clip)

    async def on_clip_failed(self, message: ClipFailed) -> None:
        self.failures.append(message)

    async def on_stream(self, report: StreamReport, at: datetime) -> None:
        self.streams.append(report)

    async def on_process(self, name: str, what: str, detail: str) -> None:
        self.processes.append((name, what, detail))


class Stage:
    def __init__(
        self, storage: Path, eye: Path, *, eyes: int = 1, hang_s: float = 2.0, recorder: Path | None = None
    ) -> None:
        commands = {"eye_command": (sys.executable, str(eye))}
        if recorder is not None:
            commands["recorder_command"] = (sys.executable, str(recorder))
        clock = SystemClock()
        self.sink = Notebook()
        self.media = MediaSupervisor(
            settings=MediaSettings(eyes=eyes),
            storage=storage,
            plugin_folder=None,
            clock=clock,
            tasks=Tasks(clock),
            health=HealthBook(Bus(), clock),
            sink=self.sink,
            texts=Texts("en"),
            tuning=MediaTuning(**commands, hang_s=hang_s),
        )

    async def open(self, camera: str = "kali") -> None:
        settings = CameraSettings(id=camera, type="file", name=camera)
        await self.media.open_camera(settings, [StreamSource(role="main", url=str(make_clip().mp4), is_loop=True)])

    async def until(self, is_so, limit_s: float = 12) -> None:
        async with asyncio.timeout(limit_s):
            while not is_so():
                await asyncio.sleep(0.02)  # real processes: nobody sets an event of ours

    async def live(self, camera: str = "kali") -> None:
        await self.until(lambda: (r := self.media.stream(camera, "main")) is not None and r.condition == "live")

    def pid(self, name: str) -> int:
        health = next(h for h in self.media.processes() if h.part == name)
        return int(health.figures.get("pid", 0))

    async def burst(self, key: str, after_s: float) -> str:
        return await self.media.burst("kali", datetime.now(timezone.utc), 0.5, after_s, key)


@pytest.fixture
def eye(tmp_path):
    script = tmp_path / "eye.py"
    script.write_text(textwrap.dedent(EYE))
    return script


@pytest.fixture
async def stage(tmp_path, eye):
    running = Stage(tmp_path, eye)
    await running.media.start()
    yield running
    await running.media.stop()


def test_of_what_waits_too_long_pictures_go_before_readings_and_readings_before_facts():
    def event(number: int) -> EyeEvent:
        now = datetime.now(timezone.utc)
        return EyeEvent(camera="a", kind="k", at=now, arrived_mono_s=0, data={"n": number}, jpeg=b"x" * 100)

    inbox = Inbox(max_items=4, max_picture_bytes=250)
    for number in range(3):
        inbox.put(event(number))
    inbox.put(Reading(camera="a", kind="r", at=datetime.now(timezone.utc)))
    inbox.put(event(3))
    assert (inbox.dropped_pictures, inbox.dropped_readings, inbox.dropped_facts) == (2, 1, 0)
    inbox.put(event(4))
    assert inbox.dropped_facts == 1


async def test_a_finished_clip_is_never_dropped_from_what_waits():
    now = datetime.now(timezone.utc)
    clip = Clip(
        id="1", camera="a", path="p", start=now, end=now, codec="h264", size_bytes=1, sha256="", keys=(), has_gap=False
    )
    inbox = Inbox(max_items=2)
    inbox.put(ClipDone(clip=clip))
    for number in range(4):
        inbox.put(EyeEvent(camera="a", kind="k", at=now, arrived_mono_s=0, data={"n": number}))
    assert inbox.dropped_facts == 3
    kept = [await inbox.get(), await inbox.get()]
    assert kept[0] == ClipDone(clip=clip) and kept[1].data == {"n": 3}


@pytest.mark.slow
async def test_the_cameras_of_a_recorder_that_keeps_dying_are_told_as_lost(tmp_path, eye):
    broken = tmp_path / "recorder.py"
    broken.write_text("raise SystemExit(3)")
    stage = Stage(tmp_path, eye, recorder=broken)
    await stage.media.start()
    try:
        await stage.open()
        await stage.until(lambda: stage.sink.streams)
        assert (stage.sink.streams[0].camera, stage.sink.streams[0].condition) == ("kali", "lost")
        assert "restarted" in stage.sink.streams[0].reason
    finally:
        await stage.media.stop()


@pytest.mark.slow
async def test_a_camera_goes_live_is_recorded_seen_and_everything_stops_in_time(tmp_path, eye):
    stage = Stage(tmp_path, eye)
    await stage.media.start()
    await stage.open()
    await stage.live()
    clip_id = await stage.burst("run-1", 0.5)
    await stage.until(lambda: stage.sink.clips)
    assert stage.sink.clips[0].id == clip_id and stage.sink.clips[0].keys == ("run-1",)
    assert int((await stage.media.picture("kali")).jpeg) == stage.pid("eye-1")
    assert [event.data["number"] for event in stage.sink.events] == [0, 1, 2]
    await stage.until(lambda: stage.media.eye_report("kali") is not None)
    recorder = next(process for process in stage.media.processes() if process.part == "recorder")
    assert recorder.figures["dropped_for_eyes"] == recorder.figures["dropped_for_clips"] == 0
    open_clip = await stage.burst("run-2", 60)
    pids = [stage.pid("recorder"), stage.pid("eye-1")]
    began = asyncio.get_running_loop().time()
    await stage.media.stop()
    assert asyncio.get_running_loop().time() - began < 5
    assert [clip.id for clip in stage.sink.clips] == [clip_id, open_clip], "a stop finishes the open clip"
    assert not any(is_alive(pid) for pid in pids)
    assert not list((tmp_path / "clips" / ".waiting").glob("*.json")), "every clip was accepted"


@pytest.mark.slow
async def test_a_killed_recorder_comes_back_with_its_cameras_and_tells_the_cut_clip_once(stage):
    await stage.open()
    await stage.live()
    clip_id = await stage.burst("run-1", 60)
    await asyncio.sleep(1.5)  # a second of pictures, real time
    before = stage.pid("recorder")
    os.kill(before, signal.SIGKILL)
    await stage.until(lambda: stage.pid("recorder") not in (0, before))
    await stage.live()
    await stage.until(lambda: stage.sink.clips)
    assert stage.sink.clips[0].id == clip_id and stage.sink.clips[0].has_gap
    assert ("recorder", "died", "signal 9") in stage.sink.processes
    await stage.until(lambda: _is_recording(stage))
    assert len(stage.sink.clips) == 1


def _is_recording(stage: Stage) -> bool:
    report = stage.media.stream("kali", "main")
    return report is not None and report.packets > 5


@pytest.mark.slow
async def test_an_eye_that_hangs_is_told_from_one_that_died_and_both_get_their_cameras_back(stage):
    await stage.open()
    await stage.until(lambda: stage.pid("eye-1") and stage.media.eye_report("kali"))
    first = stage.pid("eye-1")
    os.kill(first, signal.SIGSTOP)
    await stage.until(lambda: stage.pid("eye-1") not in (0, first) and stage.media.eye_report("kali"))
    second = stage.pid("eye-1")
    assert not is_alive(first)
    os.kill(second, signal.SIGKILL)
    await stage.until(lambda: stage.pid("eye-1") not in (0, second) and stage.media.eye_report("kali"))
    told = [what for name, what, _ in stage.sink.processes if name == "eye-1"]
    assert told == ["started", "hung", "started", "died", "started"]
    report = stage.media.stream("kali", "main")
    assert report is not None and report.condition == "live" and report.reconnects == 0


@pytest.mark.slow
async def test_a_hanging_recorder_is_replaced(stage):
    await stage.open()
    await stage.live()
    before = stage.pid("recorder")
    os.kill(before, signal.SIGSTOP)
    await stage.until(lambda: stage.pid("recorder") not in (0, before))
    assert not is_alive(before)
    assert any((name, what) == ("recorder", "hung") for name, what, _ in stage.sink.processes)


@pytest.mark.slow
async def test_an_eye_that_keeps_dying_does_not_stop_the_recording(tmp_path):
    broken = tmp_path / "eye.py"
    broken.write_text("raise SystemExit(3)")
    stage = Stage(tmp_path, broken)
    await stage.media.start()
    try:
        await stage.open()
        await stage.live()
        await stage.until(lambda: sum(name == "eye-1" and what == "died" for name, what, _ in stage.sink.processes) > 1)
        assert ("eye-1", "died", "exit code 3") in stage.sink.processes
        await stage.burst("run-1", 0.3)
        await stage.until(lambda: stage.sink.clips)
        with pytest.raises(MediaError, match="restarted"):
            await stage.media.picture("kali")
    finally:
        await stage.media.stop()


@pytest.mark.slow
async def test_cameras_are_spread_over_the_eyes(tmp_path, eye):
    stage = Stage(tmp_path, eye, eyes=2)
    await stage.media.start()
    try:
        for camera in ("a", "b", "c", "d"):
            await stage.open(camera)
        await stage.until(lambda: stage.pid("eye-1") and stage.pid("eye-2"))
        seen = [int((await stage.media.picture(camera)).jpeg) for camera in ("a", "b", "c", "d")]
        assert sorted(seen.count(stage.pid(name)) for name in ("eye-1", "eye-2")) == [2, 2]
        with pytest.raises(MediaError, match="not open"):
            await stage.media.picture("hantu")
    finally:
        await stage.media.stop()
