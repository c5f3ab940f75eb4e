"""Camera kind ``rtsp``: any camera that offers its streams at RTSP addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

import voluptuous as vol

from ...core import Camera, CameraSettings, Kind, Ptz, Services, StreamSource, hookimpl, validators


def _address(value: object) -> str:
    """Check an RTSP address."""
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("rtsp", "rtsps") or not parts.hostname:
        raise validators.Wrong("media.rtsp.url")
    return str(value)


_STREAMS = vol.Schema(
    {
        vol.Required("main", description="media.option.main"): _address,
        vol.Optional("sub", description="media.option.sub"): _address,
    }
)


def _has_address(options: dict[str, Any]) -> dict[str, Any]:
    if "url" not in options and "streams" not in options:
        raise validators.Wrong("media.rtsp.no_address")
    return options


SCHEMA = vol.Schema(
    vol.All(
        {
            vol.Exclusive("url", "address", description="media.option.url"): _address,
            vol.Exclusive("streams", "address", description="media.option.streams"): _STREAMS,
            vol.Optional("username", default="", description="media.option.username"): str,
            vol.Optional("password", default="", description="media.option.password"): str,
        },
        _has_address,
    )
)


class RtspCamera:
    """Name the streams; there is nothing to start."""

    ptz: Ptz | None = None

    def __init__(self, settings: CameraSettings, services: Services) -> None:
        self._options: dict[str, Any] = settings.options

    async def start(self) -> None:
        """Do nothing: the recorder connects."""

    async def streams(self) -> Sequence[StreamSource]:
        """Return ``main`` and, where it is given, ``sub``."""
        streams = self._options.get("streams") or {"main": self._options["url"]}
        sources = [self._source("main", streams["main"])]
        if "sub" in streams:
            sources.append(self._source("sub", streams["sub"]))
        return tuple(sources)

    async def stop(self) -> None:
        """Do nothing: the recorder lets go."""

    def _source(self, role: Literal["main", "sub"], url: str) -> StreamSource:
        # A login inside the address is taken out of it: addresses are logged and shown.
        parts = urlsplit(url)
        login, _, host = parts.netloc.rpartition("@")
        user, _, password = login.partition(":")
        return StreamSource(
            role=role,
            url=urlunsplit(parts._replace(netloc=host)),
            username=self._options.get("username") or unquote(user),
            password=self._options.get("password") or unquote(password),
        )


@hookimpl
def offer_cameras() -> Iterable[Kind[Camera]]:
    """Offer ``rtsp``."""
    return (
        Kind(
            "rtsp",
            SCHEMA,
            RtspCamera,
            "Kamera jaringan dengan alamat RTSP",
            "A network camera with RTSP addresses",
        ),
    )
