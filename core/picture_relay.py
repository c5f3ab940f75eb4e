"""Shows single JPEG pictures to the recorder as a stream: for cameras whose pictures are no address of their own."""

from __future__ import annotations

import asyncio
import contextlib
import secrets

from aiohttp import web

from .contracts import StreamSource
from .types import StreamRole

# Servers lie about their content type, and JPEGs carry no time: the form is said, and the clock is that of arrival.
PICTURE_OPTIONS = {"format": "mpjpeg", "use_wallclock_as_timestamps": "1"}
# The recorder takes a stream for lost that is silent for 10 s; while the camera answers, its picture is said again.
_REPEAT_S = 3.0


class PictureRelay:
    """Serve pictures on this machine at an address that only its reader knows, the newest one each time."""

    def __init__(self) -> None:
        self._secret = secrets.token_urlsafe(16)
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._picture = b""
        self._is_there = False
        self._news = asyncio.Condition()

    @property
    def picture(self) -> bytes:
        """Return the newest picture; nothing before the first."""
        return self._picture

    async def open(self) -> None:
        """Begin to serve; again does nothing."""
        if self._runner is not None:
            return
        app = web.Application()
        app.router.add_get(f"/{self._secret}", self._show)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Serve no more."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def source(self, role: StreamRole = "main") -> StreamSource:
        """Return what the recorder reads."""
        url = f"http://127.0.0.1:{self._port}/{self._secret}"
        return StreamSource(role=role, url=url, options=PICTURE_OPTIONS, slowest_s=_REPEAT_S)

    async def show(self, jpeg: bytes) -> None:
        """Pass a picture on; the same one again only says that the camera is there."""
        self._is_there = True
        if jpeg != self._picture:
            self._picture = jpeg
            async with self._news:
                self._news.notify_all()

    def fall_silent(self) -> None:
        """Repeat nothing: the camera does not answer, and its stream should look so."""
        self._is_there = False

    async def _show(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "multipart/x-mixed-replace; boundary=picture"})
        await response.prepare(request)
        while True:
            shown = self._picture
            if self._is_there and shown:
                head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(shown)}\r\n\r\n".encode()
                await response.write(head + shown + b"\r\n")
            async with self._news:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_REPEAT_S):
                        await self._news.wait_for(lambda shown=shown: self._picture is not shown)  # type: ignore[misc]
