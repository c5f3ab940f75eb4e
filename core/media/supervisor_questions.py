"""What the hub asked a video process and waits for: a burst, a picture; each within a time, each answered once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from ..errors import MediaError
from .messages import BurstAnswer, Message, PictureTaken, StartBurst


class Questions:
    """Match answers to what was asked; late ones are let go."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._numbers = itertools.count(1)
        self._bursts: dict[int, tuple[StartBurst, asyncio.Future[BurstAnswer]]] = {}
        self._pictures: dict[int, asyncio.Future[PictureTaken]] = {}

    def next_number(self) -> int:
        """Return the number of a new question."""
        return next(self._numbers)

    def open_bursts(self) -> list[Message]:
        """Return the bursts without an answer, for a recorder that was started anew."""
        return [order for order, _ in self._bursts.values()]

    async def burst(self, order: StartBurst, post: Callable[[Message], object]) -> BurstAnswer:
        """Order a burst and wait. TimeoutError after the limit; a recorder that is away gets it with its greeting."""
        future: asyncio.Future[BurstAnswer] = asyncio.get_running_loop().create_future()
        self._bursts[order.request] = (order, future)
        post(order)
        try:
            async with asyncio.timeout(self._limit_s):
                return await future
        finally:
            self._bursts.pop(order.request, None)

    async def picture(self, request: int, post: Callable[[], bool], away: str) -> PictureTaken:
        """Ask for a picture and wait. TimeoutError after the limit, MediaError with ``away`` when nobody is there."""
        future: asyncio.Future[PictureTaken] = asyncio.get_running_loop().create_future()
        self._pictures[request] = future
        try:
            if not post():
                raise MediaError(away)
            async with asyncio.timeout(self._limit_s):
                return await future
        finally:
            self._pictures.pop(request, None)

    def answer(self, message: BurstAnswer | PictureTaken) -> None:
        """Take an answer; one that nobody waits for any more is let go."""
        if isinstance(message, PictureTaken):
            picture = self._pictures.get(message.request)
            if picture is not None and not picture.done():
                picture.set_result(message)
            return
        waiting = self._bursts.get(message.request)
        if waiting is not None and not waiting[1].done():
            waiting[1].set_result(message)

    def give_up(self) -> None:
        """Let go of every burst that waits; the video processes are gone."""
        for _, future in self._bursts.values():
            future.cancel()
        self._bursts.clear()
