"""One camera's live view in the recorder: made only while somebody watches, from the last keyframe on."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import av

from .link import frame
from .live_mp4 import LiveMp4, mime_of
from .messages import LiveHeader, LivePiece, StreamEnd
from .packet_queue import PacketQueue
from .ring import AccessUnit, StreamConfig

logger = logging.getLogger(__name__)

_DAMAGED = (av.error.FFmpegError, OSError, ValueError, LookupError)


class LiveFeed:
    """Send fragments to those who watch; belongs to the packet server's thread."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._viewers: list[PacketQueue] = []
        self._config: StreamConfig | None = None
        self._mp4: LiveMp4 | None = None
        self._header: bytes | None = None

    @property
    def has_viewers(self) -> bool:
        """Say whether somebody watches."""
        return bool(self._viewers)

    def add(self, viewer: PacketQueue, gop: Iterable[AccessUnit]) -> None:
        """Let somebody watch, from the open GOP's keyframe on."""
        if viewer in self._viewers:
            return
        self._viewers.append(viewer)
        if self._header is not None:
            viewer.put_word(self._header)
            viewer.wait_for_key(self._camera)
        elif len(self._viewers) == 1:
            for unit in gop:
                self.take(unit)

    def remove(self, viewer: PacketQueue) -> None:
        """Send no more; with the last one the work ends."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
        if not self._viewers:
            self._mp4 = self._header = None

    def open(self, config: StreamConfig) -> None:
        """Begin anew with another codec or size."""
        self._config = config
        self.end()

    def end(self) -> None:
        """Say that the stream is lost."""
        if self._header is not None:
            word = frame(StreamEnd(camera=self._camera))
            for viewer in self._viewers:
                viewer.put_word(word)
        self._mp4 = self._header = None

    def take(self, unit: AccessUnit) -> None:
        """Send the next picture to all who watch."""
        if not self._viewers or self._config is None:
            return
        if self._mp4 is None and not (unit.is_key and self._begin(self._config)):
            return
        assert self._mp4 is not None
        try:
            pieces = self._mp4.add(unit)
        except _DAMAGED as err:
            logger.warning("%s: the live view begins anew at the next keyframe: %s", self._camera, err)
            self.end()
            return
        if self._header is None and self._mp4.init:
            self._tell(mime_of(self._config), self._mp4.init)
        for piece in pieces:
            framed = frame(LivePiece(camera=self._camera, is_key=piece.is_key, data=piece.data))
            for viewer in self._viewers:
                viewer.put(self._camera, framed, piece.is_key)

    def _begin(self, config: StreamConfig) -> bool:
        if not mime_of(config):
            if self._header is None:
                self._tell("", b"")
            return False
        self._mp4 = LiveMp4(config)
        return True

    def _tell(self, mime: str, init: bytes) -> None:
        self._header = frame(LiveHeader(camera=self._camera, mime=mime, init=init))
        for viewer in self._viewers:
            viewer.put_word(self._header)
