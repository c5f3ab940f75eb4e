"""Recordings on their way to WhatsApp: uploaded beside the sending, one at a time, for as long as a weak line needs."""

from __future__ import annotations

import asyncio
import contextlib

from ....core import Services, SiagaError
from .graph import Graph, NotSent, Refused
from .uploads import CLIP, NotUploaded, Uploads


class StillUploading(SiagaError):
    """Say that a recording needs longer than a send may take: ask again later."""


class _UnderWay:
    """Hold one upload: whoever waits for it learns how it ended."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.error: SiagaError | None = None


class Recordings:
    """Upload each recording once for all recipients. One after another: an alert must find the line free."""

    def __init__(self, graph: Graph, services: Services, wait_s: float) -> None:
        self._uploads = Uploads(graph, services, CLIP)
        self._services = services
        self._wait_s = wait_s
        self._one_at_a_time = asyncio.Lock()
        self._under_way: dict[str, _UnderWay] = {}

    async def media_id(self, relative: str) -> str:
        """Return the id under which Meta holds a recording; small ones are there at once.

        StillUploading, and what ``Uploads.media_id`` raises.
        """
        known = self._uploads.known(relative)
        if known:
            return known
        under_way = self._under_way.get(relative)
        if under_way is None:
            begun = under_way = self._under_way[relative] = _UnderWay()
            self._services.start(f"upload {relative}", lambda: self._upload(relative, begun))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._wait_s):
                await under_way.done.wait()
        if under_way.error is not None:
            raise under_way.error
        known = self._uploads.known(relative)
        if known is None:
            raise StillUploading
        return known

    async def _upload(self, relative: str, under_way: _UnderWay) -> None:
        try:
            async with self._one_at_a_time:
                await self._uploads.media_id(relative)
        except (NotUploaded, NotSent, Refused) as err:
            under_way.error = err
        finally:
            self._under_way.pop(relative, None)
            under_way.done.set()
