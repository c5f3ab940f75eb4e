"""Owns every task of the hub: named, restarted with back-off, stopped in reverse order, latecomers named."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .clock import Clock

logger = logging.getLogger(__name__)
T = TypeVar("T")

SHORTEST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
# One task may hold up those that were started before it for so long, not for the whole limit.
_IN_ORDER_S = 1.0
_NOT_OURS = "it cancelled itself"


def back_off_s(failures: int, shortest_s: float = SHORTEST_WAIT_S, longest_s: float = LONGEST_WAIT_S) -> float:
    """Return how long to wait after so many failures in a row (1 is the first).

    The upper half of a span that doubles each time is drawn from ("equal jitter", Marc Brooker,
    AWS Architecture Blog, 2015): parts that failed together do not come back together, and none
    comes back at once.
    """
    span_s = min(longest_s, shortest_s * 2.0 ** min(failures, 32))
    return random.uniform(span_s / 2, span_s)


class Crash:
    """Hold what a stranger's code raised, for a caller that must go on."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __str__(self) -> str:
        return f"{type(self.error).__name__}: {self.error}"


async def fenced(work: Callable[[], Awaitable[T]]) -> T | Crash:
    """Run a stranger's coroutine; what it raises comes back as a Crash. Our own cancellation passes."""
    try:
        return await work()
    except asyncio.CancelledError:
        if _are_we_cancelled():
            raise
        return Crash(RuntimeError(_NOT_OURS))
    except Exception as err:  # noqa: BLE001  the fence is here so that no other file needs one
        return Crash(err)


def _are_we_cancelled() -> bool:
    # Else something inside was cancelled (a library's own task, say): for us that is an error.
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def fenced_call(work: Callable[[], T]) -> T | Crash:
    """Run a stranger's function; what it raises comes back as a Crash."""
    try:
        return work()
    except Exception as err:  # noqa: BLE001  the fence is here so that no other file needs one
        return Crash(err)


async def _whole(work: Callable[[], Awaitable[None]]) -> None:
    """Await work; a cancellation that was not meant for us would end a task without a word: it is an error."""
    try:
        await work()
    except asyncio.CancelledError as err:
        if _are_we_cancelled():
            raise
        raise RuntimeError(_NOT_OURS) from err


async def unless(stopping: asyncio.Event, work: Callable[[], Awaitable[None]]) -> bool:
    """Run ``work``; cut it off when ``stopping`` is set first. Say whether it ended; what it raises is raised here."""
    loop = asyncio.get_running_loop()
    running = loop.create_task(_whole(work), name="work")
    stop = loop.create_task(stopping.wait(), name="stop")
    try:
        await asyncio.wait((running, stop), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (running, stop):
            task.cancel()
    # Work that does not let go is left behind: who stops has a limit of his own.
    await asyncio.wait((running,), timeout=_IN_ORDER_S)
    if running.done() and not running.cancelled():
        running.result()
        return True
    return False


class TaskHandle:
    """Follow one task: its name, whether it is done, what it failed with last."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.restarts = 0
        self.error: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def done(self) -> bool:
        """Say whether it has ended and will not be restarted."""
        return self._task is None or self._task.done()

    def cancel(self) -> None:
        """Ask it to end; it is not restarted."""
        if self._task is not None:
            self._task.cancel()

    async def wait(self, limit_s: float) -> bool:
        """Wait until it has ended; say whether it did within the limit."""
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=limit_s)
        return self.done


class Tasks:
    """Start tasks and end them. A scope is a group of its own that ends before or with its owner."""

    def __init__(self, clock: Clock, name: str = "") -> None:
        self._clock = clock
        self._name = name
        # In the order of their start; a dict because any of them may end at any time.
        self._running: dict[TaskHandle | Tasks, None] = {}
        self._owner: Tasks | None = None
        self._is_stopping = False

    def start(self, name: str, work: Callable[[], Awaitable[None]], *, restart: bool = True) -> TaskHandle:
        """Run ``work`` until it returns. After an exception it is run again, later each time, or never."""
        handle = TaskHandle(f"{self._name}: {name}" if self._name else name)
        if self._is_stopping:
            logger.debug("task %s is not started: its group is stopping", handle.name)
            return handle
        handle._task = asyncio.get_running_loop().create_task(self._run(handle, work, restart), name=handle.name)
        self._running[handle] = None
        handle._task.add_done_callback(lambda _: self._running.pop(handle, None))
        return handle

    def scope(self, name: str) -> Tasks:
        """Return a group whose tasks end together; it also ends with this one."""
        child = Tasks(self._clock, f"{self._name}: {name}" if self._name else name)
        child._owner = self
        child._is_stopping = self._is_stopping
        self._running[child] = None
        return child

    def names(self) -> tuple[str, ...]:
        """Return the names of the tasks that run, in the order of their start."""
        return tuple(handle.name for handle in self._handles())

    async def finish(self, limit_s: float) -> bool:
        """Wait until every task has ended by itself; say whether all did within the limit."""
        tasks = [handle._task for handle in self._handles() if handle._task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=limit_s)
        return all(task.done() for task in tasks)

    async def stop(self, limit_s: float = 10.0) -> tuple[str, ...]:
        """Cancel every task, the newest first; return the names of those that are late.

        Nothing can be started afterwards. Real seconds count here, whatever the clock says: a stop
        must end also in a test that turns the clock by hand.
        """
        self._refuse_more()
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + limit_s
        current = asyncio.current_task()
        handles = [handle for handle in reversed(self._handles()) if handle._task is not current]
        for handle in handles:
            handle.cancel()
            await handle.wait(min(_IN_ORDER_S, max(0.0, deadline_s - loop.time())))
        tasks = [handle._task for handle in handles if handle._task is not None and not handle.done]
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, deadline_s - loop.time()))
        if self._owner is not None:
            self._owner._running.pop(self, None)
        late = tuple(handle.name for handle in handles if not handle.done)
        if late:
            logger.warning("still running after %.0f s: %s", limit_s, ", ".join(late))
        return late

    def _handles(self) -> list[TaskHandle]:
        handles: list[TaskHandle] = []
        for part in list(self._running):
            handles += part._handles() if isinstance(part, Tasks) else [part]
        return handles

    def _refuse_more(self) -> None:
        self._is_stopping = True
        for part in list(self._running):
            if isinstance(part, Tasks):
                part._refuse_more()

    async def _run(self, handle: TaskHandle, work: Callable[[], Awaitable[None]], restart: bool) -> None:
        failures = 0
        while True:
            began_s = self._clock.mono_s()
            try:
                await _whole(work)
            except Exception as err:
                handle.error = err
                if not restart:
                    logger.exception("task %s failed and ends", handle.name)
                    return
                # Whoever ran well for as long as the longest wait starts afresh.
                failures = 1 if self._clock.mono_s() - began_s > LONGEST_WAIT_S else failures + 1
                wait_s = back_off_s(failures)
                logger.exception("task %s failed (%d in a row) and runs again in %.0f s", handle.name, failures, wait_s)
            else:
                return
            handle.restarts += 1
            await self._clock.sleep(wait_s)
