"""A TCP proxy before one port that breaks connections on command: cut, hang, slow, garbage, refuse, rate and delay."""

import asyncio
import contextlib
import random
import socket

# Small, as a weak link's are: what waits before a narrow place should wait with the sender.
BUFFER_BYTES = 8192


class Fault:
    """Pass bytes between a port of its own and ``target``; a context manager.

    ``mode``, ``rate`` (bytes a second of all answers together, None for any) and ``delay_s`` may change at any time;
    ``carried`` counts the answers' bytes.
    """

    MODES = ("pass", "cut", "hang", "slow", "garbage", "refuse", "half-open")

    def __init__(self, target, mode="pass"):
        self.target, self.mode = target, mode
        self.rate, self.delay_s = None, 0.0
        self.connections = self.carried = 0
        self._free_at = 0.0
        self._is_closing = asyncio.Event()
        self._writers = set()
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self._is_closing.set()
        self._abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                while self._tasks:
                    await asyncio.sleep(0.01)

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
        task = asyncio.current_task()
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if self.mode in ("cut", "refuse"):
                return
            there, back = await asyncio.open_connection("127.0.0.1", self.target, limit=BUFFER_BYTES)
            if self.rate is not None:
                back.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
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
            self._tasks.discard(task)
            writer.transport.abort()

    async def _pump(self, reader, writer, *, is_answer=False):
        while piece := await reader.read(2048 if self.rate is not None and is_answer else 65536):
            while self.mode == "hang" or (self.mode == "half-open" and is_answer):
                if self._is_closing.is_set():
                    return
                await asyncio.sleep(0.05)
            if is_answer:
                await self._carry(piece)
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

    async def _carry(self, piece):
        """Let an answer's bytes take the time that they need on the link, one connection after the other."""
        self.carried += len(piece)
        rest_s = self.delay_s
        if self.rate is not None:
            now = asyncio.get_running_loop().time()
            self._free_at = max(now, self._free_at) + len(piece) / self.rate
            rest_s += self._free_at - now
        if rest_s:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._is_closing.wait()
