"""Camera kind ``snapshot``: still pictures, fetched every few seconds and shown to the recorder as a stream."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import random
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import voluptuous as vol
from aiohttp import web

from ....core import CameraError, CameraLost, CameraSettings, DeviceHttp, Ptz, Services, StreamSource, validators
from .mjpeg import LOGIN, OPTIONS, split_login

logger = logging.getLogger(__name__)

_LARGEST_PICTURE = 8_000_000
# The recorder takes a stream for lost that is silent for 10 s; while the camera answers, its picture is said again.
_REPEAT_S = 3.0
_LONGEST_WAIT_S = 60.0
SCHEMA = vol.Schema(
    {
        **LOGIN,
        vol.Optional("every", default="5 s", description="pictures.option.every"): vol.All(
            validators.duration, vol.Range(min=0.5, max=3600)
        ),
    }
)


class SnapshotCamera:
    """Fetch pictures from one camera, and pass them on to the recorder at an address that only it knows."""

    ptz: Ptz | None = None

    def __init__(self, settings: CameraSettings, services: Services) -> None:
        self._options: dict[str, Any] = settings.options
        self._services = services
        url, username, password = split_login(self._options)
        parts = urlsplit(url)
        self._path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        self._http = DeviceHttp(services, f"{parts.scheme}://{parts.netloc}", username=username, password=password)
        self._secret = secrets.token_urlsafe(16)
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._known: dict[str, str] = {}
        self._print = b""
        self._picture = b""
        self._is_there = False
        self._news = asyncio.Condition()
        self._fetches = False

    async def start(self) -> None:
        """Fetch a first picture, and go on."""
        self._http.open()
        await self._fetch()
        if self._runner is None:
            app = web.Application()
            app.router.add_get(f"/{self._secret}", self._show)
            self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
            await self._runner.setup()
            site = web.TCPSite(self._runner, "127.0.0.1", 0)
            await site.start()
            self._port = self._runner.addresses[0][1]
        if not self._fetches:
            self._fetches = True
            self._services.start("pictures", self._keep_fetching)

    async def streams(self) -> Sequence[StreamSource]:
        """Return the stream that is made of the pictures."""
        return (StreamSource(role="main", url=f"http://127.0.0.1:{self._port}/{self._secret}", options=OPTIONS),)

    async def stop(self) -> None:
        """Let go of the camera and of the stream."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        await self._http.close()

    async def snapshot(self) -> bytes:
        """Return a picture of now."""
        await self._fetch()
        return self._picture

    async def _keep_fetching(self) -> None:
        wait_s = self._options["every"]
        while True:
            # A hundred cameras with one interval should not be asked in one instant.
            await self._services.clock.sleep(wait_s * random.uniform(0.9, 1.1))
            try:
                await self._fetch()
                wait_s = self._options["every"]
            except CameraError as err:
                logger.info("no picture: %s", err)
                self._is_there = False
                wait_s = min(_LONGEST_WAIT_S, max(1.0, wait_s) * 2)

    async def _fetch(self) -> None:
        """Ask for the picture; what has not changed since is not sent again by a camera that knows how."""
        answer = await self._http.get(self._path, headers=self._known, largest_bytes=_LARGEST_PICTURE, keeps=(304,))
        if answer.status != 304:
            if not answer.body.startswith(b"\xff\xd8"):
                raise CameraLost(self._services.texts("pictures.no_jpeg"))
            asked = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
            self._known = {name: answer.headers[told] for name, told in asked.items() if told in answer.headers}
            print_ = hashlib.sha1(answer.body).digest()
            if print_ != self._print:
                self._print, self._picture = print_, answer.body
                async with self._news:
                    self._news.notify_all()
        self._is_there = True

    async def _show(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "multipart/x-mixed-replace; boundary=picture"})
        await response.prepare(request)
        while True:
            if self._is_there:
                size = len(self._picture)
                head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {size}\r\n\r\n".encode()
                await response.write(head + self._picture + b"\r\n")
            async with self._news:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_REPEAT_S):
                        await self._news.wait()
