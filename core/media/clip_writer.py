"""Writes clips: fragmented MP4 while they grow, plain MP4 with its SHA-256 when they are done.

One thread writes what arrives, another finishes; neither ever holds up a reader. A small JSON file beside
(``clips/.waiting``) lets nothing be lost and nothing be told twice when this process dies midway.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import av

from ..errors import StoreFailed
from ..texts import Texts
from ..types import Clip
from .recorder_mp4 import PartFile, finish_part
from .recorder_sidecar import ClipPlan, Sidecars
from .ring import AccessUnit, StreamConfig

logger = logging.getLogger(__name__)

# What one clip may have waiting where nobody says; about two minutes of a camera at 0.5 Mbit/s.
_ALLOWANCE_BYTES = 8_000_000
# What arrives within this time is written in one go: a thread that wakes for each packet of each camera costs.
_GATHER_S = 0.2
# Less than this is a header without a picture.
_LEAST_BYTES = 4096


class ClipListener(Protocol):
    """What hears of clips; called in the writer's threads."""

    def on_clip_done(self, clip: Clip) -> None:
        """Take a finished clip."""

    def on_clip_failed(self, plan: ClipPlan, reason: str) -> None:
        """Take a clip that was not written, with the reason in words."""


class ClipWriter:
    """Own every file of every clip under way."""

    def __init__(self, storage: Path, listener: ClipListener, texts: Texts) -> None:
        self.sidecars = Sidecars(storage)
        self._storage = storage
        self._listener = listener
        self._texts = texts
        self._growing: dict[str, _Growing] = {}
        self._own: set[str] = set()  # never recovered: what this process has begun itself
        self._writes = _Worker("clip-writer", gather_s=_GATHER_S)
        self._finishes = _Worker("clip-finisher")
        # What each clip may still have waiting. One clip's pre-roll must not cost another its own.
        self._allowed_bytes: dict[str, int] = {}
        self._lock = threading.Lock()
        self.dropped_units = 0

    def start(self) -> None:
        """Begin to write."""
        self._writes.start()
        self._finishes.start()

    def promise(self, plan: ClipPlan) -> None:
        """Keep a note of a clip that waits for its first picture."""
        self._own.add(plan.id)
        self._writes.put(lambda: self._note(plan))

    def give_up(self, plan: ClipPlan, reason: str) -> None:
        """Tell that a promised clip has got no picture in its time."""
        self._writes.put(lambda: self._drop(plan, reason))

    def open(self, plan: ClipPlan, config: StreamConfig, allowance_bytes: int = _ALLOWANCE_BYTES) -> None:
        """Begin a clip, of which so many bytes may wait for the disk."""
        self._own.add(plan.id)
        with self._lock:
            self._allowed_bytes[plan.id] = allowance_bytes
        self._writes.put(lambda: self._open(plan, config))

    def has_room(self, clip_id: str, size_bytes: int) -> bool:
        """Say whether so much may wait; a clip that failed or ended takes anything, and drops it."""
        with self._lock:
            return self._allowed_bytes.get(clip_id, size_bytes) >= min(size_bytes, _ALLOWANCE_BYTES)

    def write(self, clip_id: str, units: Sequence[AccessUnit]) -> bool:
        """Add units to a clip; False when too much of it waits: they are dropped and the clip has a gap."""
        size = sum(len(unit.data) for unit in units)
        with self._lock:
            if self._allowed_bytes.get(clip_id, 0) < size:
                self.dropped_units += len(units)
                return False
            self._allowed_bytes[clip_id] -= size
        self._writes.put(lambda: self._write(clip_id, units, size))
        return True

    def update(self, plan: ClipPlan) -> None:
        """Keep a clip's new keys and end."""
        self._writes.put(lambda: self._update(plan))

    def finish(self, plan: ClipPlan) -> None:
        """End a clip; it is told when it is whole on the disk."""
        self._writes.put(lambda: self._end(plan))

    def recover(self) -> list[ClipPlan]:
        """Finish what a recorder that died has left; return the plans found, for their keys."""
        plans = [plan for plan in self.sidecars.read_all() if plan.id not in self._own]
        for plan in plans:
            if plan.clip is not None:
                self._listener.on_clip_done(plan.clip)
            else:
                self._finishes.put(lambda plan=plan: self._finish(plan.replaced(has_gap=True)))  # type: ignore[misc]
        return plans

    def accept(self, clip_id: str) -> None:
        """Forget a clip that the hub has in its index."""
        self.sidecars.remove(clip_id)

    def close(self, limit_s: float) -> bool:
        """Write and finish what waits; False when the time was not enough."""
        half_s = limit_s / 2
        return self._writes.close(half_s) and self._finishes.close(half_s)

    def _open(self, plan: ClipPlan, config: StreamConfig) -> None:
        try:
            self.sidecars.write(plan)
            self._growing[plan.id] = _Growing(plan, PartFile(self._storage / plan.part, config))
        except (StoreFailed, OSError, av.error.FFmpegError) as err:
            self._fail(plan, err)

    def _write(self, clip_id: str, units: Sequence[AccessUnit], size: int) -> None:
        with self._lock:
            if clip_id in self._allowed_bytes:
                self._allowed_bytes[clip_id] += size
        growing = self._growing.get(clip_id)
        if growing is None:
            return  # failed before
        try:
            for unit in units:
                growing.part.add(unit)
        except (OSError, av.error.FFmpegError, ValueError, LookupError) as err:  # a damaged keyframe too
            del self._growing[clip_id]
            with contextlib.suppress(OSError, av.error.FFmpegError):
                growing.part.close()
            self._fail(growing.plan, err)

    def _update(self, plan: ClipPlan) -> None:
        growing = self._growing.get(plan.id)
        if growing is not None:
            growing.plan = plan
            self._note(plan)

    def _note(self, plan: ClipPlan) -> None:
        try:
            self.sidecars.write(plan)
        except OSError as err:
            logger.warning("%s: the plan of clip %s was not kept: %s", plan.camera, plan.id, err)

    def _drop(self, plan: ClipPlan, reason: str) -> None:
        logger.error("%s: clip %s: %s", plan.camera, plan.id, reason)
        self.sidecars.remove(plan.id)
        self._listener.on_clip_failed(plan, reason)

    def _end(self, plan: ClipPlan) -> None:
        with self._lock:
            self._allowed_bytes.pop(plan.id, None)
        growing = self._growing.pop(plan.id, None)
        if growing is None:
            return
        try:
            growing.part.close()
        except (OSError, av.error.FFmpegError) as err:
            self._fail(plan, err)
            return
        self._finishes.put(lambda: self._finish(plan))

    def _finish(self, plan: ClipPlan) -> None:
        try:
            clip = finish_part(self._storage, plan)
        except (OSError, av.error.FFmpegError, ValueError) as err:
            self._fail(plan, err)
            return
        try:
            self.sidecars.write(plan.replaced(clip=clip))
        except OSError as err:
            logger.warning("%s: clip %s is told without its note on the disk: %s", plan.camera, plan.id, err)
        self._listener.on_clip_done(clip)

    def _fail(self, plan: ClipPlan, err: Exception) -> None:
        reason = name_disk_error(err, self._texts)
        with self._lock:
            self._allowed_bytes.pop(plan.id, None)
        logger.error("%s: clip %s: %s", plan.camera, plan.id, reason)
        part = self._storage / plan.part
        with contextlib.suppress(OSError):
            # A part with pictures in it is evidence: it stays, with its plan, for the next start; one that
            # cannot be read stays without, or it would be tried for ever.
            is_worth_it = part.exists() and part.stat().st_size >= _LEAST_BYTES
            if not is_worth_it:
                part.unlink(missing_ok=True)
            if not is_worth_it or isinstance(err, ValueError):
                self.sidecars.remove(plan.id)
        self._listener.on_clip_failed(plan, reason)


