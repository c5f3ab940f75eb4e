"""The recorder's process: reads cameras, keeps pre-roll, cuts clips, feeds eyes. It never decodes.

``python -m siaga.core.media.recorder --hub-fd N --packets PATH --storage FOLDER``. It ends in order when the
hub says Stop or is gone: what has arrived of open clips is finished, so that a restart of the hub loses nothing.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import av

from ..errors import LinkClosed, MediaError
from ..texts import Texts
from ..types import Clip
from .clip_writer import ClipWriter
from .link import MessageSocket
from .messages import (
    AcceptClip,
    BurstAnswer,
    ClipDone,
    ClipFailed,
    CloseCamera,
    FetchClip,
    Message,
    OpenCamera,
    RecorderBeat,
    StartBurst,
    Stop,
    ToRecorder,
)
from .packet_server import PacketServer
from .recorder_bursts import BurstDesk, KeyBook
from .recorder_camera import RecordedCamera, Recording
from .recorder_card import CardFetch
from .recorder_sidecar import ClipPlan
from .ring import Ring

logger = logging.getLogger(__name__)

_TICK_S = 1.0
# The hub takes a recorder for hung after several of these.
_BEAT_S = 2.0
# A clip that the hub has not accepted is told again after this time.
_RETELL_S = 10.0
# The hub waits 5 s for its children; half is left for what the operating system needs.
_FINISH_LIMIT_S = 3.0
_ACCEPT_LIMIT_S = 0.8
_OUTBOX_MESSAGES = 2000


class Recorder:
    """Hold every camera and speak with the hub."""

    def __init__(self, sock: socket.socket, packets: Path, storage: Path, texts: Texts) -> None:
        self._link: MessageSocket[ToRecorder] = MessageSocket(sock, ToRecorder)
        self._texts = texts
        self._packets = PacketServer(packets)
        self._writer = ClipWriter(storage, self, texts)
        self._keys = KeyBook()
        self._cameras: dict[str, RecordedCamera] = {}
        self._fetches: list[CardFetch] = []
        self._outbox: queue.Queue[Message] = queue.Queue(_OUTBOX_MESSAGES)
        self._untold: dict[str, tuple[Clip, float]] = {}
        self._lock = threading.Lock()
        self._is_ending = threading.Event()

    def run(self) -> None:
        """Serve until the hub says Stop or is gone."""
        self._packets.start()
        for plan in self._writer.sidecars.read_all():
            for key in plan.keys:
                self._keys.add(key, plan.id)
        self._writer.start()
        threading.Thread(target=self._send, name="to-hub", daemon=True).start()
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        try:
            while not self._is_ending.is_set():
                for message in self._link.receive():
                    self._obey(message)
        except LinkClosed:
            logger.info("the hub is gone; finishing what is open")
        self._end()

    def on_clip_done(self, clip: Clip) -> None:
        """Tell a clip until the hub accepts it."""
        with self._lock:
            self._untold[clip.id] = (clip, time.monotonic())
        self._post(ClipDone(clip=clip))

    def on_clip_failed(self, plan: ClipPlan, reason: str) -> None:
        """Tell that a clip is not there; who asks again, also with the same key, gets a new one."""
        self._keys.forget(plan.keys, plan.id)
        camera = self._cameras.get(plan.camera)
        if camera is not None:
            camera.forget_clip(plan.id)
        self._post(ClipFailed(clip=plan.id, camera=plan.camera, keys=plan.keys, reason=reason))

    def _obey(self, message: ToRecorder) -> None:
        if isinstance(message, OpenCamera):
            self._open(message)
        elif isinstance(message, CloseCamera):
            self._close(message.camera)
        elif isinstance(message, StartBurst):
            self._burst(message)
        elif isinstance(message, FetchClip):
            self._fetch(message)
        elif isinstance(message, AcceptClip):
            self._accept(message.clip)
        elif isinstance(message, Stop):
            self._is_ending.set()

    def _open(self, order: OpenCamera) -> None:
        known = self._cameras.get(order.camera)
        if known is not None and known.sources == order.sources:
            known.set_limits(order.ring_s, order.ring_bytes)
            return
        if not order.sources:
            self._close(order.camera)
            return
        # A camera that steps down on a weak network keeps its open clip, which goes on with what there is.
        before = self._cameras.pop(order.camera, None)
        recording = before.hand_over() if before is not None else None
        if recording is None:
            desk = BurstDesk(order.camera, self._writer, self._keys, self._texts)
            recording = Recording(Ring(order.ring_s, order.ring_bytes), desk)
        feed = self._packets.feed(order.camera)
        self._cameras[order.camera] = RecordedCamera(order, self._post, self._texts, feed=feed, recording=recording)

    def _close(self, camera_id: str) -> None:
        camera = self._cameras.pop(camera_id, None)
        if camera is not None:
            camera.close()

    def _burst(self, message: StartBurst) -> None:
        known = self._keys.get(message.key)
        if known is not None:  # also one of before a restart, whose camera is not open yet
            self._post(BurstAnswer(request=message.request, clip=known))
            return
        camera = self._cameras.get(message.camera)
        try:
            if camera is None:
                raise MediaError(self._texts("media.clip.no_camera", camera=message.camera))
            self._post(BurstAnswer(request=message.request, clip=camera.burst(message)))
        except MediaError as err:
            self._post(BurstAnswer(request=message.request, error=str(err)))

    def _fetch(self, message: FetchClip) -> None:
        fetch = CardFetch(message, self._writer, self.on_clip_failed, self._texts)
        self._fetches = [one for one in self._fetches if not one.is_over] + [fetch]
        fetch.start()

    def _accept(self, clip_id: str) -> None:
        with self._lock:
            self._untold.pop(clip_id, None)
        self._writer.accept(clip_id)

    def _wait_for_accepts(self) -> None:
        """Let the hub take what was finished last, so that it is not told a second time after the restart."""
        deadline_s = time.monotonic() + _ACCEPT_LIMIT_S
        try:
            while self._untold and (left_s := deadline_s - time.monotonic()) > 0:
                if not select.select([self._link], [], [], left_s)[0]:
                    return
                for message in self._link.receive():
                    if isinstance(message, AcceptClip):
                        self._accept(message.clip)
        except LinkClosed:
            return  # no hub, nobody to accept: the notes stay for the next start

    def _post(self, message: Message) -> None:
        """Queue a message; a hub that stands still holds nobody here. What matters is told again."""
        try:
            self._outbox.put_nowait(message)
        except queue.Full:
            logger.warning("the hub does not listen; %s was dropped", type(message).__name__)

    def _send(self) -> None:
        try:
            while True:
                self._link.send(self._outbox.get())
                self._outbox.task_done()
        except LinkClosed:
            return  # the receiving side sees it too

    def _beat(self) -> None:
        beat_mono_s, is_recovered = 0.0, False
        while not self._is_ending.is_set():
            if not is_recovered and self._writer.sidecars.lock():
                self._writer.recover()
                is_recovered = True
            cameras = list(self._cameras.values())
            for camera in cameras:
                camera.tick()
            for fetch in self._fetches:
                fetch.tick()
            self._retell()
            if time.monotonic() >= beat_mono_s and self._outbox.qsize() < _OUTBOX_MESSAGES // 2:
                beat_mono_s = time.monotonic() + _BEAT_S - _TICK_S / 2
                self._post(self._pulse(cameras))
            self._is_ending.wait(_TICK_S)

    def _pulse(self, cameras: list[RecordedCamera]) -> RecorderBeat:
        return RecorderBeat(
            pid=os.getpid(),
            rss_bytes=_rss_bytes(),
            cpu_s=time.process_time(),
            streams=tuple(report for camera in cameras for report in camera.reports()),
            dropped_for_eyes=self._packets.dropped,
            dropped_for_clips=self._writer.dropped_units,
        )

    def _retell(self) -> None:
        now_s = time.monotonic()
        with self._lock:
            due = [clip for clip, told_s in self._untold.values() if now_s - told_s >= _RETELL_S]
            for clip in due:
                self._untold[clip.id] = (clip, now_s)
        for clip in due:
            self._post(ClipDone(clip=clip))

    def _end(self) -> None:
        self._is_ending.set()
        for camera_id in list(self._cameras):
            self._close(camera_id)
        for fetch in self._fetches:
            fetch.close()
        if not self._writer.close(_FINISH_LIMIT_S):
            logger.error("clips were still being written; the next start finishes them")
        self._wait_for_accepts()
        self._packets.close()
        self._link.close()


def _rss_bytes() -> int:
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Run as the recorder's process."""
    parser = argparse.ArgumentParser(description="Siaga's recorder; started by the hub.")
    parser.add_argument("--hub-fd", type=int, required=True)
    parser.add_argument("--packets", type=Path, required=True)
    parser.add_argument("--storage", type=Path, required=True)
    parser.add_argument("--language", default="id")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    # A Ctrl-C in the terminal reaches every process, a service manager's SIGTERM too; the hub stops its
    # children itself, in order, and they end when its socket closes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    av.logging.set_level(None)  # FFmpeg's own words may hold a URL with its login
    Recorder(
        socket.socket(fileno=arguments.hub_fd), arguments.packets, arguments.storage, Texts(arguments.language)
    ).run()
    # Readers may still hang in FFmpeg for some seconds; nothing of theirs is wanted any more.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
