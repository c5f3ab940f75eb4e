"""Pictures and recordings on their way to WhatsApp: read, checked, uploaded once for all recipients."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ....core import Services, SiagaError
from .graph import AnswerLost, Graph, Refused
from .verdicts import fault_of

# Meta, "Supported media types": an image is JPEG or PNG of at most 5 MB.
MAX_PICTURE_BYTES = 5_000_000
# Meta, "Supported media types": a video is MP4 (H.264 and AAC) of at most 16 MB.
MAX_CLIP_BYTES = 16_000_000
# After this an alert goes without its picture: the alert that arrives matters most.
PATIENCE_S = 20.0
# A recording comes behind its alert: in 5 minutes 16 MB pass a line of 430 kbit/s.
CLIP_PATIENCE_S = 300.0
TRIES = 3
AGAIN_AFTER_S = 30.0
MAX_KEPT = 64
# Meta keeps an uploaded file for 30 days; ours are needed for minutes.
KEEP_S = 24 * 3600.0
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


class NotUploaded(SiagaError):
    """Say why a file does not go, as the last part of ``whatsapp.picture.*`` or ``whatsapp.clip.*`` in the texts."""


class FileKind(NamedTuple):
    """Say what Meta takes of one kind of file: how large, how long we try, and the MIME type of its first bytes."""

    max_bytes: int
    patience_s: float
    mime_type: Callable[[bytes], str | None]


def _image_type(content: bytes) -> str | None:
    return next((mime for magic, mime in _MAGIC.items() if content.startswith(magic)), None)


def _video_type(content: bytes) -> str | None:
    # ISO 14496-12: a file begins with the length of its first box and the box's name.
    return "video/mp4" if content[4:8] == b"ftyp" else None


PICTURE = FileKind(MAX_PICTURE_BYTES, PATIENCE_S, _image_type)
CLIP = FileKind(MAX_CLIP_BYTES, CLIP_PATIENCE_S, _video_type)


class Uploads:
    """Upload each file of one kind once; bounded in number and age."""

    def __init__(self, graph: Graph, services: Services, kind: FileKind) -> None:
        self._graph = graph
        self._services = services
        self._kind = kind
        self._ids: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._failed: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}

    async def media_id(self, relative: str) -> str:
        """Return the id under which Meta holds a file; uploading is safe to repeat.

        NotUploaded when there is none to send; NotSent when there is no network at all; Refused
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
        """Upload again next time: Meta does not know this file any more."""
        self._ids.pop(relative, None)

    def known(self, relative: str) -> str | None:
        """Return the id of a file that Meta holds already; NotUploaded where that failed a moment ago."""
        self._raise_failed(relative)
        return self._kept(relative)

    def _kept(self, relative: str) -> str | None:
        media_id, at_s = self._ids.get(relative, ("", 0.0))
        return media_id if media_id and self._services.clock.mono_s() - at_s < KEEP_S else None

    async def _try(self, relative: str) -> str:
        """Upload, unless that failed a moment ago: other recipients must not wait for it again."""
        self._raise_failed(relative)
        try:
            return await self._upload(relative)
        except NotUploaded as err:
            self._failed[relative] = (str(err), self._services.clock.mono_s())
            if len(self._failed) > MAX_KEPT:
                self._failed.popitem(last=False)
            raise

    def _raise_failed(self, relative: str) -> None:
        why, at_s = self._failed.get(relative, ("", 0.0))
        if why and self._services.clock.mono_s() - at_s < AGAIN_AFTER_S:
            raise NotUploaded(why)

    async def _upload(self, relative: str) -> str:
        path = self._services.media_path(relative)
        content = await asyncio.to_thread(_read, path, self._kind.max_bytes)
        mime_type = self._kind.mime_type(content)
        if mime_type is None:
            raise NotUploaded("unreadable")
        clock = self._services.clock
        end_s = clock.mono_s() + self._kind.patience_s
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
                    raise NotUploaded("refused") from err
            else:
                self._keep(relative, media_id)
                return media_id
            await clock.sleep(min(2.0**attempt, max(0.0, end_s - clock.mono_s())))
        raise NotUploaded("not_uploaded")

    def _keep(self, relative: str, media_id: str) -> None:
        self._ids[relative] = (media_id, self._services.clock.mono_s())
        self._ids.move_to_end(relative)
        if len(self._ids) > MAX_KEPT:
            self._ids.popitem(last=False)


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        if path.stat().st_size > max_bytes:
            raise NotUploaded("too_large")
        return path.read_bytes()
    except OSError as err:
        raise NotUploaded("missing") from err
