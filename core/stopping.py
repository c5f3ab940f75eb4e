"""How the hub's parts are stopped: each by a task of its own, within its limit, the latecomers named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from .tasks import Tasks

LEAST_LIMIT_S = 0.2
PART_LIMIT_S = 2.0


class Part(Protocol):
    """What stands above the core and runs with the hub: the rule engine, the web UI."""

    async def start(self) -> None:
        """Begin; called after the core's parts run."""
        ...

    async def stop(self) -> None:
        """End within 5 s; called before the core's parts stop."""
        ...


class End(NamedTuple):
    """Say how something that was opened is stopped; ``stop`` gets its limit and returns who was late."""

    name: str
    stop: Callable[[float], Awaitable[tuple[str, ...]]]
    limit_s: float
    least_s: float = LEAST_LIMIT_S


def whole(stop: Callable[[], Awaitable[object]]) -> Callable[[float], Awaitable[tuple[str, ...]]]:
    """Return a stop that knows no limit as one that takes it, and is never late by its own word."""

    async def stop_it(_limit_s: float) -> tuple[str, ...]:
        await stop()
        return ()

    return stop_it


def end_of_part(part: Part) -> End:
    """Return how a part from a higher room is stopped."""
    return End(type(part).__name__, whole(part.stop), PART_LIMIT_S)


async def stopped(closing: Tasks, end: End, limit_s: float) -> tuple[str, ...]:
    """Stop one thing; return who was late."""
    late: list[str] = []

    async def stop() -> None:
        late.extend(await end.stop(limit_s))

    handle = closing.start(end.name, stop, restart=False)
    # A little more than its own limit, so that it can still say who was late.
    if await handle.wait(limit_s + LEAST_LIMIT_S / 2):
        return tuple(late)
    handle.cancel()
    return (end.name,)
