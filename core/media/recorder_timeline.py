"""One timeline per stream that only runs forward: over reconnects, loops, wraps and cameras whose clock jumps."""

from __future__ import annotations

import threading
import time

# B-frames put presentation behind decoding by a few frames; nobody shows a picture later than this.
_MAX_REORDER_S = 2.0
# Network jitter moves arrivals by seconds; a step beyond this against the time that passed is a jump.
_MAX_LEAP_S = 5.0
_DEFAULT_INTERVAL_S = 0.04
# A damaged file may say any time; a picture of it is never waited for longer than this.
_LONGEST_WAIT_S = 1.0
# A file with a picture or two is not opened more often than this.
_LEAST_ROUND_S = 0.2


class Timeline:
    """Place a source's time stamps, in seconds, on the stream's own timeline."""

    def __init__(self, after: Timeline | None = None) -> None:
        """Begin at 0, or go on after another whose reader was left behind."""
        self._offset_s = 0.0
        self._raw_s: float | None = None  # the newest decoding time stamp of the source
        self._out_s: float = after._out_s if after else 0.0
        self._arrived_mono_s: float | None = after._arrived_mono_s if after else None
        self._interval_s: float = after._interval_s if after else _DEFAULT_INTERVAL_S
        self._must_anchor = True
        self._is_seamless = False

    def restart(self, *, is_seamless: bool = False) -> None:
        """Expect new time stamps: after a reconnect (time has passed) or, seamless, a file's next round."""
        self._must_anchor = True
        self._is_seamless = is_seamless

    def place(self, pts_s: float | None, dts_s: float | None, arrived_mono_s: float) -> tuple[float, float]:
        """Return presentation and decoding time; decoding time is always later than the one before.

        The first packet of an RTSP stream has no time stamp: it counts as 0, or as the next interval.
        """
        raw_s = dts_s if dts_s is not None else pts_s
        if raw_s is None:
            raw_s = 0.0 if self._must_anchor or self._raw_s is None else self._raw_s + self._interval_s
        passed_s = 0.0 if self._arrived_mono_s is None else max(0.0, arrived_mono_s - self._arrived_mono_s)
        is_first = self._arrived_mono_s is None
        if self._must_anchor or self._is_jump(raw_s, passed_s):
            step_s = self._interval_s if self._is_seamless else max(self._interval_s, passed_s)
            self._offset_s = (0.0 if is_first else self._out_s + step_s) - raw_s
            self._must_anchor = self._is_seamless = False
        elif self._raw_s is not None and 0.0 < raw_s - self._raw_s < 1.0:
            self._interval_s = raw_s - self._raw_s
        out_s = raw_s + self._offset_s
        if not is_first and out_s <= self._out_s:
            out_s = self._out_s + 0.0001
        delay_s = 0.0 if pts_s is None or dts_s is None else min(max(pts_s - dts_s, 0.0), _MAX_REORDER_S)
        self._raw_s, self._out_s, self._arrived_mono_s = raw_s, out_s, arrived_mono_s
        return out_s + delay_s, out_s

    def _is_jump(self, raw_s: float, passed_s: float) -> bool:
        if self._raw_s is None:
            return False
        step_s = raw_s - self._raw_s
        return step_s < -_MAX_REORDER_S or step_s > passed_s + _MAX_LEAP_S


class Pace:
    """Hold a file back to the speed of its pictures, over all its rounds."""

    def __init__(self, is_stopped: threading.Event) -> None:
        self._is_stopped = is_stopped
        self._due_mono_s = self._round_mono_s = time.monotonic()
        self._interval_s = _DEFAULT_INTERVAL_S
        self._before_s: float | None = None

    def begin_round(self) -> None:
        """Expect the file's first picture again."""
        self._due_mono_s = max(self._due_mono_s + self._interval_s, self._round_mono_s + _LEAST_ROUND_S)
        self._round_mono_s = self._due_mono_s
        self._before_s = None

    def wait(self, stamp_s: float | None) -> None:
        """Wait until a picture's time; one without a time stamp comes at the interval of those before."""
        now_mono_s = time.monotonic()
        if stamp_s is None or self._before_s is None or stamp_s <= self._before_s:
            step_s = 0.0 if self._before_s is None else self._interval_s
        else:
            step_s = min(stamp_s - self._before_s, _LONGEST_WAIT_S)
            self._interval_s = step_s if step_s < _LONGEST_WAIT_S else self._interval_s
        self._before_s = stamp_s if stamp_s is not None else (self._before_s or 0.0) + self._interval_s
        # Who fell behind goes on from now instead of hurrying.
        self._due_mono_s = max(self._due_mono_s + step_s, now_mono_s - _LONGEST_WAIT_S)
        self._is_stopped.wait(max(0.0, self._due_mono_s - now_mono_s))


class Meter:
    """Measure a stream's pictures and bits per second over about the last five seconds."""

    WINDOW_S = 5.0

    def __init__(self) -> None:
        self.fps = 0.0
        self.bits_per_s = 0.0
        self.packets = 0
        self._began_mono_s = 0.0
        self._count = 0
        self._bytes = 0

    def add(self, size_bytes: int, arrived_mono_s: float) -> None:
        """Count a unit."""
        self.packets += 1
        if not self._count:
            self._began_mono_s = arrived_mono_s
        self._count += 1
        self._bytes += size_bytes
        passed_s = arrived_mono_s - self._began_mono_s
        if passed_s >= self.WINDOW_S or (not self.fps and passed_s >= 1.0):
            self.fps = (self._count - 1) / passed_s
            self.bits_per_s = self._bytes * 8 / passed_s
            self._count, self._bytes = 0, 0

    def reset(self) -> None:
        """Forget the rates, as after a loss."""
        self.fps = self.bits_per_s = 0.0
        self._count = self._bytes = 0