def name_disk_error(err: Exception, texts: Texts) -> str:
    """Return what an error of the disk means, in words."""
    number = getattr(err, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return texts("media.clip.disk_full")
    if number in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR):
        return texts("media.clip.read_only")
    if isinstance(err, (ValueError, LookupError)) and not isinstance(err, av.error.FFmpegError):
        return texts("media.clip.empty")
    return texts("media.clip.failed", what=getattr(err, "strerror", None) or type(err).__name__)


class _Growing:
    def __init__(self, plan: ClipPlan, part: PartFile) -> None:
        self.plan = plan
        self.part = part


class _Worker:
    """Run jobs one after the other in a thread; their number is bounded by the bytes they hold."""

    def __init__(self, name: str, *, gather_s: float = 0.0) -> None:
        self._jobs: deque[Callable[[], None]] = deque()
        self._has_job = threading.Condition()
        self._gather_s = gather_s
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, job: Callable[[], None]) -> None:
        with self._has_job:
            self._jobs.append(job)
            self._has_job.notify()

    def close(self, limit_s: float) -> bool:
        self._is_closing.set()
        with self._has_job:
            self._has_job.notify()
        self._thread.join(limit_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._has_job:
                while not self._jobs:
                    if self._is_closing.is_set():
                        return
                    self._has_job.wait()
            while self._jobs:
                self._jobs.popleft()()
            if self._gather_s:
                self._is_closing.wait(self._gather_s)
