"""How FFmpeg's packets become whole pictures in Annex B form, with the configuration that they are decoded with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.video import VideoStream

from .recorder_parameters import continues_picture, has_picture, is_complete, parameter_sets, picture_size
from .ring import Codec, StreamConfig

# Nothing larger is a picture of a camera: a damaged length field must not fill the memory.
_MAX_UNIT_BYTES = 8_000_000


class Piece(NamedTuple):
    """What the assembler hands on: a picture, or (``is_rest``) more of the picture before."""

    pts_s: float | None
    dts_s: float | None
    is_key: bool
    content: bytes
    is_rest: bool


class Assembler:
    """Turn FFmpeg's packets into access units in Annex B form.

    Parameter sets that come as a packet of their own are put in front of the next picture; a picture
    is passed on at once, because waiting for the next time stamp would cost a frame of latency. Slices
    of the same picture that follow keep its time, so that the clip's writer can join them.
    """

    def __init__(self, stream: VideoStream, codec: Codec) -> None:
        self.codec = codec
        self._stream = stream
        extradata = bytes(stream.codec_context.extradata or b"")
        # avcC and hvcC begin with their version, 1; Annex B with a start code.
        is_boxed = codec != "mjpeg" and extradata[:1] == b"\x01"
        self._to_annex_b = BitStreamFilterContext(f"{codec}_mp4toannexb", stream) if is_boxed else None
        self._parameters = b"" if is_boxed else parameter_sets(codec, extradata)
        self._config: StreamConfig | None = None
        self._time_base = float(stream.time_base or 0)
        self._held = b""
        self._stamp: int | None = None

    def take(self, packet: Packet[VideoStream]) -> Iterator[Piece]:
        """Yield what is ready to be passed on."""
        if not packet.size or packet.size > _MAX_UNIT_BYTES:
            return
        for whole in [packet] if self._to_annex_b is None else self._to_annex_b.filter(packet):
            content = bytes(whole)
            if self._held:
                content = self._held + content
            if not has_picture(self.codec, content):
                self._held = content if len(content) < _MAX_UNIT_BYTES else b""
                continue
            self._held = b""
            dts, before = whole.dts, self._stamp
            stamp = self._stamp = dts if dts is not None else whole.pts
            # Cameras whose stamps stand still send whole pictures of one moment: those stay apart.
            is_rest = stamp is not None and stamp == before and continues_picture(self.codec, content)
            is_key = (whole.is_keyframe or self.codec == "mjpeg") and not is_rest
            yield Piece(self._seconds(whole.pts), self._seconds(dts), is_key, content, is_rest)

    def config(self, keyframe: bytes) -> StreamConfig | None:
        """Return the configuration that a keyframe is decoded with; None while parameter sets are missing."""
        in_band = parameter_sets(self.codec, keyframe)
        is_known = self._config is not None and self.codec != "mjpeg"
        if is_known and (not in_band or in_band == self._parameters):
            return self._config
        if is_complete(self.codec, in_band):
            self._parameters = in_band
        if not is_complete(self.codec, self._parameters):
            return None
        width, height = picture_size(self.codec, self._parameters)
        if self.codec == "mjpeg":
            width, height = self._stream.codec_context.width, self._stream.codec_context.height
        self._config = StreamConfig(codec=self.codec, extradata=self._parameters, width=width, height=height)
        return self._config

    def _seconds(self, stamp: int | None) -> float | None:
        return None if stamp is None else stamp * self._time_base
