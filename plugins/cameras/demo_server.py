"""The helper process of the demo cameras: draws scenes, encodes them as H.264, serves MPEG-TS over HTTP.

Started by ``demo.py`` as ``python -m siaga.plugins.cameras.demo_server``: the first line of standard input
is ``{"token", "socket"}``, the second a descriptor that listens; an empty line on standard output says that it
serves. It ends when standard input ends.
Paths: ``/TOKEN/SCENE/CAMERA/main.ts|sub.ts`` (GET) and ``/TOKEN/SCENE/CAMERA/ptz|io/WHAT`` (POST, JSON).
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from .demo_outputs import DemoOutputs
from .demo_scenes import SCENES, DemoScene, TurningScene, make_scene, stamp, turn

FPS = 10
GOP_FRAMES = 15
SIZES = {"main": (960, 540), "sub": (640, 360)}
# A kelurahan's demo has three scenes; more than this is a fault or an attack from the same machine.
MAX_FEEDS = 24
# Two seconds: a reader that is further behind is cut off and comes back, as with a real camera.
MAX_WAITING_CHUNKS = 20
_CLOCK = 90_000
_MAX_BODY_BYTES = 10_000

Picture = NDArray[np.uint8]
Chunks = queue.Queue[bytes]


class Channel:
    """Encode one size of a feed while somebody reads it, and hand the bytes to all readers."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._readers: dict[Chunks, bool] = {}
        self._sink = _Sink()
        self._output: av.container.OutputContainer | None = None
        self._stream: Any = None

    def join(self, reader: Chunks) -> None:
        """Add a reader; it gets bytes from the next picture on, which becomes a keyframe."""
        self._readers[reader] = False

    def leave(self, reader: Chunks) -> None:
        """Let a reader go."""
        self._readers.pop(reader, None)

    @property
    def is_read(self) -> bool:
        """Say whether anybody reads."""
        return bool(self._readers)

    def show(self, picture: Picture, index: int) -> None:
        """Encode a picture (BGR, the size of ``main``) and hand it on."""
        if not self._readers:
            self._close()
            return
        if self._output is None:
            self._open()
        is_new = not all(self._readers.values())
        chunk = self._encode(picture, index, is_new)
        for reader in list(self._readers):
            self._readers[reader] = True
            try:
                reader.put_nowait(chunk)
            except queue.Full:
                self.leave(reader)  # the handler sees that it is no reader any more and hangs up

    def has(self, reader: Chunks) -> bool:
        """Say whether a reader is still served."""
        return reader in self._readers

    def hang_up(self) -> None:
        """Let every reader go, and the encoder."""
        for reader in self._readers:
            with contextlib.suppress(queue.Full):
                reader.put_nowait(b"")  # wakes its handler
        self._readers.clear()
        self._close()

    def _open(self) -> None:
        # PAT and PMT before every picture: a reader may join at any keyframe.
        self._output = av.open(self._sink, "w", format="mpegts", options={"mpegts_flags": "pat_pmt_at_frames"})
        self._stream = self._output.add_stream("libx264", rate=FPS)
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        self._stream.gop_size = GOP_FRAMES
        self._stream.codec_context.time_base = Fraction(1, _CLOCK)
        self._stream.codec_context.thread_count = 1
        # Constant quality, as most cameras of today are set: the size of a picture tells of movement.
        self._stream.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "25", "sc_threshold": "0"}

    def _encode(self, picture: Picture, index: int, is_key: bool) -> bytes:
        assert self._output is not None
        if (picture.shape[1], picture.shape[0]) != self._size:
            picture = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = index * (_CLOCK // FPS)
        frame.time_base = Fraction(1, _CLOCK)
        if is_key:
            frame.pict_type = av.video.frame.PictureType.I
        for packet in self._stream.encode(frame):
            self._output.mux(packet)
        return self._sink.take()

    def _close(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None
            self._sink.take()


class _Sink:
    """Collect what the muxer writes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, content: bytes) -> int:
        self._parts.append(bytes(content))
        return len(content)

    def take(self) -> bytes:
        content = b"".join(self._parts)
        self._parts.clear()
        return content


class Feed:
    """Run one demo camera: its scene, its time, its two channels. Draws only while it is read."""

    def __init__(self, scene: str, seed: int, speed: float) -> None:
        self._name, self._seed = scene, seed
        self._scene: DemoScene | None = None
        self._drawing = threading.Lock()
        self._speed = speed
        self._channels = {role: Channel(size) for role, size in SIZES.items()}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._born_s: float | None = None
        self.outputs = DemoOutputs()

    @property
    def scene(self) -> DemoScene:
        """Return the scene, drawn on first use: that may take a second."""
        with self._drawing:
            if self._scene is None:
                self._scene = make_scene(self._name, self._seed)
            return self._scene

    @property
    def now_s(self) -> float:
        """Return the scene's time; 0 until somebody reads."""
        return 0.0 if self._born_s is None else (time.monotonic() - self._born_s) * self._speed

    def join(self, role: str, reader: Chunks) -> None:
        """Serve a reader; the first one ever starts the scene's time."""
        _ = self.scene  # before the time starts
        with self._lock:
            if self._born_s is None:
                self._born_s = time.monotonic()
            self._channels[role].join(reader)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="demo-feed", daemon=True)
                self._thread.start()

    def leave(self, role: str, reader: Chunks) -> None:
        """Serve a reader no more."""
        with self._lock:
            self._channels[role].leave(reader)

    def has(self, role: str, reader: Chunks) -> bool:
        """Say whether a reader is still served."""
        with self._lock:
            return self._channels[role].has(reader)

    def _run(self) -> None:
        is_ended = False
        try:
            self._draw()
            is_ended = True
        finally:
            if not is_ended:
                self._give_up()

    def _give_up(self) -> None:
        """Hang up on everybody after a scene has failed; who comes again finds it drawn anew."""
        with self._lock:
            self._thread = self._scene = None
            for channel in self._channels.values():
                channel.hang_up()

    def _draw(self) -> None:
        assert self._born_s is not None
        scene = self.scene
        while True:
            passed_s = time.monotonic() - self._born_s
            index = int(passed_s * FPS) + 1  # late pictures are left out: time never runs slower
            time.sleep(max(0.0, index / FPS - passed_s))
            picture = scene.render(index / FPS * self._speed)
            self.outputs.show(picture)
            stamp(picture, datetime.now().astimezone())
            with self._lock:
                for channel in self._channels.values():
                    channel.show(picture, index)
                if not any(channel.is_read for channel in self._channels.values()):
                    self._thread = None
                    return


class Studio:
    """Hold the feeds by scene, camera and options."""

    def __init__(self) -> None:
        self._feeds: dict[tuple[str, str, int, float], Feed] = {}
        self._lock = threading.Lock()

    def feed(self, scene: str, camera: str, query: Mapping[str, list[str]]) -> Feed:
        """Return a camera's feed, made on first use. ValueError on nonsense or too many."""
        seed, speed = int(query.get("seed", ["1"])[0]), float(query.get("speed", ["1"])[0])
        key = (scene, camera, seed, speed)
        with self._lock:
            if key not in self._feeds:
                if scene not in SCENES:
                    raise ValueError(f"no scene {scene!r}")
                if len(self._feeds) >= MAX_FEEDS:
                    raise ValueError("too many demo cameras")
                self._feeds[key] = Feed(scene, seed, speed)
            return self._feeds[key]


class Handler(BaseHTTPRequestHandler):
    """Answer one request, in a thread of its own."""

    server: Server
    timeout = 15  # a reader that takes nothing for so long is gone

    def do_GET(self) -> None:
        """Serve a stream until the reader goes."""
        feed, rest = self._find()
        if feed is None or rest not in ("main.ts", "sub.ts"):
            self._answer(404, {})
            return
        self.send_response(200)
        self.send_header("Content-Type", "video/mp2t")
        self.end_headers()
        role, reader = rest.removesuffix(".ts"), Chunks(MAX_WAITING_CHUNKS)
        feed.join(role, reader)
        try:
            while feed.has(role, reader):
                self.wfile.write(reader.get(timeout=10))
        except (OSError, queue.Empty):
            pass  # the reader is gone, or the scene is: hanging up tells it
        finally:
            feed.leave(role, reader)

    def do_POST(self) -> None:
        """Turn the virtual camera, or switch what hangs on it."""
        feed, rest = self._find()
        if feed is None:
            self._answer(404, {})
            return
        length = min(int(self.headers.get("Content-Length", 0)), _MAX_BODY_BYTES)
        try:
            status, body = _asked(feed, rest, json.loads(self.rfile.read(length) or b"{}"))
        except (ValueError, TypeError, KeyError) as err:
            status, body = 400, {"error": str(err)}
        self._answer(status, body)

    def _find(self) -> tuple[Feed | None, str]:
        url = urlsplit(self.path)
        parts = [unquote(part) for part in url.path.split("/")[1:]]
        if len(parts) < 4 or not hmac.compare_digest(parts[0].encode(), self.server.token.encode()):
            return None, ""
        try:
            return self.server.studio.feed(parts[1], parts[2], parse_qs(url.query)), "/".join(parts[3:])
        except ValueError:
            return None, ""

    def _answer(self, status: int, body: Mapping[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the URL holds the token."""


def _asked(feed: Feed, rest: str, values: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    part, _, what = rest.partition("/")
    if part == "io":
        return feed.outputs.ask(what, values)
    if part == "ptz" and isinstance(feed.scene, TurningScene):
        return turn(feed.scene, feed.now_s, what, values)
    return 404, {}


class Server(ThreadingHTTPServer):
    """Serve at a socket of the hub's, on loopback; the token keeps other users of the machine out."""

    daemon_threads = True

    def __init__(self, token: str, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.token = token
        self.studio = Studio()

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over connections that break; anything else ends in the log of the hub."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def main() -> None:
    """Serve until standard input ends."""
    # Ctrl-C and a service manager's SIGTERM are for the hub, which ends this one in its order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    cv2.setNumThreads(1)  # small pictures: more threads cost more than they save
    orders = json.loads(sys.stdin.readline())
    server = Server(orders["token"], socket.socket(fileno=orders["socket"]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdin.read()  # the hub holds the other end and never writes again
    os._exit(0)  # the feeds' threads hold nothing that needs tidying


if __name__ == "__main__":
    main()
