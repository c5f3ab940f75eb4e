"""Encoded access units as the recorder keeps them: one unit, a stream's configuration, and the ring for pre-roll."""

from __future__ import annotations

from collections import deque
from typing import Literal

from ..types import Struct

Codec = Literal["h264", "hevc", "mjpeg"]
# A camera that sends no keyframe for this many units would hold memory for ever.
MAX_GOP_UNITS = 3000


class StreamConfig(Struct):
    """Say how a stream is decoded. ``extradata`` are parameter sets in Annex B form (empty for MJPEG)."""

    codec: Codec
    extradata: bytes
    width: int
    height: int


class AccessUnit(Struct, gc=False):
    """Hold one encoded picture in Annex B form (MJPEG: one JPEG).

    ``pts_s`` and ``dts_s`` are on the stream's own timeline that runs on over reconnects;
    ``follows_gap`` says that pictures are missing before this one.
    """

    pts_s: float
    dts_s: float
    is_key: bool
    at_s: float
    arrived_mono_s: float
    data: bytes
    follows_gap: bool = False


class Ring:
    """Keep the newest whole GOPs of a stream, bounded in seconds and bytes; always starts at a keyframe.

    Not locked: its owner calls it under its own lock.
    """

    def __init__(self, limit_s: float, limit_bytes: int) -> None:
        self.limit_s = limit_s
        self.limit_bytes = limit_bytes
        self.size_bytes = 0
        self.dropped_units = 0
        self._gops: deque[list[AccessUnit]] = deque()

    @property
    def seconds(self) -> float:
        """Return how far back the ring reaches."""
        if not self._gops:
            return 0.0
        return self._gops[-1][-1].arrived_mono_s - self._gops[0][0].arrived_mono_s

    def add(self, unit: AccessUnit) -> None:
        """Take a unit; whole GOPs that are no longer needed, or no longer fit, go."""
        if unit.is_key:
            self._gops.append([])
        elif not self._gops:
            self.dropped_units += 1
            return
        self._gops[-1].append(unit)
        self.size_bytes += len(unit.data)
        # The second GOP must already reach back far enough before the first may go.
        while len(self._gops) > 1 and unit.arrived_mono_s - self._gops[1][0].arrived_mono_s >= self.limit_s:
            self._drop_oldest()
        while len(self._gops) > 1 and self.size_bytes > self.limit_bytes:
            self._drop_oldest()
        if self.size_bytes > self.limit_bytes or len(self._gops[-1]) > MAX_GOP_UNITS:
            self.dropped_units += sum(len(gop) for gop in self._gops)
            self.clear()

    def between(self, begin_mono_s: float, end_mono_s: float, *, is_live: bool = True) -> list[list[AccessUnit]]:
        """Return what came between two moments, by GOP, from the last keyframe at or before the first.

        A GOP that an outage ended before ``begin_mono_s`` shows another time and is left out; the newest
        one counts as ended when the stream is not live.
        """
        first = 0
        for index, gop in enumerate(self._gops):
            if gop[0].arrived_mono_s <= begin_mono_s:
                first = index
        gops = list(self._gops)[first:]
        while gops and gops[0][-1].arrived_mono_s < begin_mono_s:
            is_ended = gops[1][0].follows_gap if len(gops) > 1 else not is_live
            if not is_ended:
                break
            del gops[0]
        inside = ([unit for unit in gop if unit.arrived_mono_s <= end_mono_s] for gop in gops)
        return [gop for gop in inside if gop]

    def mono_of(self, at_s: float, now_s: float, now_mono_s: float) -> float:
        """Return when a moment of the wall clock was, by the picture that came nearest to it, or by now.

        The wall clock may have stepped since that picture came; the moment was told by the clock of then.
        """
        known = [(unit.at_s, unit.arrived_mono_s) for gop in self._gops for unit in gop]
        wall_s, mono_s = min([(now_s, now_mono_s), *known], key=lambda pair: abs(pair[0] - at_s))
        return mono_s + at_s - wall_s

    def open_gop(self) -> list[AccessUnit]:
        """Return the newest keyframe and what came after it."""
        return list(self._gops[-1]) if self._gops else []

    def clear(self) -> None:
        """Forget everything, as after a change of codec or size."""
        self._gops.clear()
        self.size_bytes = 0

    def _drop_oldest(self) -> None:
        self.size_bytes -= sum(len(unit.data) for unit in self._gops.popleft())
