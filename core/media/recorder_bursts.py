"""Which units belong to which clip of one camera: bursts that overlap become one, a change of codec starts another."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timezone

import msgspec

from ..errors import MediaError
from ..texts import Texts
from ..types import new_id
from .clip_writer import ClipWriter
from .messages import StartBurst
from .recorder_sidecar import ClipPlan
from .ring import AccessUnit, Ring, StreamConfig

# An alert that never ends must not make a file that nobody can send or seek in.
MAX_CLIP_S = 600.0
# Pictures of a live stream come at least this often; a clip is not ended before its last could have come.
_LAST_PICTURE_S = 1.0
# Pre-roll that begins this much late is not called a gap: that is one picture of a slow camera.
_PREROLL_SLACK_S = 0.5
# A live camera's newest picture may be this old; one that was silent for longer counts as lost.
_STALE_S = 10.0
_KEYS_KEPT = 2000


class KeyBook:
    """Remember which clip a key was given, so that asking twice makes one clip."""

    def __init__(self) -> None:
        self._clips: OrderedDict[str, str] = OrderedDict()

    def add(self, key: str, clip_id: str) -> None:
        """Remember a key; the oldest are forgotten after some thousand."""
        self._clips[key] = clip_id
        while len(self._clips) > _KEYS_KEPT:
            self._clips.popitem(last=False)

    def get(self, key: str) -> str | None:
        """Return the clip that the key was given."""
        return self._clips.get(key)


class BurstDesk:
    """Own the open clip of one camera. Not locked: its owner calls it under the stream's lock."""

    def __init__(self, camera: str, writer: ClipWriter, keys: KeyBook, texts: Texts) -> None:
        self._camera = camera
        self._writer = writer
        self._keys = keys
        self._texts = texts
        self._config: StreamConfig | None = None
        self._plan: ClipPlan | None = None
        self._wanted: tuple[str, ...] = ()  # keys of a burst that goes on in the next clip
        self._end_mono_s = 0.0
        self._first_pts_s = 0.0
        self._last_mono_s = 0.0
        self._is_skipping = False

    def ask(self, burst: StartBurst, ring: Ring, now_s: float, now_mono_s: float) -> str:
        """Begin or extend a clip; return its id. MediaError when there are no pictures.

        ``now_s`` and ``now_mono_s`` are both clocks at one moment: the wall clock may step, so everything
        is reckoned on the monotonic one.
        """
        at_mono_s = now_mono_s - (now_s - burst.at.timestamp())
        begin_mono_s, end_mono_s = at_mono_s - burst.before_s, at_mono_s + burst.after_s
        if self._plan is not None:
            self._extend(self._plan, burst.key, end_mono_s)
        else:
            self._begin(burst.key, ring, begin_mono_s, end_mono_s)
        assert self._plan is not None
        clip_id = self._plan.id
        self._keys.add(burst.key, clip_id)
        self.tick(now_mono_s)
        return clip_id

    def take(self, unit: AccessUnit) -> None:
        """Give a unit to the open clip, if it belongs there."""
        if self._plan is None:
            if self._wanted and unit.is_key:
                self._open(self._wanted, [unit], has_gap=False)
            return
        if unit.arrived_mono_s > self._end_mono_s:
            self._finish()
        elif unit.is_key and unit.pts_s - self._first_pts_s > MAX_CLIP_S:
            keys = self._plan.keys
            self._finish()
            self._open(keys, [unit], has_gap=False)
        else:
            self._write([unit])

    def change(self, config: StreamConfig) -> None:
        """End the clip at a change of codec or size; the burst goes on in a new one."""
        is_new = self._config is not None and config != self._config
        self._config = config
        if self._plan is not None and is_new:
            keys = self._plan.keys
            self._finish()
            self._wanted = keys

    def tick(self, now_mono_s: float) -> None:
        """End a clip whose time has come though no picture says so."""
        if now_mono_s <= self._end_mono_s + _LAST_PICTURE_S:
            return
        self._wanted = ()
        if self._plan is not None:
            self._finish(has_gap=self._last_mono_s < self._end_mono_s - 2 * _LAST_PICTURE_S)

    def close(self) -> None:
        """End the open clip before its time."""
        self._wanted = ()
        if self._plan is not None:
            self._finish(has_gap=True)

    def forget(self, clip_id: str) -> None:
        """Give up a clip that the disk did not take."""
        if self._plan is not None and self._plan.id == clip_id:
            self._plan = None

    def _begin(self, key: str, ring: Ring, begin_mono_s: float, end_mono_s: float) -> None:
        units = ring.since(begin_mono_s)
        # After a loss the ring still holds what was long before it; that is not what was asked for.
        if not units or units[-1].arrived_mono_s < begin_mono_s - _STALE_S:
            raise MediaError(self._texts("media.clip.no_pictures", camera=self._camera))
        has_gap = units[0].arrived_mono_s > begin_mono_s + _PREROLL_SLACK_S
        self._end_mono_s = end_mono_s
        inside = [unit for unit in units if unit.arrived_mono_s <= end_mono_s] or units[:1]
        self._open((key,), inside, has_gap=has_gap)

    def _extend(self, plan: ClipPlan, key: str, end_mono_s: float) -> None:
        self._end_mono_s = max(self._end_mono_s, end_mono_s)
        self._plan = plan.replaced(keys=(*plan.keys, key))
        self._writer.update(self._plan)

    def _open(self, keys: tuple[str, ...], units: list[AccessUnit], *, has_gap: bool) -> None:
        assert self._config is not None  # a unit comes after its configuration
        self._wanted = ()
        self._is_skipping = False
        first = units[0]
        self._first_pts_s = first.pts_s
        self._plan = ClipPlan(
            id=new_id(),
            camera=self._camera,
            start=datetime.fromtimestamp(first.at_s, timezone.utc),
            codec=self._config.codec,
            keys=keys,
            has_gap=has_gap,
        )
        self._writer.open(self._plan, self._config)
        self._write([_without_gap(first), *units[1:]])

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


def _without_gap(first: AccessUnit) -> AccessUnit:
    # What is missing before a clip's first picture is not missing in the clip.
    return msgspec.structs.replace(first, follows_gap=False) if first.follows_gap else first
