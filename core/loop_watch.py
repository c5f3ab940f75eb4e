"""Watches from a thread whether the hub's loop turns, and names the line that holds it up."""

from __future__ import annotations

import asyncio
import logging
import sys
import sysconfig
import threading
import time
import traceback
from pathlib import Path
from types import FrameType

from .health import HealthBook
from .texts import Texts

logger = logging.getLogger(__name__)

PART = "loop"
# What people notice as a stutter; a busy small PC makes a turn of 100 ms now and then without anybody's fault.
STALL_S = 0.25
_TICK_S, _LOOK_S = 0.05, 0.1
_STDLIB = sysconfig.get_path("stdlib")


class LoopWatch:
    """Tell how long the loop stood still, and where. One call that holds the interpreter itself shows no line."""

    def __init__(self, health: HealthBook, texts: Texts) -> None:
        self.longest_s = 0.0
        self.stalls = 0
        self._health = health
        self._texts = texts
        self._turned_s = 0.0
        self._place = ""
        self._is_over = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Watch the loop that runs this."""
        self._turned_s = time.monotonic()
        self._health.set(PART, "ok", figures={"longest_stall_s": 0.0, "stalls": 0.0})
        self._tick()
        owner = threading.get_ident()
        self._thread = threading.Thread(target=self._look, args=(owner,), name="loop watch", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Watch no more."""
        self._is_over.set()
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        now_s = time.monotonic()
        stood_s, self._turned_s = now_s - self._turned_s, now_s
        place, self._place = self._place, ""
        if stood_s - _TICK_S > STALL_S:
            self._note(stood_s, place)
        self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _note(self, stood_s: float, place: str) -> None:
        self.stalls += 1
        self.longest_s = max(self.longest_s, stood_s)
        words = self._texts("loop.stalled", seconds=f"{stood_s:.1f}", place=place or "?")
        logger.warning("%s", words)
        self._health.set(PART, "ok", words, {"longest_stall_s": self.longest_s, "stalls": float(self.stalls)})

    def _look(self, owner: int) -> None:
        while not self._is_over.wait(_LOOK_S):
            if time.monotonic() - self._turned_s > STALL_S and not self._place:
                self._place = place_of(sys._current_frames().get(owner))


def place_of(frame: FrameType | None) -> str:
    """Return file, line and function of the innermost code that is not Python's own library."""
    calls = list(reversed(traceback.extract_stack(frame))) if frame is not None else []
    for call in calls:
        if "site-packages" in call.filename or not call.filename.startswith((_STDLIB, "<")):
            return f"{Path(call.filename).name}:{call.lineno} ({call.name})"
    return ""
