"""Reads one stream in a thread of its own: demuxes, never decodes, reconnects, and tells what it is doing.

What leaves it is always Annex B with its parameter sets in the configuration, whatever the source holds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import av
from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.video import VideoStream

from ..contracts import StreamSource
from ..errors import AuthFailed, CameraError, CameraLost
from ..texts import Texts
from .backoff import Backoff
from .messages import StreamCondition
from .reader_pauses import Pauses
from .recorder_parameters import continues_picture, has_picture, is_complete, parameter_sets, picture_size
from .recorder_source import StreamUnreadable, find_video, is_file, name_error, open_source
from .recorder_timeline import Pace, Timeline
from .ring import AccessUnit, Codec, StreamConfig

logger = logging.getLogger(__name__)

STALL_S = 10.0
# A refused password does not get better by itself, and some cameras lock the account.
AUTH_WAIT_S = 60.0
# A link that comes back brings all its cameras at once: their first tries are spread over two and a half seconds.
_FIRST_WAIT_S, _LONGEST_WAIT_S, _LEAST_SHARE = 3.0, 60.0, 0.15
# Demuxing needs little stack; a hundred readers would otherwise reserve 800 MB of addresses.
_STACK_BYTES = 1 << 20
# Nothing larger is a picture of a camera: a damaged length field must not fill the memory.
_MAX_UNIT_BYTES = 8_000_000


class StreamListener(Protocol):
    """What hears a reader; called in the reader's thread, must not block."""

    def on_config(self, config: StreamConfig) -> None:
        """Take the configuration of the units that follow."""

    def on_unit(self, unit: AccessUnit) -> None:
        """Take one unit; the first after each configuration is a keyframe."""

    def on_condition(self, condition: StreamCondition, reason: str) -> None:
        """Take a change of condition."""


