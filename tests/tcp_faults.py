"""A TCP proxy before one port that breaks connections on command: cut, hang, slow, garbage, and refuse."""

import asyncio
import contextlib
import random


class Fault:
    """Pass bytes between a port of its own and ``target``; a context manager. ``mode`` may change at any time."""

    MODES = ("pass", "cut", "hang", "slow", "garbage", "refuse", "half-open")

    def __init__(self, target, mode="pass"):
        self.target, self.mode = target, mode
        self.connections = 0
        self._writers = set()
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self._abort()

    def set(self, mode):
        """Behave so from now on, also on connections that stand."""
        self.mode = mode
        if mode in ("cut", "refuse"):
            self._abort()

    def _abort(self):
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self.connections += 1
        self._writers.add(writer)
        try:
            if self.mode in ("cut", "refuse"):
                return
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(back)
            try:
                async with asyncio.TaskGroup() as pumps:
                    pumps.create_task(self._pump(reader, back))
                    pumps.create_task(self._pump(there, writer, is_answer=True))
            finally:
                self._writers.discard(back)
                back.transport.abort()
        except* OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pump(self, reader, writer, *, is_answer=False):
        while piece := await reader.read(65536):
            while self.mode == "hang" or (self.mode == "half-open" and is_answer):
                await asyncio.sleep(0.05)
            if self.mode == "slow":
                for at in range(0, len(piece), 512):
                    writer.write(piece[at : at + 512])
                    await asyncio.sleep(0.02)
                continue
            if self.mode == "garbage" and is_answer:
                piece = random.Random(len(piece)).randbytes(len(piece))
            writer.write(piece)
            await writer.drain()
        with contextlib.suppress(OSError):
            if writer.can_write_eof():
                writer.write_eof()
