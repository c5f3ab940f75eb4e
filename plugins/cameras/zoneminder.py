"""Camera kind ``zoneminder``: a monitor that a ZoneMinder watches already; its pictures and events are taken over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import voluptuous as vol

from ...core import (
    AuthFailed,
    Camera,
    CameraError,
    CameraKind,
    CameraLost,
    CameraSettings,
    DeviceEvents,
    DeviceHttp,
    FoundCamera,
    Kind,
    PictureRelay,
    Ptz,
    Services,
    StreamSource,
    hookimpl,
    validators,
)

_EVERY_S, _LONGEST_WAIT_S = 3.0, 60.0
_MOST_EVENTS = 50
_LARGEST_PICTURE = 8_000_000
# A stream that shows nothing for so long is opened anew.
_SILENCE_S = 15.0
# What add-ons write into an event's notes when they know what moved.
_THINGS = {"person": "device.person", "face": "device.face"}
_VEHICLES = ("car", "truck", "bus", "motorcycle", "motorbike", "bicycle")
_PORT = vol.All(int, vol.Range(1, 65535))
SCHEMA = vol.Schema(
    {
        vol.Required("host", description="zoneminder.option.host"): validators.text,
        vol.Optional("port", default=80, description="hikvision.option.port"): _PORT,
        vol.Optional("https", default=False, description="hikvision.option.https"): validators.boolean,
        vol.Optional("path", default="/zm", description="zoneminder.option.path"): str,
        vol.Optional("monitor", default=1, description="zoneminder.option.monitor"): vol.All(int, vol.Range(1, 9999)),
        vol.Optional("fps", default=5, description="zoneminder.option.fps"): vol.All(int, vol.Range(1, 30)),
        vol.Optional("username", default="", description="media.option.username"): str,
        vol.Optional("password", default="", description="media.option.password"): str,
        vol.Optional("events", default=True, description="zoneminder.option.events"): validators.boolean,
    }
)


class ZoneMinderApi:
    """Ask a ZoneMinder's API (1.34 or newer); log in where it wants that, and again when the token ran out."""

    def __init__(self, options: Mapping[str, Any], services: Services) -> None:
        self._options = options
        self._texts = services.texts
        scheme = "https" if options["https"] else "http"
        self._path = "/" + options["path"].strip("/")
        self.http = DeviceHttp(services, f"{scheme}://{options['host']}:{options['port']}")
        self._token = ""

    async def ask(self, path: str) -> dict[str, Any]:
        """Return the JSON at a path of the API."""
        for is_last in (False, True):
            if not self._token and self._options["username"]:
                await self.log_in()
            params = {"token": self._token} if self._token else None
            try:
                return self._json((await self.http.get(f"{self._path}/api/{path}", params)).body)
            except AuthFailed:
                self._token = ""
                if is_last or not self._options["username"]:
                    raise
        raise AssertionError("a last try returns")

    def stream_path(self, monitor: int, **more: object) -> str:
        """Return where a monitor's pictures are; it holds the token, so it is shown to nobody."""
        asked = {"monitor": monitor, **more, **({"token": self._token} if self._token else {})}
        return f"{self._path}/cgi-bin/nph-zms?{urlencode(asked)}"

    async def log_in(self) -> None:
        """Get a token for about two hours."""
        said = urlencode({"user": self._options["username"], "pass": self._options["password"]}).encode()
        form = "application/x-www-form-urlencoded"
        answer = await self.http.send("POST", f"{self._path}/api/host/login.json", said, content_type=form)
        token = self._json(answer.body).get("access_token")
        if not isinstance(token, str) or not token:
            raise AuthFailed(self._texts("device.http.refused_login", host=self._options["host"]))
        self._token = token

    def _json(self, body: bytes) -> dict[str, Any]:
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise CameraLost(self._texts("zoneminder.not_zoneminder"))
        return found


