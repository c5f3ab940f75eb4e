"""Reads one stream in a thread of its own: demuxes, never decodes, reconnects, and tells what it is doing.

What leaves it is always Annex B with its parameter sets in the configuration, whatever the source holds.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import av
from av.packet import Packet
from av.video import VideoStream

from ..contracts import StreamSource
from ..errors import AuthFailed, CameraError, CameraLost
from ..texts import Texts
from .backoff import Backoff
from .messages import StreamCondition
from .reader_link import LinkWatch
from .reader_pauses import Pauses
from .reader_units import Assembler, Piece
from .recorder_source import (
    StreamUnreadable,
    find_video,
    is_file,
    name_error,
    open_source,
    session_stall_s,
    stall_after_s,
)
from .recorder_timeline import Pace, Timeline
from .ring import AccessUnit, StreamConfig

logger = logging.getLogger(__name__)

# A refused password does not get better by itself, and some cameras lock the account.
AUTH_WAIT_S = 60.0
# A link that comes back brings all its cameras at once: their first tries are spread over two and a half seconds.
_FIRST_WAIT_S, _LONGEST_WAIT_S, _LEAST_SHARE = 3.0, 60.0, 0.15
# Demuxing needs little stack; a hundred readers would otherwise reserve 800 MB of addresses.
_STACK_BYTES = 1 << 20
# A visit for one keyframe ends without it after this, or a camera that sends none would be read for ever.
_VISIT_LIMIT_S = 30.0
_LEAST_REST_S = 0.5


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
        link: LinkWatch | None = None,
    ) -> None:
        """Prepare to read; ``is_urgent`` says whether somebody waits for each picture, or some may gather."""
        self._source = source
        self._link = link or LinkWatch()
        self._has_answered = False
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
            self._has_answered = False
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
        self._link.losses += self._has_answered
        self._timeline.restart()
        self._tell(_condition_of(err), str(err))
        wait_s = self._backoff.wait_s(ran_s)
        return max(wait_s, AUTH_WAIT_S) if isinstance(err, AuthFailed) else wait_s

    def _read_named(self) -> None:
        try:
            self._visit() if self._source.keyframe_every_s else self._read()
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
                units = Assembler(stream, codec)
                self._has_answered = True
                self._link.begin()
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

    def _visit(self) -> None:
        """Come for one keyframe now and then; a visit that fails is a loss only when too many in a row did."""
        seen_mono_s, every_s = time.monotonic(), self._source.keyframe_every_s
        while not self._is_stopped.is_set():
            begun_mono_s = self._active_mono_s = time.monotonic()
            try:
                self._take_keyframe()
                seen_mono_s = time.monotonic()
            except CameraLost:
                # The first visit says whether anybody is there at all.
                if self._live_since_mono_s is None or time.monotonic() - seen_mono_s >= stall_after_s(self._source):
                    raise
            rest_s = every_s * random.uniform(0.9, 1.1) - (time.monotonic() - begun_mono_s)
            self._is_waiting = True
            self._is_stopped.wait(max(_LEAST_REST_S, rest_s))
            self._is_waiting = False

    def _take_keyframe(self) -> None:
        try:
            with open_source(self._source, self._texts) as container:
                stream, codec = find_video(container, self._texts)
                self._has_answered = True
                self._timeline.restart()
                if not self._take_first(container.demux(stream), Assembler(stream, codec)):
                    raise CameraLost(self._texts("media.lost.no_keyframe", seconds=round(_VISIT_LIMIT_S)))
        except (av.error.FFmpegError, OSError, ValueError) as err:
            raise name_error(err, self._source, self._texts) from None

    def _take_first(self, packets: Iterator[Packet[VideoStream]], units: Assembler) -> bool:
        """Pass the first keyframe on; what is left of it comes before the next picture, which is not waited for."""
        limit_mono_s, is_taken = time.monotonic() + _VISIT_LIMIT_S, False
        for packet in packets:
            self._active_mono_s = time.monotonic()
            for piece in units.take(packet):
                if is_taken and not piece.is_rest:
                    return True
                if piece.is_key or is_taken:
                    is_taken = self._place(units, piece, self._active_mono_s) > 0 or is_taken
            if is_taken and units.codec == "mjpeg":
                return True  # one picture, one packet
            if self._is_stopped.is_set() or self._active_mono_s >= limit_mono_s:
                break
        return is_taken

    def _pass_on(self, packets: Iterator[Packet[VideoStream]], units: Assembler, pace: Pace | None) -> int:
        count, last_mono_s, pauses = 0, time.monotonic(), Pauses()
        while not self._is_stopped.is_set():
            asked_mono_s = time.monotonic()
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError, ValueError) as err:
                is_silent = time.monotonic() - last_mono_s >= session_stall_s(self._source) / 2
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
            if pause_s and pace is None and not self._link.is_late and not self._is_urgent():
                self._is_stopped.wait(pause_s)
        return count

    def _place(self, units: Assembler, piece: Piece, arrived_mono_s: float) -> int:
        is_first = False
        if piece.is_key:
            self._take_config(units.config(piece.content))
        if self._config is None or self._config.codec != units.codec:
            return 0  # before the first keyframe nothing can be decoded
        if self._live_since_mono_s is None:
            if not piece.is_key:
                return 0
            self._live_since_mono_s = arrived_mono_s
            is_first = True
        if not piece.is_rest:
            self._placed_s = self._timeline.place(piece.pts_s, piece.dts_s, arrived_mono_s)
            if piece.dts_s is not None:
                self._link.take(piece.dts_s, len(piece.content), arrived_mono_s)
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

    def _take_config(self, config: StreamConfig | None) -> None:
        if config is None or config is self._config or config == self._config:
            return
        self._config = config
        if not self._is_stopped.is_set():
            self._listener.on_config(config)

    def _silence(self) -> CameraLost:
        return StreamStalled(self._texts("media.stalled", seconds=round(session_stall_s(self._source))))

    def _tell(self, condition: StreamCondition, reason: str) -> None:
        if not self._is_stopped.is_set():
            self._listener.on_condition(condition, reason)


class StreamStalled(CameraLost):
    """Say that a camera keeps its connection and sends nothing."""


def _condition_of(err: CameraError) -> StreamCondition:
    if isinstance(err, AuthFailed):
        return "auth_failed"
    if isinstance(err, StreamStalled):
        return "stalled"
    return "unreadable" if isinstance(err, StreamUnreadable) else "lost"
