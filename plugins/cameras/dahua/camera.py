"""One channel of a Dahua device: its streams, pictures, outputs, clock and events."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Literal
from zoneinfo import ZoneInfo

import voluptuous as vol

from ....core import (
    CameraError,
    CameraLost,
    CameraSettings,
    DeviceEvents,
    DeviceOutputs,
    FoundCamera,
    Outputs,
    Ptz,
    RecordedSpan,
    ReplaySource,
    Services,
    SharedStreams,
    StreamSource,
    validators,
)
from .alerts import KINDS, Alert, read_alerts
from .cgi import ask, dahua_http, pairs
from .ptz import DahuaPtz
from .recordings import find_recordings, playback_path

_KINDS = sorted({kind.removeprefix("device.") for kind in KINDS.values()})
_USUAL = [name for name in _KINDS if name != "motion"]
_LARGEST_PICTURE = 8_000_000
_PORT = vol.All(int, vol.Range(1, 65535))
_TITLE = re.compile(r"table\.ChannelTitle\[(\d+)\]\.Name")
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


class DahuaCamera:
    """Fulfil ``Camera`` and what else the CGI can."""

    def __init__(self, settings: CameraSettings, services: Services, *, streams: SharedStreams[Alert]) -> None:
        self._options: dict[str, Any] = settings.options
        self._services = services
        self._http = dahua_http(self._options, services)
        self._channel: int = self._options["channel"]
        # Inputs and lines end by the device's own word; what begins and is never ended is over after a while.
        self._events = DeviceEvents(services, ends_after_s=60.0)
        self._wanted = frozenset(f"device.{name}" for name in self._options["events"])
        self._stream = streams.of((self._options["host"], self._options["port"], self._options["username"]))
        self._listens = False
        self.ptz: Ptz | None = None
        self.io: Outputs | None = None

    async def start(self) -> None:
        """Log in, see what the device can, and begin to hear it."""
        self._http.open()
        await self._ask("magicBox", action="getDeviceType")
        ptz = DahuaPtz(self._http, self._channel, self._services)
        self.ptz = ptz if await self._can_turn(ptz) else None
        self.io = await self._find_outputs()
        if self._wanted and not self._listens:
            self._listens = True
            self._services.start("device events", self._listen)

    async def streams(self) -> Sequence[StreamSource]:
        """Return the main and the sub stream of the channel."""
        return (self._source("main", 0), self._source("sub", 1))

    async def stop(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    async def snapshot(self) -> bytes:
        """Return a JPEG."""
        params = {"channel": str(self._channel)}
        answer = await self._http.get("/cgi-bin/snapshot.cgi", params, largest_bytes=_LARGEST_PICTURE)
        if not answer.body.startswith(b"\xff\xd8"):
            raise CameraLost(self._services.texts("hikvision.no_picture"))
        return answer.body

    async def device_time(self) -> datetime:
        """Return the device's clock, which it tells as its local time: that of the site is taken for it."""
        told = pairs(await self._ask("global", action="getCurrentTime")).get("result", "")
        try:
            local = datetime.strptime(told.strip(), "%Y-%m-%d %H:%M:%S")
        except ValueError:
            raise CameraLost(self._services.texts("hikvision.no_time")) from None
        return local.replace(tzinfo=ZoneInfo(self._services.site.timezone)).astimezone(timezone.utc)

    async def recordings(self, begin: datetime, end: datetime) -> Sequence[RecordedSpan]:
        """Return what stands on the card or the recorder's disk."""
        zone = ZoneInfo(self._services.site.timezone)
        return await find_recordings(self._ask, self._channel, (begin, end), zone)

    async def replay(self, begin: datetime, end: datetime) -> ReplaySource:
        """Return the address that plays it."""
        live = self._source("main", 0)
        path = playback_path(self._channel, begin, end, ZoneInfo(self._services.site.timezone))
        url = f"rtsp://{self._options['host']}:{self._options['rtsp_port']}{path}"
        source = StreamSource(role="main", url=url, username=live.username, password=live.password)
        return ReplaySource(source=source, begin=begin)

    async def _ask(self, cgi: str, **asked: str | int) -> str:
        return await ask(self._http, self._services.texts, cgi, **asked)

    def _source(self, role: Literal["main", "sub"], subtype: int) -> StreamSource:
        host, port = self._options["host"], self._options["rtsp_port"]
        return StreamSource(
            role=role,
            url=f"rtsp://{host}:{port}/cam/realmonitor?channel={self._channel}&subtype={subtype}",
            username=self._options["username"],
            password=self._options["password"],
        )

    async def _can_turn(self, ptz: DahuaPtz) -> bool:
        try:
            # A fixed camera may answer with an empty list of presets; where it looks it cannot tell.
            return bool(await ptz.presets()) or bool(await ptz.position())
        except CameraError:
            return False

    async def _find_outputs(self) -> Outputs | None:
        found: dict[str, int] = {}
        try:
            told = pairs(await self._ask("alarm", action="getOutSlots")).get("result", "")
            found = {f"output-{number}": number for number in range(1, min(int(told or 0), 64) + 1)}
        except (CameraError, ValueError):
            pass
        found |= self._options["outputs"]
        return DeviceOutputs(self._services, found, self._set_output) if found else None

    async def _set_output(self, number: int, is_on: bool) -> None:
        # 1 is on by hand, 2 off by hand, 0 as the device's own rules want.
        asked = {f"AlarmOut[{number - 1}].Mode": 1 if is_on else 2}
        await self._ask("configManager", action="setConfig", **asked)

    async def _listen(self) -> None:
        await self._stream.follow(self._services, self._read, self._hear, self._events.lost)

    def _read(self) -> AsyncIterator[Alert]:
        return read_alerts(self._http)

    async def _hear(self, alert: Alert) -> None:
        is_mine = alert.channel == self._channel or (alert.channel is None and self._channel == 1)
        if is_mine and alert.kind in self._wanted:
            await self._events.take(alert.kind, alert.source, alert.is_on, {"topic": alert.topic})


async def channels(options: Mapping[str, Any], services: Services) -> Sequence[FoundCamera]:
    """Return the cameras behind a recorder, or the one camera itself."""
    http = dahua_http(options, services)
    try:
        model = pairs(await ask(http, services.texts, "magicBox", action="getDeviceType")).get("type", "")
        serial = pairs(await ask(http, services.texts, "magicBox", action="getSerialNo")).get("sn", "")
        titles = pairs(await ask(http, services.texts, "configManager", action="getConfig", name="ChannelTitle"))
    finally:
        await http.close()
    named = {int(found[1]) + 1: title for key, title in titles.items() if (found := _TITLE.match(key))} or {1: ""}
    kept = {key: options[key] for key in ("host", "username")}
    kept |= {key: options[key] for key, usual in (("port", 80), ("https", False)) if options[key] != usual}
    return [
        FoundCamera(
            type="dahua",
            name=title or f"{model} {number}".strip(),
            options={**kept, **({"channel": number} if len(named) > 1 else {})},
            model=model,
            address=options["host"],
            serial=serial,
        )
        for number, title in sorted(named.items())
    ]
