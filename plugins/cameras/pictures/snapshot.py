"""Camera kind ``snapshot``: still pictures, fetched every few seconds and shown to the recorder as a stream."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import voluptuous as vol

from ....core import (
    CameraError,
    CameraLost,
    CameraSettings,
    DeviceHttp,
    PictureRelay,
    Ptz,
    Services,
    StreamSource,
    validators,
)
from .mjpeg import LOGIN, split_login

logger = logging.getLogger(__name__)

_LARGEST_PICTURE = 8_000_000
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
    """Fetch pictures from one camera, and pass them on to the recorder."""

    ptz: Ptz | None = None

    def __init__(self, settings: CameraSettings, services: Services) -> None:
        self._options: dict[str, Any] = settings.options
        self._services = services
        url, username, password = split_login(self._options)
        parts = urlsplit(url)
        self._path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        self._http = DeviceHttp(services, f"{parts.scheme}://{parts.netloc}", username=username, password=password)
        self._relay = PictureRelay()
        self._known: dict[str, str] = {}
        self._fetches = False

    async def start(self) -> None:
        """Fetch a first picture, and go on."""
        self._http.open()
        await self._fetch()
        await self._relay.open()
        if not self._fetches:
            self._fetches = True
            self._services.start("pictures", self._keep_fetching)

    async def streams(self) -> Sequence[StreamSource]:
        """Return the stream that is made of the pictures."""
        return (self._relay.source(),)

    async def stop(self) -> None:
        """Let go of the camera and of the stream."""
        await self._relay.close()
        await self._http.close()

    async def snapshot(self) -> bytes:
        """Return a picture of now."""
        await self._fetch()
        return self._relay.picture

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
                self._relay.fall_silent()
                wait_s = min(_LONGEST_WAIT_S, max(1.0, wait_s) * 2)

    async def _fetch(self) -> None:
        """Ask for the picture; what has not changed since is not sent again by a camera that knows how."""
        answer = await self._http.get(self._path, headers=self._known, largest_bytes=_LARGEST_PICTURE, keeps=(304,))
        if answer.status == 304:
            await self._relay.show(self._relay.picture)
            return
        if not answer.body.startswith(b"\xff\xd8"):
            raise CameraLost(self._services.texts("pictures.no_jpeg"))
        asked = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
        self._known = {name: answer.headers[told] for name, told in asked.items() if told in answer.headers}
        await self._relay.show(answer.body)
