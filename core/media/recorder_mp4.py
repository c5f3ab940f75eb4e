"""How a clip becomes MP4: fragments while it grows (a crash costs the open one), plain and seekable when done."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import av
import msgspec
from av.container import InputContainer
from av.packet import Packet
from av.video import VideoStream

from ..types import Clip
from .recorder_sidecar import ClipPlan
from .ring import AccessUnit, StreamConfig
from .sha256 import sha256_of

_TICKS_PER_S = 90_000
_TIME_BASE = Fraction(1, _TICKS_PER_S)
_DEFAULT_DURATION_TICKS = _TICKS_PER_S // 25
# A fragment at each keyframe, and every second where keyframes are rare: that much a crash may cost.
_PART_OPTIONS = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "frag_duration": "1000000",
    "flush_packets": "1",
}
_RAW_FORMATS = {"h264": "h264", "hevc": "hevc", "mjpeg": "mjpeg"}
# Apple's players want hvc1; everybody else takes both.
_TAGS = {"hevc": "hvc1"}


class PartFile:
    """Write units as fragmented MP4; times start at 0 and only rise."""

    def __init__(
        self, target: Path | io.RawIOBase, config: StreamConfig, options: Mapping[str, str] = _PART_OPTIONS
    ) -> None:
        """Begin to write to a file, or to what takes bytes."""
        self._config = config
        self._pending: AccessUnit | None = None
        self._zero_s = 0.0
        self._last_tick = -1
        self._stream: VideoStream | None = None
        if isinstance(target, Path):
            target.parent.mkdir(parents=True, exist_ok=True)
        file = str(target) if isinstance(target, Path) else target
        self._out = av.open(file, "w", format="mp4", options=dict(options))

    def add(self, unit: AccessUnit) -> None:
        """Add a unit; one with the time of the one before belongs to it. OSError when the disk does not take it."""
        if self._stream is None:
            self._stream = self._add_stream(unit)
            self._zero_s = unit.dts_s
        before, self._pending = self._pending, unit
        if before is None:
            return
        if unit.pts_s == before.pts_s:
            self._pending = msgspec.structs.replace(before, data=before.data + unit.data)
            return
        self._mux(before, self._tick(unit.dts_s) - self._tick(before.dts_s))

    def close(self) -> None:
        """Write what is left and close. OSError."""
        try:
            if self._pending is not None:
                self._mux(self._pending, _DEFAULT_DURATION_TICKS)
        finally:
            self._pending = None
            self._out.close()

    def _add_stream(self, keyframe: AccessUnit) -> VideoStream:
        # FFmpeg's own parser fills in what a muxer must know, from the first keyframe; nothing is decoded.
        raw = io.BytesIO(self._config.extradata + keyframe.data)
        with av.open(raw, format=_RAW_FORMATS[self._config.codec], options={"probesize": "1000000"}) as template:
            stream = self._out.add_stream_from_template(template.streams.video[0])
        stream.time_base = _TIME_BASE
        if tag := _TAGS.get(self._config.codec):
            stream.codec_context.codec_tag = tag
        return stream

    def _mux(self, unit: AccessUnit, duration: int) -> None:
        assert self._stream is not None  # made from the first unit
        packet = Packet(unit.data)
        packet.stream = self._stream
        packet.time_base = _TIME_BASE
        dts = max(self._tick(unit.dts_s), self._last_tick + 1)
        packet.dts = self._last_tick = dts
        packet.pts = max(dts, self._tick(unit.pts_s))
        packet.duration = max(1, duration)
        packet.is_keyframe = unit.is_key
        self._out.mux_one(packet)

    def _tick(self, seconds: float) -> int:
        return round((seconds - self._zero_s) * _TICKS_PER_S)


def finish_part(storage: Path, plan: ClipPlan) -> Clip:
    """Turn a grown part into the finished clip and return its entry.

    Done twice (a recorder died in between) it gives the same clip. OSError; ValueError when the part is empty.
    """
    part, whole = storage / plan.part, storage / plan.path
    if part.exists():
        _make_whole(part, whole)
    elif not whole.exists():
        raise ValueError("promised, and no picture came")
    seconds = _duration_s(whole)
    return Clip(
        id=plan.id,
        camera=plan.camera,
        path=plan.path,
        start=plan.start,
        end=plan.start + timedelta(seconds=seconds),
        codec=plan.codec,
        size_bytes=whole.stat().st_size,
        sha256=sha256_of(whole),
        keys=plan.keys,
        has_gap=plan.has_gap,
        origin=plan.origin,
    )


def _make_whole(part: Path, whole: Path) -> None:
    new = whole.with_suffix(".new.mp4")
    try:
        _remux(part, new)
        _sync(new)
    except OSError as err:
        new.unlink(missing_ok=True)
        if err.errno != errno.ENOSPC:
            raise
        # No room for a second copy: the part plays as it is, only seeking is slower.
        part.rename(whole)
    else:
        new.rename(whole)
        part.unlink()
    _sync(whole.parent)


def _remux(part: Path, new: Path) -> None:
    count = 0
    with av.open(str(part)) as source:
        stream = _video(source)
        with av.open(str(new), "w", format="mp4", options={"movflags": "faststart"}) as out:
            copy = out.add_stream_from_template(stream)
            if tag := _TAGS.get(stream.codec_context.name):
                copy.codec_context.codec_tag = tag
            for packet in source.demux(stream):
                if packet.dts is None or not packet.size:
                    continue
                packet.stream = copy
                out.mux_one(packet)
                count += 1
    if not count:
        new.unlink()
        raise ValueError("the part holds no pictures")


def _video(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise ValueError("the part holds no pictures")
    return container.streams.video[0]


def _duration_s(path: Path) -> float:
    with av.open(str(path)) as container:
        return (container.duration or 0) / 1_000_000


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
