"""One channel of a Hikvision device: its streams, pictures, outputs, clock and events."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

import voluptuous as vol

from ....core import (
    CameraError,
    CameraLost,
    CameraSettings,
    DeviceEvents,
    DeviceHttp,
    DeviceOutputs,
    FoundCamera,
    NotSupported,
    Outputs,
    Ptz,
    RecordedSpan,
    ReplaySource,
    Services,
    SharedStreams,
    StreamSource,
    Texts,
    find_all,
    read_xml,
    text_of,
    validators,
)
from .alerts import KINDS, Alert, read_alerts
from .ptz import HikvisionPtz
from .recordings import find_recordings, playback_path

_KINDS = sorted({kind.removeprefix("device.") for kind in (*KINDS.values(), "device.person", "device.vehicle")})
# What says something of the street or of the device; plain motion is told by our own eyes.
_USUAL = [name for name in _KINDS if name != "motion"]
_LARGEST_PICTURE = 8_000_000
_PORT = vol.All(int, vol.Range(1, 65535))
SCHEMA = vol.Schema(
    {
        vol.Required("host", description="hikvision.option.host"): validators.text,
        vol.Optional("port", default=80, description="hikvision.option.port"): _PORT,
        vol.Optional("https", default=False, description="hikvision.option.https"): validators.boolean,
        vol.Optional("rtsp_port", default=554, description="hikvision.option.rtsp_port"): _PORT,
        vol.Optional("channel", default=1, description="media.option.channel"): vol.All(int, vol.Range(1, 256)),
        vol.Required("username", description="media.option.username"): validators.text,
        vol.Required("password", description="media.option.password"): str,
        vol.Optional("outputs", default=dict, description="hikvision.option.outputs"): {validators.text: int},
        vol.Optional("events", default=_USUAL, description="hikvision.option.events"): [vol.In(_KINDS)],
    }
)


class HikvisionCamera:
    """Fulfil ``Camera`` and what else ISAPI can."""

    def __init__(self, settings: CameraSettings, services: Services, *, streams: SharedStreams[Alert]) -> None:
        self._options: dict[str, Any] = settings.options
        self._services = services
        self._http = device_http(self._options, services)
        self._channel: int = self._options["channel"]
        self._events = DeviceEvents(services)
        self._wanted = frozenset(f"device.{name}" for name in self._options["events"])
        self._stream = streams.of((self._options["host"], self._options["port"], self._options["username"]))
        self._listens = False
        self.ptz: Ptz | None = None
        self.io: Outputs | None = None

    async def start(self) -> None:
        """Log in, see what the device can, and begin to hear it."""
        self._http.open()
        await device_name(self._http, self._services.texts)
        self.ptz = await self._find_ptz()
        self.io = await self._find_outputs()
        if self._wanted and not self._listens:
            self._listens = True
            self._services.start("device events", self._listen)

    async def streams(self) -> Sequence[StreamSource]:
        """Return the main and the sub stream of the channel."""
        return (self._source("main", 1), self._source("sub", 2))

    async def stop(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    async def snapshot(self) -> bytes:
        """Return a JPEG."""
        path = f"/ISAPI/Streaming/channels/{self._channel}01/picture"
        answer = await self._http.get(path, largest_bytes=_LARGEST_PICTURE)
        if not answer.body.startswith(b"\xff\xd8"):
            raise CameraLost(self._services.texts("hikvision.no_picture"))
        return answer.body

    async def device_time(self) -> datetime:
        """Return the device's clock."""
        root = read_xml((await self._http.get("/ISAPI/System/time")).body, self._services.texts)
        try:
            return as_utc(text_of(root, "localTime"), text_of(root, "timeZone"))
        except ValueError:
            raise CameraLost(self._services.texts("hikvision.no_time")) from None

    async def recordings(self, begin: datetime, end: datetime) -> Sequence[RecordedSpan]:
        """Return what stands on the card or the recorder's disk."""
        ahead = await self._local_ahead()
        return await find_recordings(self._http, self._services.texts, self._channel, (begin, end), ahead)

    async def replay(self, begin: datetime, end: datetime) -> ReplaySource:
        """Return the address that plays it."""
        path = playback_path(self._channel, begin, end, await self._local_ahead())
        live = self._source("main", 1)
        url = f"rtsp://{self._options['host']}:{self._options['rtsp_port']}{path}"
        source = StreamSource(role="main", url=url, username=live.username, password=live.password)
        return ReplaySource(source=source, begin=begin)

    async def _local_ahead(self) -> timedelta:
        """Return by how much the device's local time is ahead of UTC."""
        root = read_xml((await self._http.get("/ISAPI/System/time")).body, self._services.texts)
        local = text_of(root, "localTime")
        try:
            naive = datetime.fromisoformat(local.replace("Z", "")).replace(tzinfo=timezone.utc)  # its wall clock
            return naive - as_utc(local, text_of(root, "timeZone"))
        except ValueError:
            raise CameraLost(self._services.texts("hikvision.no_time")) from None

    def _source(self, role: Literal["main", "sub"], number: int) -> StreamSource:
        host, port = self._options["host"], self._options["rtsp_port"]
        return StreamSource(
            role=role,
            url=f"rtsp://{host}:{port}/Streaming/Channels/{self._channel}0{number}",
            username=self._options["username"],
            password=self._options["password"],
        )

    async def _find_ptz(self) -> Ptz | None:
        ptz = HikvisionPtz(self._http, self._channel, self._services.texts)
        try:
            await ptz.presets()
        except CameraError:
            # A fixed camera answers 403, 404 or an error of its own; the login was right a moment ago.
            return None
        return ptz

    async def _find_outputs(self) -> Outputs | None:
        try:
            root = read_xml((await self._http.get("/ISAPI/System/IO/outputs")).body, self._services.texts)
        except CameraError:
            return None
        numbers = [text_of(port, "id") for port in find_all(root, "IOOutputPort")]
        found = {f"output-{number}": int(number) for number in numbers if number.isdecimal()}
        found |= self._options["outputs"]
        return DeviceOutputs(self._services, found, self._set_output) if found else None

    async def _set_output(self, number: int, is_on: bool) -> None:
        said = f"<IOPortData><outputState>{'high' if is_on else 'low'}</outputState></IOPortData>".encode()
        path = f"/ISAPI/System/IO/outputs/{number}/trigger"
        await self._http.send("PUT", path, said, content_type="application/xml")

    async def _listen(self) -> None:
        await self._stream.follow(self._services, self._read, self._hear, self._events.lost)

    def _read(self) -> AsyncIterator[Alert]:
        return read_alerts(self._http, self._services.texts)

    async def _hear(self, alert: Alert) -> None:
        is_mine = alert.channel == self._channel or (alert.channel is None and self._channel == 1)
        if is_mine and alert.kind in self._wanted:
            await self._events.take(alert.kind, alert.source, alert.is_on, {"topic": alert.topic})


