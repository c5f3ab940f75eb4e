"""Runs the recorder and the eyes, gives them their cameras, and brings what they tell into the hub, in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from os import cpu_count
from pathlib import Path

import msgspec

from ..clock import Clock
from ..contracts import StreamSource
from ..errors import MediaError
from ..health import HealthBook
from ..settings import CameraSettings, MediaSettings
from ..tasks import Crash, TaskHandle, Tasks, fenced
from ..texts import Texts
from ..types import Clip, Health, StreamRole
from .last_told import LastTolds
from .media_sink import MediaSink
from .messages import (
    AcceptClip,
    BurstAnswer,
    CameraStands,
    ClipDone,
    ClipFailed,
    CloseCamera,
    EyeBeat,
    EyeCameraReport,
    EyeEvent,
    FetchClip,
    ForgetCamera,
    FromEye,
    FromRecorder,
    LastTold,
    Message,
    OpenCamera,
    PictureTaken,
    Reading,
    RecorderBeat,
    StartBurst,
    StreamChanged,
    StreamReport,
    TakePicture,
    WatchCamera,
)
from .supervisor_child import Child
from .supervisor_inbox import Item
from .supervisor_questions import Questions
from .supervisor_report import MediaTuning, ProcessChange, lost_reports

logger = logging.getLogger(__name__)

_CLIPS_REMEMBERED = 1000


class MediaSupervisor:
    """Own every video process of this hub."""

    def __init__(  # noqa: PLR0913  the hub builds it once, by name
        self,
        *,
        settings: MediaSettings,
        storage: Path,
        plugin_folder: Path | None,
        plugins_off: Sequence[str] = (),
        clock: Clock,
        tasks: Tasks,
        health: HealthBook,
        sink: MediaSink,
        texts: Texts | None = None,
        tuning: MediaTuning | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._tasks = tasks.scope("media")
        self._health = health
        self._sink = sink
        self._texts = texts or Texts()
        self._tuning = tuning or MediaTuning()
        self._orders: dict[str, OpenCamera] = {}
        self._watches: dict[str, WatchCamera] = {}
        self._stands: dict[str, CameraStands] = {}
        self._eye_of: dict[str, Child] = {}
        self._last = LastTolds()
        self._streams: dict[tuple[str, StreamRole], StreamReport] = {}
        self._questions = Questions(self._tuning.answer_limit_s)
        self._accepted: OrderedDict[str, None] = OrderedDict()
        self._accepting: set[str] = set()
        # In the system's folder for short-lived files: a Unix socket's path may have 107 bytes, ours only.
        self._run_folder = Path(tempfile.mkdtemp(prefix="siaga-"))
        self.packets = str(self._run_folder / "packets")
        self._recorder = self._make_recorder(storage)
        self._eyes = [self._make_eye(number, plugin_folder, plugins_off) for number in range(1, self._eye_count() + 1)]
        self._dispatchers: list[TaskHandle] = []

    async def start(self) -> None:
        """Start recorder and eyes; their cameras come with ``open_camera``."""
        for child in self._children():
            child.start(self._tasks)
            self._dispatchers.append(self._tasks.start(f"{child.name} news", self._dispatcher(child)))

    async def stop(self) -> None:
        """End the processes in order, within ``stop_limit_s``; who is late is killed. Clips are still taken."""
        for child in self._children():
            child.ask_to_stop()
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._tuning.stop_limit_s
        for child in self._children():
            if not await child.ended(max(0.1, deadline_s - loop.time())):
                logger.error("%s did not end in time and was killed", child.name)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline_s):
                for child in self._children():
                    await child.inbox.settled()
        await self._tasks.stop(0.5)
        self._questions.give_up()
        shutil.rmtree(self._run_folder, ignore_errors=True)

    async def open_camera(
        self, settings: CameraSettings, sources: Sequence[StreamSource], last: Sequence[LastTold] = ()
    ) -> None:
        """Read a camera and look after it; again replaces its settings and sources.

        ``last`` is what the journal knows of its detectors' newest events, from before this hub started.
        """
        self._last.fill(settings.id, last)
        is_recorded = settings.record.mode != "off"
        used = tuple(sources) if is_recorded else _analysed(sources)
        ring_s = self._settings.ring_s if is_recorded else 0.0
        ring_bytes = self._settings.ring_bytes
        self._orders[settings.id] = OpenCamera(camera=settings.id, sources=used, ring_s=ring_s, ring_bytes=ring_bytes)
        # Eyes run strangers' detectors; a camera's login stands in its kind's options.
        self._watches[settings.id] = WatchCamera(settings=msgspec.structs.replace(settings, options={}, written={}))
        if settings.id not in self._eye_of:
            self._eye_of[settings.id] = min(self._eyes, key=lambda eye: len(self._cameras_of(eye)))
        self._recorder.post(self._orders[settings.id])
        for message in self._watch(settings.id):
            self._eye_of[settings.id].post(message)

    def stands(self, told: CameraStands) -> None:
        """Let the eye of a camera know where it stands; an eye that is replaced is told again."""
        self._stands[told.camera] = told
        if eye := self._eye_of.get(told.camera):
            eye.post(told)

    async def close_camera(self, camera_id: str) -> None:
        """Let go of a camera; its open clip is ended and told."""
        self._orders.pop(camera_id, None)
        self._watches.pop(camera_id, None)
        eye = self._eye_of.pop(camera_id, None)
        if eye is not None:
            eye.post(ForgetCamera(camera=camera_id))
        self._recorder.post(CloseCamera(camera=camera_id))

    async def burst(self, camera_id: str, at: datetime, before_s: float, after_s: float, key: str) -> str:
        """Record around a moment; return the clip's id. MediaError in words, after 5 s at the latest."""
        self._check(camera_id)
        request = self._questions.next_number()
        order = StartBurst(request=request, key=key, camera=camera_id, at=at, before_s=before_s, after_s=after_s)
        try:
            answer = await self._questions.burst(order, self._recorder.post)
        except TimeoutError:
            raise MediaError(self._late("media.recorder_away", self._recorder, camera_id)) from None
        if answer.error:
            raise MediaError(answer.error)
        return answer.clip

    def fetch(self, order: FetchClip) -> None:
        """Ask for what a camera kept itself; it comes as any clip does, or fails as one. MediaError: recorder away."""
        if not self._recorder.post(order):
            raise MediaError(self._texts("media.recorder_away", camera=order.camera))

    async def picture(self, camera_id: str, width_px: int | None = None) -> PictureTaken:
        """Return a JPEG of the newest picture. MediaError in words, after 5 s at the latest."""
        eye = self._check(camera_id)
        request = self._questions.next_number()
        order = TakePicture(request=request, camera=camera_id, width_px=width_px)
        away = self._texts("media.eye_away", camera=camera_id)
        try:
            taken = await self._questions.picture(request, lambda: eye.post(order), away)
        except TimeoutError:
            raise MediaError(self._late("media.eye_away", eye, camera_id)) from None
        if taken.error:
            raise MediaError(taken.error)
        return taken

    async def accept_clip(self, clip_id: str) -> None:
        """Tell the recorder that a clip is in the index."""
        self._recorder.post(AcceptClip(clip=clip_id))

    def stream(self, camera_id: str, role: StreamRole) -> StreamReport | None:
        """Return how a stream is; None before the first word of it."""
        return self._streams.get((camera_id, role))

    def eye_report(self, camera_id: str) -> EyeCameraReport | None:
        """Return how the eye does with a camera."""
        eye = self._eye_of.get(camera_id)
        if eye is None or not isinstance(eye.beat, EyeBeat):
            return None
        return next((report for report in eye.beat.cameras if report.camera == camera_id), None)

    def processes(self) -> tuple[Health, ...]:
        """Return recorder and eyes; figures hold pid, rss_bytes, cpu_s, restarts and what was dropped."""
        return tuple(child.health() for child in self._children())

    # --- children -------------------------------------------------------------------------------

    def _children(self) -> list[Child]:
        return [self._recorder, *self._eyes]

    def _eye_count(self) -> int:
        return self._settings.eyes or max(1, (cpu_count() or 1) // 2)

    def _make_recorder(self, storage: Path) -> Child:
        command = (*self._tuning.recorder_command, "--packets", self.packets, "--storage", str(storage))
        command += ("--language", self._texts.language)
        return Child(
            "recorder",
            command,
            FromRecorder,
            hear=self._hear,
            greet=self._greet_recorder,
            clock=self._clock,
            tuning=self._tuning,
        )

    def _make_eye(self, number: int, plugin_folder: Path | None, plugins_off: Sequence[str]) -> Child:
        command = (*self._tuning.eye_command, "--packets", self.packets, "--plugins", str(plugin_folder or ""))
        command += ("--language", self._texts.language, "--budget", str(self._settings.detect_budget))
        for name in plugins_off:
            command += ("--without", name)
        return Child(
            f"eye-{number}",
            command,
            FromEye,
            hear=self._hear,
            greet=self._greet_eye,
            clock=self._clock,
            tuning=self._tuning,
        )

    def _greet_recorder(self, _child: Child) -> list[Message]:
        return [*self._orders.values(), *self._questions.open_bursts()]

    def _greet_eye(self, eye: Child) -> list[Message]:
        return [message for camera in self._cameras_of(eye) for message in self._watch(camera)]

    def _watch(self, camera: str) -> list[Message]:
        watch = msgspec.structs.replace(self._watches[camera], last=self._last.of(camera))
        return [watch, self._stands[camera]] if camera in self._stands else [watch]

    def _cameras_of(self, eye: Child) -> list[str]:
        return [camera for camera, its in self._eye_of.items() if its is eye]

    # --- news -----------------------------------------------------------------------------------

    def _hear(self, child: Child, message: Message) -> None:
        if isinstance(message, (RecorderBeat, EyeBeat)):
            self._health.seen(child.name)
            if isinstance(message, RecorderBeat):
                self._streams.update({(report.camera, report.role): report for report in message.streams})
        elif isinstance(message, (BurstAnswer, PictureTaken)):
            self._questions.answer(message)
        elif isinstance(message, ClipDone):
            self._hear_clip(child, message)
        elif isinstance(message, (EyeEvent, Reading, StreamChanged, ClipFailed)):
            if isinstance(message, EyeEvent):
                self._last.take(message)
            elif isinstance(message, StreamChanged):
                self._streams[message.report.camera, message.report.role] = message.report
            child.inbox.put(message)

    def _hear_clip(self, child: Child, message: ClipDone) -> None:
        if message.clip.id in self._accepted:
            child.post(AcceptClip(clip=message.clip.id))
        elif message.clip.id not in self._accepting:
            self._accepting.add(message.clip.id)
            child.inbox.put(message)

    def _dispatcher(self, child: Child) -> Callable[[], Awaitable[None]]:
        async def dispatch() -> None:
            while True:
                item = await child.inbox.get()
                outcome = await fenced(partial(self._deal_with, item))
                if isinstance(outcome, Crash):
                    # A clip is told again by the recorder; anything else the sink has tried long enough.
                    logger.error("%s: %s was not taken in: %s", child.name, type(item).__name__, outcome)

        return dispatch

    async def _deal_with(self, item: Item) -> None:
        if isinstance(item, EyeEvent):
            await self._sink.on_event(item)
        elif isinstance(item, Reading):
            await self._sink.on_reading(item)
        elif isinstance(item, StreamChanged):
            await self._sink.on_stream(item.report, item.at)
        elif isinstance(item, ClipFailed):
            await self._sink.on_clip_failed(item)
        elif isinstance(item, ProcessChange):
            await self._sink.on_process(item.name, item.what, item.detail)
            if item.name == self._recorder.name and item.what != "started":
                await self._lose_streams()
        else:
            await self._take_clip(item.clip)

    async def _lose_streams(self) -> None:
        """Say that no camera is read: a recorder that keeps dying would never say so itself."""
        for report in lost_reports(self._orders, self._streams, self._texts("media.recorder_away")):
            if not self._recorder.is_up:
                self._streams[report.camera, report.role] = report
            await self._sink.on_stream(report, self._clock.now())

    async def _take_clip(self, clip: Clip) -> None:
        try:
            await self._sink.on_clip(clip)
        finally:
            self._accepting.discard(clip.id)
        self._accepted[clip.id] = None
        while len(self._accepted) > _CLIPS_REMEMBERED:
            self._accepted.popitem(last=False)
        await self.accept_clip(clip.id)

    def _check(self, camera_id: str) -> Child:
        if camera_id not in self._orders:
            raise MediaError(self._texts("media.no_such_camera", camera=camera_id))
        return self._eye_of[camera_id]

    def _late(self, away_key: str, child: Child, camera_id: str) -> str:
        if child.health().state != "ok":
            return self._texts(away_key, camera=camera_id)
        return self._texts("media.no_answer", seconds=round(self._tuning.answer_limit_s))


def _analysed(sources: Sequence[StreamSource]) -> tuple[StreamSource, ...]:
    # What is not recorded need not be fetched over a weak network.
    subs = tuple(source for source in sources if source.role == "sub")
    return subs or tuple(sources)
