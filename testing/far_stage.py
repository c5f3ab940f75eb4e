"""What stands between a part under test and its far side: the proxy that fails, and each call within its limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import ModuleType

from ..core.errors import SiagaError
from ..core.tasks import Crash, fenced
from .device_thread import DeviceThread
from .findings import fail, told
from .garbage import GARBAGE
from .hurried_loop import HurriedLoop

# A limit is a promise to the hub, not a race.
_GRACE_S = 1.5


async def within(
    call: str, work: Callable[[], Awaitable[object]], limit_s: float, error: type[SiagaError], module: ModuleType
) -> object:
    """Return what a call gave, or the ``error`` it raised; every other error and a late end fail the check."""
    outcome: object = None
    try:
        async with asyncio.timeout(limit_s + _GRACE_S) as limit:
            outcome = await fenced(work)
    except TimeoutError:
        outcome = Crash(TimeoutError())
    if limit.expired():
        fail(f"{call} did not end within {limit_s:g} s: give each request a limit of its own")
    if not isinstance(outcome, Crash):
        return outcome
    if not isinstance(outcome.error, error):
        fail(f"{call} raised {told(outcome.error, module)}; {error.__name__} was expected")
    return outcome.error


def hurry(speed: float) -> None:
    """Let time-outs pass ``speed`` times as fast."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, HurriedLoop):
        loop.hurry(speed)


async def each_garbage(far: DeviceThread, work: Callable[[str], Awaitable[object]]) -> None:
    """Do something while the far side answers each kind of nonsense."""
    for name, garbage in GARBAGE.items():
        await far.fail("garbage", garbage)
        await work(name)
    await far.fail("pass")
