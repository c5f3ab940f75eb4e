"""One stream of events of a device, however many cameras stand behind it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from .contracts import Services
from .errors import AuthFailed, NotSupported, SiagaError
from .tasks import unless

logger = logging.getLogger(__name__)
T = TypeVar("T")

_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0
# A refused password locks an account on the second or third try; what a device cannot do it seldom learns.
_AUTH_WAIT_S, _LACKING_WAIT_S = 120.0, 3600.0
# A stream that ran for so long starts its waits anew.
_STEADY_S = 60.0


class SharedStream(Generic[T]):
    """Let one of the cameras of a device read its stream for all of them; when that one goes, another reads on."""

    def __init__(self) -> None:
        self._hearers: dict[object, tuple[Callable[[T], Awaitable[None]], Callable[[], Awaitable[None]]]] = {}
        self._turn = asyncio.Lock()

    async def follow(
        self,
        services: Services,
        read: Callable[[], AsyncIterator[T]],
        hear: Callable[[T], Awaitable[None]],
        lost: Callable[[], Awaitable[None]],
        until: asyncio.Event | None = None,
    ) -> None:
        """Hear every word until cancelled, or until ``until`` is set: what reads is then closed in order.

        ``lost`` is called when the stream broke; it is read again later.
        """
        await unless(until or asyncio.Event(), lambda: self._follow(services, read, hear, lost))

    async def _follow(
        self,
        services: Services,
        read: Callable[[], AsyncIterator[T]],
        hear: Callable[[T], Awaitable[None]],
        lost: Callable[[], Awaitable[None]],
    ) -> None:
        member = object()
        self._hearers[member] = (hear, lost)
        failures = 0
        try:
            while True:
                async with self._turn:
                    began_s = services.clock.mono_s()
                    wait_s = await self._read(read)
                    failures = 1 if services.clock.mono_s() - began_s > _STEADY_S else failures + 1
                    for _, each_lost in list(self._hearers.values()):
                        await each_lost()
                    await services.clock.sleep(max(wait_s, _back_off_s(failures)))
        finally:
            self._hearers.pop(member, None)

    async def _read(self, read: Callable[[], AsyncIterator[T]]) -> float:
        """Read until the stream breaks; return the least time to wait."""
        try:
            async for word in read():
                for hear, _ in list(self._hearers.values()):
                    await hear(word)
        except AuthFailed as err:
            logger.warning("no events: %s", err)
            return _AUTH_WAIT_S
        except NotSupported as err:
            logger.info("no events: %s", err)
            return _LACKING_WAIT_S
        except SiagaError as err:
            logger.info("events broke off: %s", err)
        return 0.0


class SharedStreams(Generic[T]):
    """Keep the streams of devices by whatever names a device, an address and a user for one."""

    def __init__(self) -> None:
        self._streams: dict[Hashable, SharedStream[T]] = {}

    def of(self, device: Hashable) -> SharedStream[T]:
        """Return the stream of a device; the same for the same name."""
        return self._streams.setdefault(device, SharedStream())


def _back_off_s(failures: int) -> float:
    span_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(failures - 1, 16))
    return random.uniform(span_s / 2, span_s)
