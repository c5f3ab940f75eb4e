"""How packets of one stream become pictures: one decoder, no pool of threads, no conversion."""

from __future__ import annotations

import weakref
from datetime import datetime, timezone

import av
import numpy as np
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from ..types import Frame
from .messages import StreamHeader, StreamPacket

# FFmpeg writes every damaged slice to standard error; the count of errors says the same.
av.logging.set_level(av.logging.PANIC)

# Formats whose first plane is the luma, 8 bits a pixel.
_LUMA_FIRST = frozenset(
    ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray", "gray8")
)
# A larger picture is a damaged header or a mistake: 8K is four times what any camera here sends.
MAX_PIXELS = 7680 * 4320
# Without the smoothing of block edges a picture costs a fifth less. Keyframes keep it; what is left out in between
# adds up until the next one: 43 dB from the true picture at the end of 20 frames, 38 dB of 100, 30 dB of 400.
# With more frames than this between keyframes nothing is left out.
DRIFT_FRAMES = 100


class Decoder:
    """Decode one stream from its header on; damage costs pictures and is counted, never raised."""

    def __init__(self, header: StreamHeader) -> None:
        self.errors = 0
        self._header = header
        self._context = _open(header, is_exact=False)
        self._is_exact = False
        self._since_key = 0

    def decode(self, packet: StreamPacket) -> Frame | None:
        """Return the newest picture the packet completes, None where there is none."""
        self._count(packet)
        try:
            pictures = self._context.decode(av.Packet(packet.data))
        except (FFmpegError, ValueError):
            self.errors += 1
            return None
        return _frame(pictures[-1], packet) if pictures else None

    def _count(self, packet: StreamPacket) -> None:
        if packet.is_key:
            if self._since_key > DRIFT_FRAMES and not self._is_exact:
                self._context, self._is_exact = _open(self._header, is_exact=True), True
            self._since_key = 0
        self._since_key += 1


def _open(header: StreamHeader, *, is_exact: bool) -> av.VideoCodecContext:
    context: av.VideoCodecContext = av.CodecContext.create(header.codec, "r")
    if header.extradata:
        context.extradata = header.extradata
    # One thread: a pool per camera costs memory and a frame of delay per thread.
    context.thread_count = 1
    # A picture leaves as soon as it is whole, which a keyframe while asleep depends on.
    context.flags |= Flags.low_delay
    context.options = {"max_pixels": str(MAX_PIXELS)} | ({} if is_exact else {"skip_loop_filter": "nokey"})
    return context


def _frame(picture: VideoFrame, packet: StreamPacket) -> Frame | None:
    if picture.width < 16 or picture.height < 16:
        return None
    return Frame(
        camera=packet.camera,
        at=datetime.fromtimestamp(packet.at_s, timezone.utc),
        arrived_mono_s=packet.arrived_mono_s,
        is_key=packet.is_key,
        luma=_luma(picture),
        colour=_Colour(picture),
    )


def _luma(picture: VideoFrame) -> NDArray[np.uint8]:
    if picture.format.name not in _LUMA_FIRST:
        return np.asarray(picture.to_ndarray(format="gray"), np.uint8)
    plane = picture.planes[0]
    # A plane is a buffer, which its stubs do not say. No byte is copied.
    rows: NDArray[np.uint8] = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    return rows[: picture.height, : picture.width]


class _Colour:
    """Convert to BGR when asked; who asks while another still holds the result gets the same array.

    Held weakly: a camera's newest frame stays in memory, and its colours are twice its size.
    """

    def __init__(self, picture: VideoFrame) -> None:
        self._picture = picture
        self._held: weakref.ref[NDArray[np.uint8]] | None = None

    def __call__(self) -> NDArray[np.uint8]:
        bgr = self._held() if self._held is not None else None
        if bgr is None:
            bgr = self._convert()
            self._held = weakref.ref(bgr)
        return bgr

    def _convert(self) -> NDArray[np.uint8]:
        try:
            return np.asarray(self._picture.to_ndarray(format="bgr24"), np.uint8)
        except (FFmpegError, ValueError):
            # A pixel format that cannot be converted: an empty picture, which gives an empty JPEG.
            return np.zeros((0, 0, 3), np.uint8)
