"""Keeps one child process alive: starts it, hears it, replaces it when it dies or hangs, stops it in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from ..clock import Clock
from ..errors import LinkClosed
from ..health import HealthState
from ..tasks import TaskHandle, Tasks
from ..types import Health
from .backoff import Backoff
from .link import AsyncLink
from .messages import Beat, EyeBeat, Message, RecorderBeat, Stop
from .supervisor_inbox import Inbox
from .supervisor_report import MediaTuning, ProcessChange

logger = logging.getLogger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 30.0
_POLL_S = 1.0
_MAX_LOG_LINE = 2000
# A stack of a loop that stands still is some twenty lines.
_MOST_LAST_LINES = 100
# What a child needs of the hub's environment. The rest may hold passwords, and eyes run strangers' code.
_PASSED_ON = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV",
    "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "OMP_NUM_THREADS", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip


class Child:
    """Own one process. What it tells goes to ``hear`` at once, on the hub's loop.

    ``rest`` waits before a process that ended is replaced, told how it ended and for how long it ran; without it the
    wait is short at first and doubles. ``last_lines`` is what the process wrote last.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        receives: Any,  # noqa: ANN401  a union of messages is no type to mypy
        *,
        hear: Callable[[Child, Message], None],
        greet: Callable[[Child], list[Message]],
        clock: Clock,
        tuning: MediaTuning,
        rest: Callable[[ProcessChange, float], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.inbox = Inbox()
        self.restarts = 0
        self.beat: Beat | None = None
        self.last_lines: deque[str] = deque(maxlen=_MOST_LAST_LINES)
        self._command = command
        self._receives = receives
        self._hear = hear
        self._greet = greet
        self._clock = clock
        self._tuning = tuning
        self._rest = rest or self._back_off
        self._backoff = Backoff(_FIRST_WAIT_S, _LONGEST_WAIT_S)
        self._is_too_much = ""
        self._link: AsyncLink[Message] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._since: datetime = clock.now()
        self._reason = ""
        self._is_stopping = False
        self._tasks: Tasks | None = None
        self._keeper: TaskHandle | None = None

    @property
    def is_up(self) -> bool:
        """Say whether the process runs and can be spoken to."""
        return self._link is not None

    def start(self, tasks: Tasks) -> None:
        """Keep the process alive from now on."""
        self._tasks = tasks
        self._keeper = tasks.start(self.name, self._keep)

    def post(self, message: Message) -> bool:
        """Send a message; False when the process is away: it is told all that matters when it is back."""
        if self._link is None:
            return False
        try:
            self._link.post(message)
        except LinkClosed:
            return False
        return True

    def replace(self, why: str) -> None:
        """End the process now and start another."""
        self._is_too_much = why
        self._kill()

    def ask_to_stop(self) -> None:
        """Let it end in order; it is not replaced."""
        self._is_stopping = True
        self.post(Stop())

    async def ended(self, limit_s: float) -> bool:
        """Wait for its end; kill it when it is late. Say whether it went by itself."""
        if self._keeper is None or await self._keeper.wait(limit_s):
            return True
        self._kill()
        self._keeper.cancel()
        await self._keeper.wait(1.0)
        return False

    def health(self) -> Health:
        """Return how the process is."""
        figures = {"restarts": float(self.restarts)}
        if self.beat is not None:
            figures |= {"pid": self.beat.pid, "rss_bytes": self.beat.rss_bytes, "cpu_s": self.beat.cpu_s}
        if isinstance(self.beat, RecorderBeat):
            figures["dropped_for_eyes"] = self.beat.dropped_for_eyes
            figures["dropped_for_clips"] = self.beat.dropped_for_clips
        figures["dropped_pictures"] = self.inbox.dropped_pictures
        figures["dropped_facts"] = self.inbox.dropped_facts
        state: HealthState = (
            "off" if self._is_stopping else "lost" if not self.is_up else "ok" if self.beat else "starting"
        )
        return Health(part=self.name, state=state, since=self._since, reason=self._reason, figures=figures)

    async def _keep(self) -> None:
        while not self._is_stopping:
            began_s = self._clock.mono_s()
            change = await self._run_once()
            if self._is_stopping:
                return
            self._since, self._reason = self._clock.now(), change.detail
            self.restarts += 1
            logger.error("%s %s (%s); it is replaced", self.name, change.what, change.detail)
            self.inbox.put(change)
            await self._rest(change, self._clock.mono_s() - began_s)

    async def _back_off(self, _: ProcessChange, ran_s: float) -> None:
        await self._clock.sleep(self._backoff.wait_s(ran_s))

    async def _run_once(self) -> ProcessChange:
        """Run the process until it ends; say how it ended."""
        try:
            link = await self._spawn()
        except OSError as err:
            return ProcessChange(name=self.name, what="died", detail=f"cannot be started: {err.strerror}")
        try:
            self._link = link
            self._since, self._reason, self._is_too_much = self._clock.now(), "", ""
            self.last_lines.clear()
            for message in self._greet(self):
                self.post(message)
            if self._is_stopping:
                self.post(Stop())
            self.inbox.put(ProcessChange(name=self.name, what="started"))
            return await self._listen(link)
        finally:
            self._link, self.beat = None, None
            link.close()
            self._kill()

    async def _spawn(self) -> AsyncLink[Message]:
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                "--hub-fd",
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=_environment(),
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        if self._tasks is not None and self._process.stderr is not None:
            stderr = self._process.stderr
            self._tasks.start(f"{self.name} log", lambda: self._relay(stderr), restart=False)
        return await AsyncLink.open(ours, self._receives)

    async def _listen(self, link: AsyncLink[Message]) -> ProcessChange:
        silent_s, limit_s, looked_s = 0.0, self._tuning.start_limit_s, self._clock.mono_s()
        while True:
            messages: list[Message] = []
            try:
                async with asyncio.timeout(_POLL_S):
                    messages = await link.receive()
            except TimeoutError:
                pass
            except LinkClosed:
                return ProcessChange(name=self.name, what="died", detail=await self._last_words())
            # A hub that stood still itself must not take its children for hung: one look counts a second at most.
            now_s = self._clock.mono_s()
            silent_s, looked_s = silent_s + min(now_s - looked_s, 1.5 * _POLL_S), now_s
            for message in messages:
                if isinstance(message, Beat):
                    self.beat = message
                    is_making = isinstance(message, EyeBeat) and message.is_making
                    # Loading a model may hold every thread of an eye, as at its start.
                    silent_s, limit_s = 0.0, self._tuning.start_limit_s if is_making else self._tuning.hang_s
                self._hear(self, message)
            if silent_s > limit_s:
                return ProcessChange(name=self.name, what="hung", detail=f"no sign of life for {silent_s:.0f} s")

    async def _last_words(self) -> str:
        process = self._process
        if self._is_too_much or process is None:
            return self._is_too_much or "gone"
        try:
            async with asyncio.timeout(2.0):
                code = await process.wait()
        except TimeoutError:
            return "closed its link and went on running"
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _relay(self, stderr: asyncio.StreamReader) -> None:
        """Put what the process says into the hub's log."""
        while True:
            try:
                line = await stderr.readline()
            except ValueError:
                continue  # longer than the reader's buffer: that much is nobody's message
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip()[:_MAX_LOG_LINE]
            self.last_lines.append(text)
            level, _, rest = text.partition(" ")
            known = logging.getLevelNamesMapping().get(level)
            logger.log(known or logging.WARNING, "%s: %s", self.name, rest if known else text)


def _environment() -> dict[str, str]:
    passed = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")}
    # A C library's heap for each thread doubles what a small process holds.
    return {**passed, "MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}
