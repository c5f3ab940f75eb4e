"""Camera kind ``mjpeg``: an endless answer of JPEG pictures, read by the recorder itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import voluptuous as vol

from ....core import PICTURE_OPTIONS, CameraSettings, Ptz, Services, StreamSource, validators


def _address(value: object) -> str:
    """Take an address of http or https."""
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise validators.Wrong("pictures.url")
    return str(value)


LOGIN = {
    vol.Required("url", description="pictures.option.url"): _address,
    vol.Optional("username", default="", description="media.option.username"): str,
    vol.Optional("password", default="", description="media.option.password"): str,
}
SCHEMA = vol.Schema(
    {
        **LOGIN,
        # 0: several a second, as most do.
        vol.Optional("slowest", default=0, description="pictures.option.slowest"): vol.All(
            validators.duration, vol.Range(min=0, max=600)
        ),
    }
)


def split_login(options: dict[str, Any]) -> tuple[str, str, str]:
    """Return address, user and password; a login inside the address is taken out of it."""
    parts = urlsplit(options["url"])
    login, _, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    url = urlunsplit(parts._replace(netloc=host))
    return url, options["username"] or unquote(user), options["password"] or unquote(password)


class MjpegCamera:
    """Name the stream; there is nothing to start."""

    ptz: Ptz | None = None

    def __init__(self, settings: CameraSettings, services: Services) -> None:
        self._options: dict[str, Any] = settings.options

    async def start(self) -> None:
        """Do nothing: the recorder connects."""

    async def streams(self) -> Sequence[StreamSource]:
        """Return the one stream."""
        url, username, password = split_login(self._options)
        return (
            StreamSource(
                role="main",
                url=url,
                username=username,
                password=password,
                options=PICTURE_OPTIONS,
                slowest_s=self._options["slowest"],
            ),
        )

    async def stop(self) -> None:
        """Do nothing: the recorder lets go."""
