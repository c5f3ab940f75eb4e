"""Watches an event loop from a thread of its own and names the line that holds it up."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import NamedTuple, Self

# The hub serves a hundred cameras and every screen from one loop: whoever keeps it for a quarter of a second makes an
# alert late.
LIMIT_S = 0.25
_BEAT_S = 0.02


class Blocked(NamedTuple):
    """Say which line held the loop up, and for about how long."""

    seconds: float
    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.function} ({self.file}:{self.line}) held the event loop up for {self.seconds:.2f} s"


class LoopWatch:
    """Look at the running loop many times a second, as a context manager; ``blocked`` says what was found.

    ``folder`` is where the plugin stands: a line of its own is named before one of a library that it calls.
    Looks are counted, not seconds: on a machine with too much to do the watch gets as few turns as the loop.
    """

    def __init__(self, folder: Path, limit_s: float = LIMIT_S) -> None:
        self.blocked: list[Blocked] = []
        self._folder = str(folder)
        self._limit = max(2, round(limit_s / _BEAT_S))
        self._beat = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="siaga: loop watch", daemon=True)

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._tick()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._timer.cancel()
        self._thread.join()

    def _tick(self) -> None:
        self._beat += 1
        self._timer = self._loop.call_later(_BEAT_S, self._tick)

    def _look(self) -> None:
        seen, looks = self._beat, 0
        place: tuple[str, int, str] | None = None
        while not self._ended.wait(_BEAT_S):
            if self._beat != seen:
                self._note(looks, place)
                seen, looks, place = self._beat, 0, None
                continue
            looks += 1
            place = place or self._place(sys._current_frames().get(self._watched))
        self._note(looks, place)

    def _note(self, looks: int, place: tuple[str, int, str] | None) -> None:
        if looks >= self._limit and place is not None:
            self.blocked.append(Blocked(looks * _BEAT_S, *place))

    def _place(self, frame: FrameType | None) -> tuple[str, int, str] | None:
        deepest = frame
        while frame is not None:
            if frame.f_code.co_filename.startswith(self._folder):
                return _where(frame)
            frame = frame.f_back
        # The loop asleep, or this kit at work: the machine is slow, not the plugin.
        own = deepest is None or "selectors" in deepest.f_code.co_filename or __package__ in _module(deepest)
        return None if own or deepest is None else _where(deepest)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _where(frame: FrameType) -> tuple[str, int, str]:
    return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname
