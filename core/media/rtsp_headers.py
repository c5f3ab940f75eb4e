"""Adds headers to a reader's RTSP requests on their way to one camera: what FFmpeg cannot say itself.

ONVIF's replay wants ``Require: onvif-replay`` at SETUP and PLAY and the wanted time in ``Range`` (ONVIF Streaming
Specification, 6). A Digest login covers neither, so that they can be added between. For one reader, on loopback.
"""

from __future__ import annotations

import contextlib
import logging
import re
import select
import socket
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from ..contracts import StreamSource

logger = logging.getLogger(__name__)

_CONNECT_LIMIT_S = 5.0
# The reader's own time-outs end a stall long before; this ends a reader that was left behind.
_SILENCE_LIMIT_S = 60.0
_PIECE_BYTES = 1 << 16
# No reader of ours asks for more in one request.
_LARGEST_REQUEST = 1 << 16
_WITH_HEADERS = ("SETUP", "PLAY")
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d{1,6})", re.IGNORECASE)


class HeaderAdder:
    """Listen for one reader, pass it on to a camera, end with it."""

    def __init__(self, source: StreamSource, headers: Mapping[str, str]) -> None:
        """Begin to listen; OSError when this machine has no port left."""
        parts = urlsplit(source.url)
        self._camera = (parts.hostname or "", parts.port or 554)
        self._headers = dict(headers)
        self._door = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._is_closed = threading.Event()
        here = f"127.0.0.1:{self._door.getsockname()[1]}"
        self.source = StreamSource(
            role=source.role,
            url=urlunsplit(parts._replace(netloc=here)),
            username=source.username,
            password=source.password,
            options=source.options,
        )
        threading.Thread(target=self._serve, name=f"headers for {parts.hostname}", daemon=True).start()

    def close(self) -> None:
        """Let go; what is connected ends within a second."""
        self._is_closed.set()

    def _serve(self) -> None:
        with self._door:
            self._door.settimeout(0.5)
            reader = self._accept()
        if reader is None:
            return
        with reader:
            try:
                with socket.create_connection(self._camera, _CONNECT_LIMIT_S) as camera:
                    self._pass_on(reader, camera)
            except OSError as err:
                logger.info("replay of %s: %s", self._camera[0], err.strerror or type(err).__name__)

    def _accept(self) -> socket.socket | None:
        while not self._is_closed.is_set():
            with contextlib.suppress(TimeoutError):
                return self._door.accept()[0]
        return None

    def _pass_on(self, reader: socket.socket, camera: socket.socket) -> None:
        requests = Requests(self._headers)
        silent_s = 0.0
        for end in (reader, camera):
            end.settimeout(_CONNECT_LIMIT_S)
        while not self._is_closed.is_set() and silent_s < _SILENCE_LIMIT_S:
            ready = select.select([reader, camera], [], [], 0.5)[0]
            silent_s = 0.0 if ready else silent_s + 0.5
            for end in ready:
                piece = end.recv(_PIECE_BYTES)
                if not piece:
                    return
                if end is camera:
                    reader.sendall(piece)
                else:
                    camera.sendall(requests.feed(piece))


class Requests:
    """Cut what a reader sends into requests and give some of them more headers."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)
        self._names = {name.lower() for name in headers}
        self._waiting = b""

    def feed(self, piece: bytes) -> bytes:
        """Return what may go on to the camera. OSError when a request never ends."""
        self._waiting += piece
        out = b""
        while self._waiting:
            size = self._whole_size()
            if size is None:
                if len(self._waiting) > _LARGEST_REQUEST:
                    raise ConnectionAbortedError
                return out
            whole, self._waiting = self._waiting[:size], self._waiting[size:]
            out += whole if whole.startswith(b"$") else self._with_headers(whole)
        return out

    def _whole_size(self) -> int | None:
        """Return how long the first frame or request is; None while it is not whole."""
        if self._waiting.startswith(b"$"):  # the reader's RTCP, between its requests
            if len(self._waiting) < 4:
                return None
            size = 4 + int.from_bytes(self._waiting[2:4], "big")
        else:
            end = self._waiting.find(_END)
            if end < 0:
                return None
            length = _LENGTH.search(self._waiting, 0, end + 2)
            size = end + len(_END) + (int(length[1]) if length else 0)
        return size if len(self._waiting) >= size else None

    def _with_headers(self, request: bytes) -> bytes:
        head, _, body = request.partition(_END)
        first, *lines = head.decode("latin-1").split("\r\n")
        method = first.partition(" ")[0]
        if method not in _WITH_HEADERS:
            return request
        # ``Range`` and ``Rate-Control`` belong to PLAY alone.
        added = {name: value for name, value in self._headers.items() if method == "PLAY" or name == "Require"}
        kept = [line for line in lines if line.partition(":")[0].strip().lower() not in {n.lower() for n in added}]
        text = "\r\n".join([first, *kept, *(f"{name}: {value}" for name, value in added.items())])
        return text.encode("latin-1") + _END + body
