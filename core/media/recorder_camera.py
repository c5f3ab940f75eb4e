"""One camera in the recorder: its streams, the ring for pre-roll, the feed for eyes, the open clip."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import NamedTuple

from ..contracts import StreamSource
from ..errors import MediaError
from ..texts import Texts
from .messages import OpenCamera, StartBurst, StreamChanged, StreamCondition, StreamReport
from .packet_server import Feed
from .reader import StreamReader
from .reader_link import LinkWatch
from .recorder_bursts import BurstDesk, Now
from .recorder_source import stall_after_s
from .recorder_timeline import Meter, Timeline
from .ring import AccessUnit, Ring, StreamConfig

logger = logging.getLogger(__name__)

# FFmpeg's own time-outs end a stalled read when it counts as one and a connection that does not come about after
# 20 s; one that still hangs then (in the system's name service, say) is left behind.
_ABANDON_SHARE = 1.5
_ABANDON_CONNECT_S = 30.0
# So many readers of one stream may hang at a time; another would hang too.
_MAX_LEFT = 3


class Recording(NamedTuple):
    """What is kept of a recorded stream, also while the camera's sources change."""

    ring: Ring
    desk: BurstDesk
    config: StreamConfig | None = None
    timeline: Timeline | None = None


class RecordedStream:
    """Hear one reader: keep the ring, feed the eyes, give units to the open clip."""

    def __init__(
        self,
        camera: str,
        source: StreamSource,
        tell: Callable[[StreamChanged], None],
        texts: Texts,
        *,
        feed: Feed | None,
        recording: Recording | None,
    ) -> None:
        self._camera = camera
        self._source = source
        self._stall_s = stall_after_s(source)
        self._tell = tell
        self._texts = texts
        self._feed = feed
        self._ring: Ring | None = None
        self._desk: BurstDesk | None = None
        self._config: StreamConfig | None = None
        self._timeline = Timeline()
        if recording is not None:
            self._ring, self._desk, self._config = recording.ring, recording.desk, recording.config
            self._timeline = Timeline(after=recording.timeline)
        self._lock = threading.Lock()
        self._meter = Meter()
        self._link = LinkWatch()
        self._condition: StreamCondition = "connecting"
        self._reason = ""
        self._times_live = 0
        self._arrived_mono_s = 0.0
        self._last_at_s = 0.0
        self._left: list[StreamReader] = []
        self._reader = self._start_reader()

    def on_config(self, config: StreamConfig) -> None:
        """Begin a new stretch; the ring cannot mix two, so it begins anew."""
        with self._lock:
            is_new = config != self._config
            self._config = config
            if self._ring is not None and self._desk is not None:
                if is_new:  # a reader that took over begins with what is known
                    self._ring.clear()
                self._desk.change(config)
            if self._feed is not None:
                self._feed.open(config)

    def on_unit(self, unit: AccessUnit) -> None:
        """Keep and pass on a unit."""
        with self._lock:
            is_back = self._condition == "stalled"
            self._arrived_mono_s, self._last_at_s = unit.arrived_mono_s, unit.at_s
            self._meter.add(len(unit.data), unit.arrived_mono_s)
            if self._ring is not None and self._desk is not None:
                self._ring.add(unit)
                self._desk.take(unit)
        if self._feed is not None:
            self._feed.pass_on(unit)
        if is_back:  # it stood still and goes on, on the same connection
            self._link.losses += 1
            self.on_condition("live", "")

    def on_condition(self, condition: StreamCondition, reason: str) -> None:
        """Tell the hub; the eyes learn of a loss."""
        with self._lock:
            is_same_connection = self._condition == "stalled"
            self._condition, self._reason = condition, reason
            if condition == "live":
                self._times_live += not is_same_connection
                self._arrived_mono_s = time.monotonic()
            else:
                self._meter.reset()
        if self._feed is not None and condition != "live":
            self._feed.end()
        self._tell(StreamChanged(report=self.report(), at=datetime.now(timezone.utc)))

    def report(self) -> StreamReport:
        """Return how the stream is."""
        with self._lock:
            return StreamReport(
                camera=self._camera,
                role=self._source.role,
                condition=self._condition,
                reason=self._reason,
                codec=self._config.codec if self._config else "",
                width=self._config.width if self._config else 0,
                height=self._config.height if self._config else 0,
                fps=round(self._meter.fps, 2),
                bits_per_s=round(self._meter.bits_per_s),
                ring_s=round(self._ring.seconds, 2) if self._ring else 0.0,
                ring_bytes=self._ring.size_bytes if self._ring else 0,
                ring_dropped=self._ring.dropped_units if self._ring else 0,
                reconnects=max(0, self._times_live - 1),
                packets=self._meter.packets,
                losses=self._link.losses,
                lag_s=round(self._link.lag_s, 1),
                is_link_full=self._link.is_full,
                last_at=datetime.fromtimestamp(self._last_at_s, timezone.utc) if self._last_at_s else None,
            )

    def burst(self, burst: StartBurst) -> str:
        """Begin or extend a clip. MediaError."""
        with self._lock:
            if self._ring is None or self._desk is None:
                raise MediaError(self._texts("media.clip.no_camera", camera=self._camera))
            now = Now(wall_s=time.time(), mono_s=time.monotonic())
            return self._desk.ask(burst, self._ring, now, is_live=self._condition == "live")

    def forget_clip(self, clip_id: str) -> None:
        """Give up a clip that the disk did not take."""
        with self._lock:
            if self._desk is not None:
                self._desk.forget(clip_id)

    def set_limits(self, ring_s: float, ring_bytes: int) -> None:
        """Change how much pre-roll is kept."""
        with self._lock:
            if self._ring is not None:
                self._ring.limit_s, self._ring.limit_bytes = ring_s, ring_bytes

    def tick(self) -> None:
        """End clips that are due, and see a stream that stands still though its reader does not say so."""
        now_mono_s = time.monotonic()
        with self._lock:
            if self._desk is not None:
                self._desk.tick(now_mono_s)
            condition = self._condition
            is_stalling = condition == "live" and now_mono_s - self._arrived_mono_s > self._stall_s
        if is_stalling:
            self.on_condition("stalled", self._texts("media.stalled", seconds=round(self._stall_s)))
        abandon_s = self._stall_s * _ABANDON_SHARE
        limit_s = max(_ABANDON_CONNECT_S, abandon_s) if condition == "connecting" else abandon_s
        if not self._reader.is_trying and self._reader.silent_s(now_mono_s) > limit_s:
            self._replace_reader()

    def _replace_reader(self) -> None:
        self._left = [reader for reader in self._left if reader.is_alive]
        if len(self._left) >= _MAX_LEFT:
            return
        logger.warning("%s %s: the read hangs; a new reader takes over", self._camera, self._source.role)
        self._reader.stop()
        self._left.append(self._reader)
        self._timeline = Timeline(after=self._timeline)
        self._reader = self._start_reader()

    def close(self) -> None:
        """Let go of the camera; the open clip is ended."""
        self._reader.stop()
        with self._lock:
            if self._desk is not None:
                self._desk.close()
        self.on_condition("closed", "")

    def hand_over(self) -> Recording | None:
        """Let go of the camera and of what was recorded, so that clips go on with other sources."""
        self._reader.stop()
        with self._lock:
            recording = None
            if self._ring is not None and self._desk is not None:
                recording = Recording(self._ring, self._desk, self._config, self._timeline)
            # A reader that hangs in FFmpeg may still bring something: it is nobody's any more.
            self._ring = self._desk = None
        self.on_condition("closed", "")
        self._feed = None
        return recording

    def _is_urgent(self) -> bool:
        """Say whether somebody waits for each picture; read without the lock, a moment late does no harm."""
        is_recording = self._desk is not None and self._desk.is_recording
        return is_recording or (self._feed is not None and self._feed.is_urgent)

    def _start_reader(self) -> StreamReader:
        name = f"{self._camera} {self._source.role}"
        reader = StreamReader(
            self._source,
            self,
            self._texts,
            name=name,
            timeline=self._timeline,
            follows_gap=self._config is not None,
            is_urgent=self._is_urgent,
            link=self._link,
        )
        reader.start()
        return reader


