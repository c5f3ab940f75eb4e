"""A TCP proxy that stands between a plugin and its device and fails in the ways that networks and devices do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

Fault = Literal["pass", "slow", "refuse", "cut", "hang", "garbage"]
_CHUNK = 65536


class FaultProxy:
    """Pass connections on to ``host``:``port`` until told to fail, as an asynchronous context manager.

    Point the plugin at ``proxy.host``, ``proxy.port``. ``fail`` says how it goes on: ``pass``; ``slow`` holds every
    piece back for ``delay_s``; ``refuse`` nobody listens; ``cut`` resets each connection at its first byte; ``hang``
    takes everything and answers nothing; ``garbage`` answers each first byte with ``garbage`` and closes.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = "127.0.0.1", 0
        self.connections = 0  # all there ever were
        self.open_connections = 0
        self.garbage = b""
        self.delay_s = 0.3
        self._device = (host, port)
        self._fault: Fault = "pass"
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.fail("refuse")

    async def fail(self, fault: Fault, garbage: bytes = b"") -> None:
        """Go on like this from now on; connections that stand are cut, except by ``hang`` and ``slow``."""
        self._fault, self.garbage = fault, garbage
        if fault in ("refuse", "cut", "garbage"):
            for writer in tuple(self._writers):
                writer.transport.abort()
        if fault == "refuse" and self._server is not None:
            self._server.close()
            self._server = None
        elif fault != "refuse" and self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, EOFError):
                await self._carry(reader, writer)
        finally:
            self._writers.discard(writer)
            self.open_connections -= 1
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault == "cut":
            await reader.read(1)
            return
        if self._fault == "garbage":
            await reader.read(_CHUNK)
            writer.write(self.garbage)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            return
        there_reader, there_writer = await asyncio.open_connection(*self._device)
        self._writers.add(there_writer)
        try:
            await asyncio.gather(
                self._pump(reader, there_writer, there_writer.transport.abort),
                self._pump(there_reader, writer, writer.transport.abort),
            )
        finally:
            self._writers.discard(there_writer)
            there_writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, end: Callable[[], None]) -> None:
        try:
            while piece := await source.read(_CHUNK):
                if self._fault == "slow":
                    await asyncio.sleep(self.delay_s)
                if self._fault == "hang":
                    continue
                sink.write(piece)
                await sink.drain()
            if self._fault == "hang":
                return  # a device that hangs does not say goodbye either; the other side ends it
            sink.write_eof() if sink.can_write_eof() else None
        except OSError:
            end()