class StreamReader:
    """Keep one source open until stopped."""

    def __init__(
        self,
        source: StreamSource,
        listener: StreamListener,
        texts: Texts,
        *,
        name: str,
        timeline: Timeline | None = None,
        follows_gap: bool = False,
        is_urgent: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare to read; ``is_urgent`` says whether somebody waits for each picture, or some may gather."""
        self._source = source
        self._is_urgent = is_urgent
        self._listener = listener
        self._texts = texts
        self._timeline = timeline or Timeline()
        self._is_stopped = threading.Event()
        self._backoff = Backoff(_FIRST_WAIT_S, _LONGEST_WAIT_S, least=_LEAST_SHARE)
        self._config: StreamConfig | None = None
        self._follows_gap = follows_gap
        self._placed_s = (0.0, 0.0)
        self._is_waiting = False
        self._live_since_mono_s: float | None = None
        self._active_mono_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_trying(self) -> bool:
        """Say whether the loss was seen here and the next try is due: then nothing hangs."""
        return self._is_waiting

    @property
    def is_alive(self) -> bool:
        """Say whether the thread still runs, or hangs."""
        return self._thread.is_alive()

    def silent_s(self, now_mono_s: float) -> float:
        """Return for how long nothing came out of FFmpeg, neither a packet nor an error."""
        return now_mono_s - self._active_mono_s

    def start(self) -> None:
        """Begin to connect."""
        before = threading.stack_size(_STACK_BYTES)
        try:
            self._thread.start()
        finally:
            threading.stack_size(before)

    def stop(self) -> None:
        """Let go without waiting: FFmpeg cannot be called back from a read, but nothing more is told."""
        self._is_stopped.set()

    def join(self, limit_s: float) -> bool:
        """Wait for the thread; False when it still hangs in a read."""
        self._thread.join(limit_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._is_stopped.is_set():
            self._tell("connecting", "")
            self._live_since_mono_s = None
            self._active_mono_s = time.monotonic()
            try:
                self._read_named()
            except CameraError as err:
                wait_s = self._take_loss(err)
                logger.info("%s: %s; next try in %.1f s", self._thread.name, err, wait_s)
                self._is_waiting = True
                self._is_stopped.wait(wait_s)
                self._active_mono_s = time.monotonic()
                self._is_waiting = False

    def _take_loss(self, err: CameraError) -> float:
        ran_s = 0.0 if self._live_since_mono_s is None else time.monotonic() - self._live_since_mono_s
        self._follows_gap = self._config is not None
        self._timeline.restart()
        self._tell(_condition_of(err), str(err))
        wait_s = self._backoff.wait_s(ran_s)
        return max(wait_s, AUTH_WAIT_S) if isinstance(err, AuthFailed) else wait_s

    def _read_named(self) -> None:
        try:
            self._read()
        except (av.error.FFmpegError, OSError, ValueError) as err:
            # A damaged file can make FFmpeg's filters fail at any unit; the reader outlives all of it.
            raise name_error(err, self._source, self._texts) from None

    def _read(self) -> None:
        """Connect and pass units on until the stream is lost (CameraLost) or the reader stopped."""
        is_first_round = True
        pace = Pace(self._is_stopped) if is_file(self._source) else None
        while not self._is_stopped.is_set():
            with open_source(self._source, self._texts) as container:
                stream, codec = find_video(container, self._texts)
                units = _Assembler(stream, codec)
                if not is_first_round:
                    self._timeline.restart(is_seamless=True)
                if pace is not None and not is_first_round:
                    pace.begin_round()
                count = self._pass_on(container.demux(stream), units, pace)
            if not self._source.is_loop:
                raise CameraLost(self._texts("media.lost.ended"))
            if not count:
                raise StreamUnreadable(self._texts("media.unreadable.data"))
            is_first_round = False

    def _pass_on(self, packets: Iterator[Packet[VideoStream]], units: _Assembler, pace: Pace | None) -> int:
        count, last_mono_s, pauses = 0, time.monotonic(), Pauses()
        while not self._is_stopped.is_set():
            asked_mono_s = time.monotonic()
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError, ValueError) as err:
                is_silent = time.monotonic() - last_mono_s >= STALL_S / 2
                raise self._silence() if is_silent else name_error(err, self._source, self._texts) from None
            if packet is None:
                break
            last_mono_s = self._active_mono_s = time.monotonic()
            for piece in units.take(packet):
                if pace is not None and not piece.is_rest:
                    pace.wait(piece.dts_s if piece.dts_s is not None else piece.pts_s)
                    self._active_mono_s = time.monotonic()
                count += self._place(units, piece, self._active_mono_s)
            pause_s = pauses.pause_s(packet.size, asked_mono_s, last_mono_s)
            if pause_s and pace is None and not self._is_urgent():
                self._is_stopped.wait(pause_s)
        return count

    def _place(self, units: _Assembler, piece: _Piece, arrived_mono_s: float) -> int:
        is_first = False
        if piece.is_key:
            config = units.config(piece.content)
            if config is not None and config is not self._config and config != self._config:
                self._config = config
                if not self._is_stopped.is_set():
                    self._listener.on_config(config)
        if self._config is None or self._config.codec != units.codec:
            return 0  # before the first keyframe nothing can be decoded
        if self._live_since_mono_s is None:
            if not piece.is_key:
                return 0
            self._live_since_mono_s = arrived_mono_s
            is_first = True
        if not piece.is_rest:
            self._placed_s = self._timeline.place(piece.pts_s, piece.dts_s, arrived_mono_s)
        unit = AccessUnit(
            pts_s=self._placed_s[0],
            dts_s=self._placed_s[1],
            is_key=piece.is_key,
            at_s=time.time(),
            arrived_mono_s=arrived_mono_s,
            data=piece.content,
            follows_gap=self._follows_gap,
        )
        self._follows_gap = False
        if not self._is_stopped.is_set():
            self._listener.on_unit(unit)
        if is_first:
            self._tell("live", "")  # only now: who hears it may ask for a recording at once
        return 1

    def _silence(self) -> CameraLost:
        return StreamStalled(self._texts("media.stalled", seconds=round(STALL_S)))

    def _tell(self, condition: StreamCondition, reason: str) -> None:
        if not self._is_stopped.is_set():
            self._listener.on_condition(condition, reason)


class StreamStalled(CameraLost):
    """Say that a camera keeps its connection and sends nothing."""


class _Piece(NamedTuple):
    """What the assembler hands on: a picture, or (``is_rest``) more of the picture before."""

    pts_s: float | None
    dts_s: float | None
    is_key: bool
    content: bytes
    is_rest: bool


class _Assembler:
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

    def take(self, packet: Packet[VideoStream]) -> Iterator[_Piece]:
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
            yield _Piece(self._seconds(whole.pts), self._seconds(dts), is_key, content, is_rest)

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


def _condition_of(err: CameraError) -> StreamCondition:
    if isinstance(err, AuthFailed):
        return "auth_failed"
    if isinstance(err, StreamStalled):
        return "stalled"
    return "unreadable" if isinstance(err, StreamUnreadable) else "lost"
