"""Each call to a part under test ends within its limit, on a loop whose time-outs can be hurried."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..core.tasks import Crash, fenced
from .findings import fail
from .hurried_loop import HurriedLoop

# A limit is a promise to the hub, not a race: what ends a moment later on a busy machine has kept it.
_GRACE_S = 1.5


async def timed(call: str, work: Callable[[], Awaitable[object]], limit_s: float, advice: str) -> object:
    """Return what a call gave, or the Crash it ended in; one that does not end in time fails the check."""
    outcome: object = None
    try:
        async with asyncio.timeout(limit_s + _GRACE_S) as limit:
            outcome = await fenced(work)
    except TimeoutError:
        outcome = Crash(TimeoutError())
    if limit.expired():
        fail(f"{call} did not end within {limit_s:g} s: {advice}")
    return outcome


def hurry(speed: float) -> None:
    """Let time-outs pass ``speed`` times as fast."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, HurriedLoop):
        loop.hurry(speed)
