"""What stands between a part under test and its far side: the proxy that fails, and each call within its limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import ModuleType

from ..core.errors import SiagaError
from ..core.tasks import Crash
from .device_thread import DeviceThread
from .findings import fail, told
from .garbage import GARBAGE
from .timed_calls import timed


async def within(
    call: str, work: Callable[[], Awaitable[object]], limit_s: float, error: type[SiagaError], module: ModuleType
) -> object:
    """Return what a call gave, or the ``error`` it raised; every other error and a late end fail the check."""
    outcome = await timed(call, work, limit_s, "give each request a limit of its own")
    if not isinstance(outcome, Crash):
        return outcome
    if not isinstance(outcome.error, error):
        fail(f"{call} raised {told(outcome.error, module)}; {error.__name__} was expected")
    return outcome.error


async def each_garbage(far: DeviceThread, work: Callable[[str], Awaitable[object]]) -> None:
    """Do something while the far side answers each kind of nonsense."""
    for name, garbage in GARBAGE.items():
        await far.fail("garbage", garbage)
        await work(name)
    await far.fail("pass")
