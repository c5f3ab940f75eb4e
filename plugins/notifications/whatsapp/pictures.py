"""Pictures on their way to WhatsApp: read, checked, uploaded once for all recipients."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path

from ....core import Services, SiagaError
from .graph import AnswerLost, Graph, Refused
from .verdicts import fault_of

# Meta, "Supported media types": an image is JPEG or PNG of at most 5 MB.
MAX_PICTURE_BYTES = 5_000_000
# After this an alert goes without its picture: the alert that arrives matters most.
PATIENCE_S = 20.0
TRIES = 3
AGAIN_AFTER_S = 30.0
MAX_KEPT = 64
# Meta keeps an uploaded picture for 30 days; ours are needed for minutes.
KEEP_S = 24 * 3600.0
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


class NoPicture(SiagaError):
    """Say why a notice goes without its picture, as the last part of ``whatsapp.picture.*`` in the texts."""


class Pictures:
    """Upload each picture once; bounded in number and age."""

    def __init__(self, graph: Graph, services: Services) -> None:
        self._graph = graph
        self._services = services
        self._ids: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._failed: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}

    async def media_id(self, relative: str) -> str:
        """Return the id under which Meta holds a picture; uploading is safe to repeat.

        NoPicture when there is none to send; NotSent when there is no network at all; Refused
        when the API says something that the message would meet as well.
        """
        lock = self._locks.setdefault(relative, asyncio.Lock())
        try:
            async with lock:
                return self._kept(relative) or await self._try(relative)
        finally:
            if not lock.locked():
                self._locks.pop(relative, None)

    def forget(self, relative: str) -> None:
        """Upload again next time: Meta does not know this picture any more."""
        self._ids.pop(relative, None)

    def _kept(self, relative: str) -> str | None:
        media_id, at_s = self._ids.get(relative, ("", 0.0))
        return media_id if media_id and self._services.clock.mono_s() - at_s < KEEP_S else None

    async def _try(self, relative: str) -> str:
        """Upload, unless that failed a moment ago: other recipients must not wait for it again."""
        clock = self._services.clock
        why, at_s = self._failed.get(relative, ("", 0.0))
        if why and clock.mono_s() - at_s < AGAIN_AFTER_S:
            raise NoPicture(why)
        try:
            return await self._upload(relative)
        except NoPicture as err:
            self._failed[relative] = (str(err), clock.mono_s())
            if len(self._failed) > MAX_KEPT:
                self._failed.popitem(last=False)
            raise

    async def _upload(self, relative: str) -> str:
        content = await asyncio.to_thread(_read, self._services.media_path(relative))
        mime_type = next((mime for magic, mime in _MAGIC.items() if content.startswith(magic)), None)
        if mime_type is None:
            raise NoPicture("unreadable")
        clock = self._services.clock
        end_s = clock.mono_s() + PATIENCE_S
        for attempt in range(TRIES):
            left_s = end_s - clock.mono_s()
            if left_s < 1:
                break
            try:
                media_id = await self._graph.upload(content, mime_type, left_s)
            except AnswerLost:
                pass
            except Refused as err:
                fault = fault_of(err.error.code or 0, err.error.subcode) if err.error.code is not None else None
                if fault and fault.decision == "ask_operator":
                    raise
                if fault and fault.decision == "give_up":
                    raise NoPicture("refused") from err
            else:
                self._keep(relative, media_id)
                return media_id
            await clock.sleep(min(2.0**attempt, max(0.0, end_s - clock.mono_s())))
        raise NoPicture("not_uploaded")

    def _keep(self, relative: str, media_id: str) -> None:
        self._ids[relative] = (media_id, self._services.clock.mono_s())
        self._ids.move_to_end(relative)
        if len(self._ids) > MAX_KEPT:
            self._ids.popitem(last=False)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise NoPicture("too_large")
        return path.read_bytes()
    except OSError as err:
        raise NoPicture("missing") from err
