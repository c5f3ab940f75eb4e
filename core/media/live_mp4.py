"""A live view as fragmented MP4 in memory: a fragment a picture, so that a page is a moment behind, not a GOP."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from .recorder_mp4 import PartFile
from .ring import AccessUnit, StreamConfig

_LIVE_OPTIONS = {"movflags": "frag_every_frame+empty_moov+default_base_moof", "flush_packets": "1"}
_H264_SPS = 7
_START = b"\x00\x00\x01"


class Piece(NamedTuple):
    """One fragment, and whether a view may begin with it."""

    is_key: bool
    data: bytes


class LiveMp4:
    """Write one stretch of a stream; ``init`` is there after the first pictures. Begins with a keyframe.

    A picture comes out when the next one came in twice: its length is known then, and the muxer lets it go.
    """

    def __init__(self, config: StreamConfig) -> None:
        self.init = b""
        self._sink = io.BytesIO()
        self._part = PartFile(_NoSeek(self._sink), config, _LIVE_OPTIONS)
        self._keys: deque[bool] = deque()
        self._last_pts_s: float | None = None

    def add(self, unit: AccessUnit) -> list[Piece]:
        """Take a unit, return the fragments that are whole. OSError, ValueError, LookupError on a damaged stream."""
        if unit.pts_s != self._last_pts_s:  # else more slices of the same picture
            self._keys.append(unit.is_key)
        self._last_pts_s = unit.pts_s
        self._part.add(unit)
        written = self._sink.getvalue()
        if not written:
            return []
        self._sink.seek(0)
        self._sink.truncate()
        return list(self._pieces(written))

    def _pieces(self, written: bytes) -> Iterator[Piece]:
        held = b""
        for kind, box in _boxes(written):
            if kind in (b"ftyp", b"moov"):
                self.init += box
            elif kind == b"mdat" and self._keys:
                yield Piece(self._keys.popleft(), held + box)
                held = b""
            else:
                held += box


class _NoSeek(io.RawIOBase):
    """Take bytes as a pipe does: the muxer must not go back."""

    def __init__(self, sink: io.BytesIO) -> None:
        self._sink = sink

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        """Take bytes."""
        return self._sink.write(content)


def mime_of(config: StreamConfig) -> str:
    """Return the type for Media Source Extensions (RFC 6381), "" for what Chromium does not play that way."""
    if config.codec != "h264":
        return ""
    at = config.extradata.find(_START)
    while at >= 0 and at + 7 <= len(config.extradata):
        if config.extradata[at + 3] & 31 == _H264_SPS:
            return f'video/mp4; codecs="avc1.{config.extradata[at + 4 : at + 7].hex().upper()}"'
        at = config.extradata.find(_START, at + 3)
    return ""


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and whole of each box (ISO/IEC 14496-12, 4.2); the muxer writes none beyond 4 GB."""
    at = 0
    while at + 8 <= len(content):
        size = max(int.from_bytes(content[at : at + 4], "big"), 8)
        yield content[at + 4 : at + 8], content[at : at + size]
        at += size
