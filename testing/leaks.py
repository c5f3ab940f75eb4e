"""What a plugin leaves behind: tasks, threads, processes; and what its factory does that only ``start`` may."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

_PATIENCE_S = 2.0
_watching: list[tuple[int, list[str]]] = []  # the thread that is watched, and what it did
_is_hooked = False


async def tasks_left(before: set[asyncio.Task[Any]]) -> list[str]:
    """Return the names of tasks that are there now and were not before, after a moment to end by themselves."""
    current = asyncio.current_task()

    def left() -> list[str]:
        tasks = asyncio.all_tasks() - before - {current}
        return sorted(f"{task.get_name()} ({getattr(task.get_coro(), '__qualname__', '?')})" for task in tasks)

    deadline_s = asyncio.get_running_loop().time() + _PATIENCE_S
    while left() and asyncio.get_running_loop().time() < deadline_s:  # noqa: ASYNC110  nobody tells when a task ended
        await asyncio.sleep(0.02)
    return left()


def threads_left(before: set[threading.Thread]) -> list[str]:
    """Return the names of threads that were not there before; the loop that made them is closed."""
    for thread in set(threading.enumerate()) - before:
        thread.join(_PATIENCE_S)
    return sorted(thread.name for thread in set(threading.enumerate()) - before)


def processes() -> set[int]:
    """Return the processes that this one started and that still run."""
    found = psutil.Process().children(recursive=True)
    return {child.pid for child in found if child.is_running() and child.status() != psutil.STATUS_ZOMBIE}


@contextmanager
def outside_calls() -> Iterator[list[str]]:
    """Collect what is done meanwhile that reaches outside: connections, name look-ups, processes, files written."""
    global _is_hooked
    if not _is_hooked:
        sys.addaudithook(_hear)  # for as long as Python runs; it costs a comparison
        _is_hooked = True
    calls: list[str] = []
    watched = (threading.get_ident(), calls)
    _watching.append(watched)
    try:
        yield calls
    finally:
        _watching.remove(watched)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or _watching[-1][0] != threading.get_ident():
        return
    calls = _watching[-1][1]
    if event in ("socket.connect", "socket.bind"):
        calls.append(f"{event} {arguments[1]!r}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        calls.append(f"{event} {arguments[0]!r}")
    elif event in ("subprocess.Popen", "os.system", "os.fork", "os.posix_spawn"):
        calls.append(f"{event} {arguments[0] if arguments else ''!r}")
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        calls.append(f"writes the file {arguments[0]!r}")
