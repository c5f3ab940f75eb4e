"""Looks for cameras on the network and behind recorders, without a hub: what a person then writes into YAML."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp
import voluptuous as vol
import yaml

from .camera_kinds import CameraKind
from .clock import Clock, SystemClock
from .contracts import Camera, Kind
from .device_contracts import FoundCamera
from .errors import CameraLost, NotSupported, PluginError, SiagaError
from .settings import SiteSettings
from .tasks import Crash, Tasks, fenced
from .texts import Texts
from .types import Clip, Json

# A recorder with a hundred channels on a weak network answers within this.
CHANNELS_LIMIT_S = 30.0


class BriefServices:
    """Fulfil ``Services`` for one question: there is no journal, so nothing is remembered and nothing told."""

    def __init__(self, texts: Texts, folder: Path) -> None:
        self.site = SiteSettings(id="siaga", name="Siaga")
        self.clock: Clock = SystemClock()
        self.texts = texts
        self.folder = folder
        self._tasks = Tasks(self.clock)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._tasks.stop(2.0)
        if self._session is not None:
            await self._session.close()

    def http(self) -> aiohttp.ClientSession:
        """Return a session of its own."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CHANNELS_LIMIT_S))
        return self._session

    def media_path(self, relative: str) -> Path:
        """Return a place below the folder; nothing is kept there."""
        return self.folder / relative

    async def clip(self, clip_id: str) -> Clip | None:
        """Return nothing: there are no recordings."""
        return None

    async def remember(self, key: str, value: Json) -> None:
        """Forget it."""

    async def recall(self, key: str) -> Json:
        """Return nothing."""
        return None

    async def emit(
        self, kind: str, *, zone: str | None = None, score: float | None = None, data: Mapping[str, Json] | None = None
    ) -> None:
        """Tell nobody."""

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` until the question is answered."""
        self._tasks.start(name, work)


async def discover(
    kinds: Iterable[Kind[Camera]], texts: Texts, folder: Path, limit_s: float
) -> tuple[list[FoundCamera], list[str]]:
    """Let every kind that can look for its cameras do so, all at once; return what was found, and what went wrong."""
    able = [kind for kind in kinds if isinstance(kind, CameraKind) and kind.find is not None]
    async with BriefServices(texts, folder) as services:
        answers = await asyncio.gather(*(_found(kind, services, limit_s) for kind in able))
    found = [camera for answer in answers if not isinstance(answer, str) for camera in answer]
    return found, [answer for answer in answers if isinstance(answer, str)]


async def _found(kind: CameraKind, services: BriefServices, limit_s: float) -> Sequence[FoundCamera] | str:
    assert kind.find is not None
    find = kind.find
    try:
        async with asyncio.timeout(limit_s + 5.0):
            answer = await fenced(lambda: find(services, limit_s))
    except TimeoutError:
        return services.texts("search.late", kind=kind.name)
    return f"{kind.name}: {answer}" if isinstance(answer, Crash) else answer


async def channels(kind: Kind[Camera], options: dict[str, Any], texts: Texts, folder: Path) -> Sequence[FoundCamera]:
    """Ask one device for the cameras behind it. NotSupported, CameraLost, AuthFailed, PluginError in words."""
    ask = kind.channels if isinstance(kind, CameraKind) else None
    if ask is None:
        raise NotSupported(texts("search.no_channels", kind=kind.name))
    try:
        checked = kind.schema(options)
    except vol.Invalid as err:
        raise PluginError(texts("search.wrong_options", kind=kind.name, why=str(err))) from None
    async with BriefServices(texts, folder) as services:
        try:
            async with asyncio.timeout(CHANNELS_LIMIT_S):
                answer = await fenced(lambda: ask(checked, services))
        except TimeoutError:
            raise CameraLost(texts("search.late", kind=kind.name)) from None
    if isinstance(answer, Crash):
        if isinstance(answer.error, SiagaError):
            raise answer.error
        raise PluginError(f"{kind.name}: {answer}")
    return answer


def as_yaml(found: Sequence[FoundCamera], secret: str, taken: Iterable[str] = ()) -> str:
    """Return cameras as they are written under ``cameras:``; the password by the name of its secret."""
    used = set(taken)
    blocks = []
    for camera in found:
        name = _slug(camera.name, used)
        used.add(name)
        body = yaml.safe_dump(
            {"type": camera.type, "name": camera.name, **camera.options}, allow_unicode=True, sort_keys=False
        )
        lines = [f"  {name}:", *(f"    {line}" for line in body.splitlines())]
        if "username" in camera.options:
            lines.append(f"    password: !secret {secret}")
        blocks.append("\n".join(lines))
    return "cameras:\n" + "\n".join(blocks) + "\n" if blocks else ""


def _slug(name: str, used: set[str]) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:40].strip("-") or "kamera"
    number, slug = 1, base
    while slug in used:
        number += 1
        slug = f"{base}-{number}"
    return slug
