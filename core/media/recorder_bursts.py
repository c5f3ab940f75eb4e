"""Which units belong to which clip of one camera: bursts that overlap become one, a change of codec starts another."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timezone

import msgspec

from ..texts import Texts
from ..types import Struct, new_id
from .clip_writer import ClipWriter
from .messages import StartBurst
from .recorder_sidecar import ClipPlan
from .ring import AccessUnit, Ring, StreamConfig

logger = logging.getLogger(__name__)

# An alert that never ends must not make a file that nobody can send or seek in.
MAX_CLIP_S = 600.0
# Pictures of a live stream come at least this often; a clip is not ended before its last could have come.
_LAST_PICTURE_S = 1.0
# Pre-roll that begins this much late is not called a gap: that is one picture of a slow camera.
_PREROLL_SLACK_S = 0.5
# Clocks of processes are read one after the other; a moment further ahead than this is a wrong one.
_AHEAD_S = 2.0
# What a clip may have waiting beyond its camera's whole ring: two seconds of a busy camera.
_BEYOND_RING_BYTES = 8_000_000
_KEYS_KEPT = 2000

Gops = list[list[AccessUnit]]


class KeyBook:
    """Remember which clip a key was given, so that asking twice makes one clip. Any thread may call it."""

    def __init__(self) -> None:
        self._clips: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, key: str, clip_id: str) -> None:
        """Remember a key; the oldest are forgotten after some thousand."""
        with self._lock:
            self._clips[key] = clip_id
            while len(self._clips) > _KEYS_KEPT:
                self._clips.popitem(last=False)

    def get(self, key: str) -> str | None:
        """Return the clip that the key was given."""
        with self._lock:
            return self._clips.get(key)

    def forget(self, keys: Sequence[str], clip_id: str) -> None:
        """Forget the keys of a clip that failed: who asks again is to get another."""
        with self._lock:
            for key in keys:
                if self._clips.get(key) == clip_id:
                    del self._clips[key]


class Now(Struct):
    """Hold both clocks at one moment: the wall clock may step, so everything is reckoned on the monotonic one."""

    wall_s: float
    mono_s: float


class _Window(Struct):
    begin_mono_s: float
    end_mono_s: float
    # Nothing is left of what was asked for: the recording begins now instead.
    is_moved: bool = False


class BurstDesk:
    """Own the open clip of one camera. Not locked: its owner calls it under the stream's lock."""

    def __init__(self, camera: str, writer: ClipWriter, keys: KeyBook, texts: Texts) -> None:
        self._camera = camera
        self._writer = writer
        self._keys = keys
        self._texts = texts
        self._config: StreamConfig | None = None
        self._plan: ClipPlan | None = None
        self._next: ClipPlan | None = None  # begins with the next keyframe
        self._is_promised = False  # somebody was told the id of the next one
        self._end_mono_s = 0.0
        self._first_pts_s = 0.0
        self._first_mono_s = 0.0
        self._last_mono_s = 0.0
        self._is_skipping = False
        self._allowance_bytes = _BEYOND_RING_BYTES
        self._longest_before_s = 0.0
        # How far apart the pictures of this camera may be; only more is a gap.
        self.slowest_s = 0.0

    @property
    def is_recording(self) -> bool:
        """Say whether a clip is open or waits for a keyframe: its pictures should be read as they come."""
        return self._plan is not None or self._next is not None

    def ask(self, burst: StartBurst, ring: Ring, now: Now, *, is_live: bool) -> str:
        """Begin or extend a clip; return its id. Without a picture yet it begins with the next keyframe."""
        self._allowance_bytes = ring.limit_bytes + _BEYOND_RING_BYTES
        self._look_at(burst, ring)
        window, gops = _find(burst, ring, now, is_live=is_live)
        if self._plan is not None and gops and window.end_mono_s < self._first_mono_s:
            clip_id = self._cut(burst.key, window, gops)
        elif self._plan is not None:
            clip_id = self._extend(self._plan, burst.key, window, ring)
        elif gops and self._config is not None:
            plan = self._join_next(burst.key, window)
            clip_id = self._open(plan.replaced(has_gap=plan.has_gap or _is_short(window, gops)), gops)
        else:
            # Its note tells of it should this process die before the camera is back.
            self._next = self._join_next(burst.key, window).replaced(has_gap=True)
            self._is_promised = True
            self._writer.promise(self._next)
            clip_id = self._next.id
        self._keys.add(burst.key, clip_id)
        self.tick(now.mono_s)
        return clip_id

    def take(self, unit: AccessUnit) -> None:
        """Give a unit to the open clip, if it belongs there."""
        if self._plan is None:
            if self._next is not None and unit.is_key and unit.arrived_mono_s <= self._end_mono_s:
                self._open(self._next, [[unit]])
            return
        if unit.arrived_mono_s > self._end_mono_s:
            # An outage that reaches over the end took the last pictures with it.
            self._finish(has_gap=unit.follows_gap and self._ends_early(_LAST_PICTURE_S))
        elif unit.is_key and unit.pts_s - self._first_pts_s > MAX_CLIP_S:
            keys = self._plan.keys
            self._finish()
            self._open(self._planned(keys), [[unit]])
        else:
            self._write([unit])

    def change(self, config: StreamConfig) -> None:
        """End the clip at a change of codec or size; the burst goes on in a new one."""
        is_new = self._config is not None and config != self._config
        self._config = config
        if self._plan is not None and is_new:
            self._next, self._is_promised = self._planned(self._plan.keys), False
            self._finish()

    def tick(self, now_mono_s: float) -> None:
        """End a clip whose time has come though no picture says so."""
        if now_mono_s <= self._end_mono_s + _LAST_PICTURE_S:
            return
        self._give_up_next()
        if self._plan is not None:
            self._finish(has_gap=self._ends_early(2 * _LAST_PICTURE_S))

    def close(self) -> None:
        """End the open clip before its time."""
        self._give_up_next()
        if self._plan is not None:
            self._finish(has_gap=True)

    def forget(self, clip_id: str) -> None:
        """Give up a clip that the disk did not take."""
        if self._plan is not None and self._plan.id == clip_id:
            self._plan = None

    def _ends_early(self, slack_s: float) -> bool:
        return self._last_mono_s < self._end_mono_s - max(slack_s, self.slowest_s)

    def _look_at(self, burst: StartBurst, ring: Ring) -> None:
        if burst.before_s > ring.limit_s and burst.before_s > self._longest_before_s:
            words = "%s: %g s before the event were asked for, media.ring keeps %g s: such clips have a gap"
            logger.warning(words, self._camera, burst.before_s, ring.limit_s)
            self._longest_before_s = burst.before_s  # said once

    def _planned(self, keys: tuple[str, ...], *, has_gap: bool = False) -> ClipPlan:
        """Return a plan; its start and codec come from its first picture."""
        return ClipPlan(
            id=new_id(),
            camera=self._camera,
            start=datetime.now(timezone.utc),
            codec=self._config.codec if self._config else "",
            keys=keys,
            has_gap=has_gap,
        )

    def _join_next(self, key: str, window: _Window) -> ClipPlan:
        """Return the plan that begins next, with one more key, or a new one."""
        if self._next is None:
            self._end_mono_s = window.end_mono_s
            return self._planned((key,))
        self._end_mono_s = max(self._end_mono_s, window.end_mono_s)
        return self._next.replaced(keys=(*self._next.keys, key))

    def _give_up_next(self) -> None:
        plan, self._next = self._next, None
        if plan is not None and self._is_promised:
            self._writer.give_up(plan, self._texts("media.clip.no_pictures", camera=self._camera))

    def _extend(self, plan: ClipPlan, key: str, window: _Window, ring: Ring) -> str:
        self._end_mono_s = max(self._end_mono_s, window.end_mono_s)
        keys = (*plan.keys, key)
        is_short = window.begin_mono_s < self._first_mono_s - _PREROLL_SLACK_S
        if is_short and not window.is_moved:
            gops = ring.between(window.begin_mono_s, self._end_mono_s)
            if gops and gops[0][0].arrived_mono_s < self._first_mono_s:
                # Nothing can be put before what is written: a second clip holds the longer pre-roll and goes on.
                self._finish()
                return self._open(self._planned(keys, has_gap=_is_short(window, gops)), gops)
        self._plan = plan.replaced(keys=keys, has_gap=plan.has_gap or is_short or window.is_moved)
        self._writer.update(self._plan)
        return plan.id

    def _cut(self, key: str, window: _Window, gops: Gops) -> str:
        """Write a clip that lies wholly before the open one, from the ring, apart from it."""
        assert self._config is not None  # a unit comes after its configuration
        plan = _begun(self._planned((key,), has_gap=_is_short(window, gops)), self._config, gops[0][0])
        self._writer.open(plan, self._config, self._allowance_bytes)
        for units in gops:
            is_written = self._writer.write(plan.id, units)
            if not is_written or any(unit.follows_gap for unit in units[units is gops[0] :]):
                plan = plan.replaced(has_gap=True)
        self._writer.finish(plan)
        return plan.id

    def _open(self, plan: ClipPlan, gops: Gops) -> str:
        assert self._config is not None  # a unit comes after its configuration
        self._next = None
        self._is_skipping = False
        first = gops[0][0]
        self._first_pts_s, self._first_mono_s = first.pts_s, first.arrived_mono_s
        self._plan = _begun(plan, self._config, first)
        self._writer.open(self._plan, self._config, self._allowance_bytes)
        # What is missing before a clip's first picture is not missing in the clip.
        self._write([msgspec.structs.replace(first, follows_gap=False), *gops[0][1:]])
        for units in gops[1:]:
            self._write(units)
        return plan.id

    def _write(self, units: list[AccessUnit]) -> None:
        assert self._plan is not None
        if self._is_skipping and not units[0].is_key:
            return
        self._is_skipping = not self._writer.write(self._plan.id, units)
        self._last_mono_s = units[-1].arrived_mono_s
        if self._is_skipping or any(unit.follows_gap for unit in units):
            self._plan = self._plan.replaced(has_gap=True)

    def _finish(self, *, has_gap: bool = False) -> None:
        assert self._plan is not None
        plan, self._plan = self._plan, None
        self._writer.finish(plan.replaced(has_gap=plan.has_gap or has_gap))