class RecordedCamera:
    """Hold the streams of one camera: ``main`` is recorded, ``sub`` analysed; one serves both."""

    def __init__(
        self,
        order: OpenCamera,
        tell: Callable[[StreamChanged], None],
        texts: Texts,
        *,
        feed: Feed,
        recording: Recording,
    ) -> None:
        """Begin to read; ``recording`` is new, or what the same camera's other sources have handed over."""
        self.sources = order.sources
        analysed = next((source for source in order.sources if source.role == "sub"), order.sources[0])
        recorded = next((source for source in order.sources if source.role == "main"), order.sources[0])
        recording.ring.limit_s, recording.ring.limit_bytes = order.ring_s, order.ring_bytes
        recording.desk.slowest_s = max(recorded.slowest_s, recorded.keyframe_every_s)
        self._recorded = RecordedStream(
            order.camera,
            recorded,
            tell,
            texts,
            feed=feed if analysed is recorded else None,
            recording=recording,
        )
        self._streams = [self._recorded]
        if analysed is not recorded:
            self._streams.append(RecordedStream(order.camera, analysed, tell, texts, feed=feed, recording=None))

    def burst(self, burst: StartBurst) -> str:
        """Begin or extend a clip; return its id. MediaError."""
        return self._recorded.burst(burst)

    def forget_clip(self, clip_id: str) -> None:
        """Give up a clip that the disk did not take."""
        self._recorded.forget_clip(clip_id)

    def set_limits(self, ring_s: float, ring_bytes: int) -> None:
        """Change how much pre-roll is kept."""
        self._recorded.set_limits(ring_s, ring_bytes)

    def reports(self) -> tuple[StreamReport, ...]:
        """Return how each stream is."""
        return tuple(stream.report() for stream in self._streams)

    def tick(self) -> None:
        """Do what is due; called about each second."""
        for stream in self._streams:
            stream.tick()

    def close(self) -> None:
        """Let go of every stream."""
        for stream in self._streams:
            stream.close()

    def hand_over(self) -> Recording | None:
        """Let go of every stream; return what is recorded, for the camera's other sources to go on with."""
        recording = self._recorded.hand_over()
        for stream in self._streams:
            if stream is not self._recorded:
                stream.close()
        return recording
