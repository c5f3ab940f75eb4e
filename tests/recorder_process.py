"""Runs the real recorder process as the hub would, and an eye's end of the packet socket, for tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from siaga.core.contracts import StreamSource
from siaga.core.errors import LinkClosed
from siaga.core.media.link import MessageSocket
from siaga.core.media.messages import (
    AcceptClip,
    BurstAnswer,
    ClipDone,
    ClipFailed,
    CloseCamera,
    FetchClip,
    FromPackets,
    FromRecorder,
    OpenCamera,
    RecorderBeat,
    StartBurst,
    Stop,
    StreamChanged,
    Urge,
    Watch,
)
from siaga.core.types import Clip

T = TypeVar("T")


class RecorderProcess:
    """Speak with a recorder; ``heard`` holds every message in order."""

    def __init__(self, storage: Path) -> None:
        self.storage = storage
        self.heard: list[Any] = []
        self._folder = tempfile.TemporaryDirectory(prefix="siaga-t-")
        self.packets = Path(self._folder.name) / "p"
        ours, theirs = socket.socketpair()
        module = ["-m", "siaga.core.media.recorder", "--hub-fd", str(theirs.fileno())]
        self.process = subprocess.Popen(
            [sys.executable, *module, "--packets", str(self.packets), "--storage", str(storage), "--language", "en"],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        ours.settimeout(0.05)
        self._sock = ours
        self._link: MessageSocket[FromRecorder] = MessageSocket(ours, FromRecorder)
        self._request = 0

    def open(self, camera: str, *sources: StreamSource, ring_s: float = 20, ring_bytes: int = 24_000_000) -> None:
        self._link.send(OpenCamera(camera=camera, sources=sources, ring_s=ring_s, ring_bytes=ring_bytes))

    def close_camera(self, camera: str) -> None:
        self._link.send(CloseCamera(camera=camera))

    def burst(
        self, camera: str, key: str, *, before_s: float = 1, after_s: float = 1, at: datetime | None = None
    ) -> BurstAnswer:
        self._request += 1
        request = self._request
        at = at or datetime.now(timezone.utc)
        self._link.send(StartBurst(request=request, key=key, camera=camera, at=at, before_s=before_s, after_s=after_s))
        return self.wait(lambda m: m if isinstance(m, BurstAnswer) and m.request == request else None)

    def fetch(self, order: FetchClip) -> None:
        self._link.send(order)

    def accept(self, clip: str) -> None:
        self._link.send(AcceptClip(clip=clip))

    def condition(
        self, camera: str, condition: str, limit_s: float = 10, since: int = 0, role: str = "main"
    ) -> StreamChanged:
        wanted = (camera, role, condition)

        def match(m: Any) -> StreamChanged | None:
            is_it = isinstance(m, StreamChanged) and (m.report.camera, m.report.role, m.report.condition) == wanted
            return m if is_it else None

        return self.wait(match, limit_s, since)

    def clip(self, clip_id: str, limit_s: float = 10) -> Clip:
        return self.wait(lambda m: m.clip if isinstance(m, ClipDone) and m.clip.id == clip_id else None, limit_s)

    def failure(self, limit_s: float = 10) -> ClipFailed:
        return self.wait(lambda m: m if isinstance(m, ClipFailed) else None, limit_s)

    def beat(self) -> RecorderBeat:
        return self.wait(lambda m: m if isinstance(m, RecorderBeat) else None, 5, len(self.heard))

    def wait(self, match: Callable[[Any], T | None], limit_s: float = 10, since: int = 0) -> T:
        """Return the first answer of ``match`` over what was heard (from ``since`` on) and comes."""
        deadline, seen = time.monotonic() + limit_s, since
        while True:
            for message in self.heard[seen:]:
                seen += 1
                found = match(message)
                if found is not None:
                    return found
            assert time.monotonic() < deadline, f"not heard in {limit_s} s; the last: {self.heard[-3:]}"
            self.listen()

    def listen(self) -> None:
        # Through recv here, because a time-out is no end of the link.
        try:
            content = self._sock.recv(1 << 18)
        except TimeoutError:
            return
        except OSError as err:
            raise LinkClosed from err
        if not content:
            raise LinkClosed("the recorder is gone")
        self.heard += self._link._unframer.feed(content)

    def listen_for(self, seconds: float) -> None:
        """Hear whatever comes in some real time: for what must NOT come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.listen()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(5)
        self._sock.close()

    def hub_dies(self) -> int:
        """Close our end as a killed hub would; return the recorder's exit code."""
        self._sock.close()
        return self.process.wait(8)

    def stop(self) -> None:
        if self.process.poll() is None:
            try:
                self._link.send(Stop())
                self.process.wait(6)
            except (LinkClosed, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait(5)
        self._sock.close()
        self._folder.cleanup()

    def __enter__(self) -> RecorderProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class PacketEnd:
    """Watch cameras as an eye does."""

    def __init__(self, path: Path, *cameras: str) -> None:
        deadline = time.monotonic() + 10
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        while True:
            try:
                self._sock.connect(str(path))
                break
            except OSError:
                assert time.monotonic() < deadline, "the recorder does not listen"
                time.sleep(0.02)
        self._sock.settimeout(10)
        self._link: MessageSocket[FromPackets] = MessageSocket(self._sock, FromPackets)
        self.heard: list[Any] = []
        for camera in cameras:
            self._link.send(Watch(camera=camera))

    def send(self, message: Watch | Urge) -> None:
        self._link.send(message)

    def until(self, match: Callable[[list[Any]], bool], limit_s: float = 10) -> list[Any]:
        deadline = time.monotonic() + limit_s
        while not match(self.heard):
            assert time.monotonic() < deadline, f"not heard in {limit_s} s; {len(self.heard)} messages"
            self.heard += self._link.receive()
        return self.heard

    def close(self) -> None:
        self._link.close()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
