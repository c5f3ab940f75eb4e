"""Runs a device under test and its fault proxy in a thread of their own, so that a plugin may block and be caught."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Protocol, Self

from ..core.tasks import Crash, fenced
from .fault_proxy import Fault, FaultProxy

_LIMIT_S = 30.0


class Device(Protocol):
    """A device under test: where it listens."""

    host: str
    port: int


class DeviceThread:
    """Hold a device and its proxy while a check runs, as an asynchronous context manager.

    ``make`` returns the device as an asynchronous context manager, None where the plugin has none to talk to.
    """

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[Device] | None]) -> None:
        self.host, self.port = "127.0.0.1", 9  # the port "discard": nobody listens
        self.has_device = False
        self.thread = threading.Thread(target=self._run, name="siaga: device under test", daemon=True)
        self._make = make
        self._proxy: FaultProxy | None = None
        self._is_ready = threading.Event()
        self._error: Exception | None = None

    async def __aenter__(self) -> Self:
        self.thread.start()
        await asyncio.to_thread(self._is_ready.wait, _LIMIT_S)
        if self._error is not None:
            raise self._error
        if not self._is_ready.is_set():
            raise TimeoutError(f"the device under test did not start within {_LIMIT_S:g} s")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        await asyncio.to_thread(self.thread.join, _LIMIT_S)

    @property
    def connections(self) -> int:
        """Return how many connections there ever were."""
        return self._proxy.connections if self._proxy else 0

    @property
    def open_connections(self) -> int:
        """Return how many connections of the plugin stand now."""
        return self._proxy.open_connections if self._proxy else 0

    async def fail(self, fault: Fault, garbage: bytes = b"") -> None:
        """Have the proxy go on like this."""
        proxy = self._proxy
        if proxy is not None:
            await self._there(lambda: proxy.fail(fault, garbage))

    async def _there(self, work: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await work()

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(run(), self._loop))

    def _run(self) -> None:
        try:
            asyncio.run(self._hold())
        finally:
            self._is_ready.set()

    async def _hold(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            begun = await fenced(lambda: self._begin(stack))
            if isinstance(begun, Crash):
                self._error = begun.error
                return
            self._is_ready.set()
            await self._end.wait()

    async def _begin(self, stack: contextlib.AsyncExitStack) -> None:
        made = self._make()
        if made is not None:
            device = await stack.enter_async_context(made)
            self._proxy = await stack.enter_async_context(FaultProxy(device.host, device.port))
            self.host, self.port, self.has_device = self._proxy.host, self._proxy.port, True
