"""Camera kind ``rtsp``: any camera that offers its streams at RTSP addresses."""

from __future__ import annotations

import difflib
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


# Where each make serves its large and its small stream, by the makers' own manuals. ``{channel}`` counts from 1.
# Xiongmai (sold without a name, apps XMEye and iCSee) takes the login in the path: it is filled in when the stream is
# opened, so that no log shows it.
_XM = "/user={{username}}&password={{password}}&channel={channel}&stream={stream}.sdp?real_stream"
VENDORS: dict[str, tuple[str, str]] = {
    "hikvision": ("/Streaming/Channels/{channel}01", "/Streaming/Channels/{channel}02"),
    "dahua": ("/cam/realmonitor?channel={channel}&subtype=0", "/cam/realmonitor?channel={channel}&subtype=1"),
    "imou": ("/cam/realmonitor?channel={channel}&subtype=0", "/cam/realmonitor?channel={channel}&subtype=1"),
    "uniview": ("/unicast/c{channel}/s0/live", "/unicast/c{channel}/s1/live"),
    "tapo": ("/stream1", "/stream2"),
    "ezviz": ("/h264/ch{channel}/main/av_stream", "/h264/ch{channel}/sub/av_stream"),
    "reolink": ("/h264Preview_{channel:02}_main", "/h264Preview_{channel:02}_sub"),
    "xm": (_XM.replace("{stream}", "0"), _XM.replace("{stream}", "1")),
}


def _vendor(value: object) -> str:
    """Take the name of a maker whose paths are known."""
    name = str(value).strip().lower()
    if name not in VENDORS:
        near = difflib.get_close_matches(name, VENDORS, n=1)
        key = "media.rtsp.vendor_near" if near else "media.rtsp.vendor"
        raise validators.Wrong(key, vendor=value, near="".join(near), known=", ".join(VENDORS))
    return name


def _host(value: object) -> str:
    """Take a name or an address, without scheme, port or path."""
    host = str(value).strip()
    if not host or any(sign in host for sign in "/@ ?#") or "://" in host:
        raise validators.Wrong("media.rtsp.host")
    return host


_STREAMS = vol.Schema(
    {
        vol.Required("main", description="media.option.main"): _address,
        vol.Optional("sub", description="media.option.sub"): _address,
    }
)


def _has_address(options: dict[str, Any]) -> dict[str, Any]:
    if ("vendor" in options) != ("host" in options):
        raise validators.Wrong("media.rtsp.vendor_host")
    if "url" not in options and "streams" not in options and "vendor" not in options:
        raise validators.Wrong("media.rtsp.no_address")
    return options


SCHEMA = vol.Schema(
    vol.All(
        {
            vol.Exclusive("url", "address", description="media.option.url"): _address,
            vol.Exclusive("streams", "address", description="media.option.streams"): _STREAMS,
            vol.Exclusive("vendor", "address", description="media.option.vendor"): _vendor,
            vol.Optional("host", description="media.option.host"): _host,
            vol.Optional("port", default=554, description="media.option.port"): vol.All(int, vol.Range(1, 65535)),
            vol.Optional("channel", default=1, description="media.option.channel"): vol.All(int, vol.Range(1, 256)),
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
        streams = self._options.get("streams") or self._by_vendor() or {"main": self._options["url"]}
        sources = [self._source("main", streams["main"])]
        if "sub" in streams:
            sources.append(self._source("sub", streams["sub"]))
        return tuple(sources)

    async def stop(self) -> None:
        """Do nothing: the recorder lets go."""

    def _by_vendor(self) -> dict[str, str]:
        if "vendor" not in self._options:
            return {}
        base = f"rtsp://{self._options['host']}:{self._options['port']}"
        paths = (path.format(channel=self._options["channel"]) for path in VENDORS[self._options["vendor"]])
        return dict(zip(("main", "sub"), (base + path for path in paths), strict=True))

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