def _find(burst: StartBurst, ring: Ring, now: Now, *, is_live: bool) -> tuple[_Window, Gops]:
    """Return what was asked for and what of it the ring holds.

    A moment that is wholly gone from the ring, or wrong because a clock stepped, is recorded from now on.
    """
    at_mono_s = ring.mono_of(burst.at.timestamp(), now.wall_s, now.mono_s)
    window = _Window(begin_mono_s=at_mono_s - burst.before_s, end_mono_s=at_mono_s + burst.after_s)
    gops = ring.between(window.begin_mono_s, window.end_mono_s, is_live=is_live)
    is_gone = not gops and window.end_mono_s < now.mono_s
    if is_gone or at_mono_s > now.mono_s + _AHEAD_S:
        begin_mono_s, end_mono_s = now.mono_s - burst.before_s, now.mono_s + burst.after_s
        window = _Window(begin_mono_s=begin_mono_s, end_mono_s=end_mono_s, is_moved=True)
        gops = ring.between(window.begin_mono_s, window.end_mono_s, is_live=is_live)
    return window, gops


def _is_short(window: _Window, gops: Gops) -> bool:
    return window.is_moved or gops[0][0].arrived_mono_s > window.begin_mono_s + _PREROLL_SLACK_S


def _begun(plan: ClipPlan, config: StreamConfig, first: AccessUnit) -> ClipPlan:
    return plan.replaced(start=datetime.fromtimestamp(first.at_s, timezone.utc), codec=config.codec)