class ZoneMinderCamera:
    """Fulfil ``Camera`` by what a ZoneMinder offers of one of its monitors."""

    ptz: Ptz | None = None

    def __init__(self, settings: CameraSettings, services: Services) -> None:
        self._options: dict[str, Any] = settings.options
        self._monitor: int = self._options["monitor"]
        self._services = services
        self._api = ZoneMinderApi(self._options, services)
        self._relay = PictureRelay()
        self._events = DeviceEvents(services, ends_after_s=0)
        self._follows = False

    async def start(self) -> None:
        """See that ZoneMinder knows the monitor, and begin to take over what it shows and tells."""
        self._api.http.open()
        known = await _monitors(self._api)
        if self._monitor not in known:
            names = ", ".join(f"{number} ({name})" for number, name in known.items()) or "-"
            raise CameraLost(self._services.texts("zoneminder.no_monitor", monitor=self._monitor, known=names))
        await self._relay.open()
        if not self._follows:
            self._follows = True
            self._services.start("pictures", self._keep_showing)
            if self._options["events"]:
                self._services.start("events of ZoneMinder", self._follow)

    async def streams(self) -> Sequence[StreamSource]:
        """Return the monitor's pictures, passed on: ZoneMinder's address holds a token that is soon over."""
        return (self._relay.source(),)

    async def stop(self) -> None:
        """Let go of everything."""
        await self._relay.close()
        await self._api.http.close()

    async def snapshot(self) -> bytes:
        """Return a JPEG."""
        answer = await self._api.http.get(
            self._api.stream_path(self._monitor, mode="single"), largest_bytes=_LARGEST_PICTURE
        )
        if not answer.body.startswith(b"\xff\xd8"):
            raise CameraLost(self._services.texts("pictures.no_jpeg"))
        return answer.body

    async def _keep_showing(self) -> None:
        wait_s = 1.0
        while True:
            try:
                path = self._api.stream_path(self._monitor, mode="jpeg", maxfps=self._options["fps"])
                async for part in self._api.http.parts(path, silence_s=_SILENCE_S, largest_bytes=_LARGEST_PICTURE):
                    if part.body.startswith(b"\xff\xd8"):
                        wait_s = 1.0
                        await self._relay.show(part.body)
            except AuthFailed:
                await self._log_in_again()
            except CameraError:
                pass
            self._relay.fall_silent()
            await self._services.clock.sleep(wait_s)
            wait_s = min(_LONGEST_WAIT_S, wait_s * 2)

    async def _log_in_again(self) -> None:
        try:
            await self._api.log_in()
        except CameraError:
            return

    async def _follow(self) -> None:
        told = await self._services.recall("last")
        last = told if isinstance(told, int) else -1
        wait_s = _EVERY_S
        while True:
            try:
                last = await self._take_new(last)
                wait_s = _EVERY_S
            except CameraError:
                wait_s = min(_LONGEST_WAIT_S, wait_s * 2)
            await self._services.clock.sleep(wait_s)

    async def _take_new(self, last: int) -> int:
        """Tell the monitor's events behind one, the oldest first; return the newest. The first time none is told."""
        newest = "desc" if last < 0 else "asc"
        where = quote(f"MonitorId:{self._monitor}/Id >:{max(last, 0)}", safe=":/")
        limit = 1 if last < 0 else _MOST_EVENTS
        answer = await self._api.ask(f"events/index/{where}.json?sort=Id&direction={newest}&limit={limit}")
        rows = [one["Event"] for one in answer.get("events") or () if isinstance(one, dict) and "Event" in one]
        found = {_whole(row.get("Id")): row for row in rows if isinstance(row, dict)}
        if last < 0:
            last = max(found, default=0)
            await self._services.remember("last", last)
            return last
        for number in sorted(found):
            if number <= last:
                continue
            row, last = found[number], number
            # Kept before it is told: after a restart none is told twice.
            await self._services.remember("last", last)
            cause, notes = (str(row.get(name) or "")[:200] for name in ("Cause", "Notes"))
            await self._events.take(_kind(cause, notes), "", None, {"topic": cause, "label": notes})
        return last


def _kind(cause: str, notes: str) -> str:
    said = f"{cause} {notes}".lower()
    for word, kind in _THINGS.items():
        if word in said:
            return kind
    return "device.vehicle" if any(word in said for word in _VEHICLES) else "device.motion"


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0


async def _monitors(api: ZoneMinderApi) -> dict[int, str]:
    answer = await api.ask("monitors.json")
    listed = answer.get("monitors")
    rows = [one.get("Monitor") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {_whole(row.get("Id")): str(row.get("Name") or "") for row in rows if isinstance(row, dict)}


async def channels(options: Mapping[str, Any], services: Services) -> Sequence[FoundCamera]:
    """Return the monitors of a ZoneMinder."""
    api = ZoneMinderApi(options, services)
    try:
        known = await _monitors(api)
    finally:
        await api.http.close()
    usual = SCHEMA({"host": "x"})
    kept = {"host": options["host"]}
    kept |= {key: options[key] for key in ("port", "https", "path", "username") if options[key] != usual[key]}
    return [
        FoundCamera(type="zoneminder", name=name, options={**kept, "monitor": number}, address=options["host"])
        for number, name in known.items()
    ]


@hookimpl
def offer_cameras() -> Iterable[Kind[Camera]]:
    """Offer ``zoneminder``."""
    return (
        CameraKind(
            "zoneminder",
            SCHEMA,
            ZoneMinderCamera,
            "Monitor yang sudah diawasi ZoneMinder: gambar dan kejadiannya diambil dari sana",
            "A monitor that a ZoneMinder watches already: its pictures and events are taken over",
            channels=channels,
        ),
    )