def device_http(options: Mapping[str, Any], services: Services) -> DeviceHttp:
    """Return how a device is asked."""
    scheme = "https" if options["https"] else "http"
    base = f"{scheme}://{options['host']}:{options['port']}"
    login = {"username": options["username"], "password": options["password"]}
    return DeviceHttp(services, base, **login, locked_s=locked_s)


def locked_s(refusal: bytes) -> float:
    """Return for how many seconds a refusal says that the login is locked (its ``userCheck``); 0 where it does not."""
    text = refusal.decode("utf-8", "replace")
    found = re.search(r"<unlockTime>\s*(\d{1,6})\s*</unlockTime>", text)
    return float(found[1]) if found and re.search(r"<lockStatus>\s*lock\s*</lockStatus>", text) else 0.0


async def device_name(http: DeviceHttp, texts: Texts) -> tuple[str, str, str]:
    """Return name, model and serial number; CameraLost where another maker answers."""
    root = read_xml((await http.get("/ISAPI/System/deviceInfo")).body, texts)
    if root.tag != "DeviceInfo":
        raise CameraLost(texts("hikvision.not_hikvision"))
    return text_of(root, "deviceName"), text_of(root, "model"), text_of(root, "serialNumber")


async def channels(options: Mapping[str, Any], services: Services) -> Sequence[FoundCamera]:
    """Return the cameras behind a recorder, or the one camera itself."""
    http = device_http(options, services)
    try:
        name, model, serial = await device_name(http, services.texts)
        try:
            root = read_xml((await http.get("/ISAPI/ContentMgmt/InputProxy/channels")).body, services.texts)
            behind = [(text_of(one, "id"), text_of(one, "name")) for one in find_all(root, "InputProxyChannel")]
        except NotSupported:
            behind = []
    finally:
        await http.close()
    kept = {key: options[key] for key in ("host", "username")}
    kept |= {key: options[key] for key, usual in (("port", 80), ("https", False)) if options[key] != usual}
    return [
        FoundCamera(
            type="hikvision",
            name=title or f"{name} {number}".strip(),
            options={**kept, "channel": int(number)},
            model=model,
            address=options["host"],
            serial=serial,
        )
        for number, title in (behind or [("1", name)])
        if number.isdecimal()
    ]


def as_utc(local: str, zone: str) -> datetime:
    """Return a device's time as UTC; ValueError. ``zone`` is POSIX's, whose sign is turned round: CST-7 is UTC+7."""
    told = datetime.fromisoformat(local.replace("Z", "+00:00"))
    if told.tzinfo is None:
        found = re.match(r"[A-Za-z]*([+-]?)(\d{1,2}):?(\d{2})?", zone)
        hours = (int(found[2]) + int(found[3] or 0) / 60) * (-1 if found[1] != "-" else 1) if found else 0
        told = told.replace(tzinfo=timezone(timedelta(hours=hours)))
    return told.astimezone(timezone.utc)
