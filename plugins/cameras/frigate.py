"""Camera kind ``frigate``: a camera that a Frigate NVR watches already; its pictures and what it saw are taken over."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

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
    Ptz,
    Services,
    StreamSource,
    Texts,
    hookimpl,
    validators,
)

# Frigate tells a thing when it is sure of it; a few seconds more cost nothing beside that.
_EVERY_S, _LONGEST_WAIT_S = 3.0, 60.0
# More than these are not asked for at once, and those that were told are known by their ids for longer.
_MOST_EVENTS, _MOST_TOLD = 500, 1000
# How long a thing may have been there before it enters Frigate's list.
_LATE_S = 3600.0
_LARGEST_PICTURE = 8_000_000
_PERSON = "device.person"
_VEHICLES = ("car", "motorcycle", "bus", "truck", "bicycle", "train")
_ANIMALS = ("cat", "dog", "bird", "horse", "cow", "sheep", "bear", "deer", "rabbit", "raccoon", "fox", "goat")
_PORT = vol.All(int, vol.Range(1, 65535))
SCHEMA = vol.Schema(
    {
        vol.Required("host", description="frigate.option.host"): validators.text,
        vol.Optional("port", default=5000, description="frigate.option.port"): _PORT,
        vol.Optional("https", default=False, description="hikvision.option.https"): validators.boolean,
        vol.Optional("rtsp_port", default=8554, description="frigate.option.rtsp_port"): _PORT,
        vol.Optional("camera", default="", description="frigate.option.camera"): str,
        vol.Optional("username", default="", description="frigate.option.username"): str,
        vol.Optional("password", default="", description="media.option.password"): str,
        vol.Optional("events", default=True, description="frigate.option.events"): validators.boolean,
    }
)


class FrigateHttp:
    """Ask a Frigate; log in where it wants that (port 8971), and again when its token ran out."""

    def __init__(self, options: Mapping[str, Any], services: Services) -> None:
        self._options = options
        self._texts: Texts = services.texts
        scheme = "https" if options["https"] else "http"
        self.http = DeviceHttp(services, f"{scheme}://{options['host']}:{options['port']}")
        self._token = ""

    async def get(self, path: str, params: Mapping[str, str] | None = None, largest_bytes: int | None = None) -> bytes:
        """Return what is at a path."""
        for is_last in (False, True):
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            try:
                return (await self.http.get(path, params, headers=headers, largest_bytes=largest_bytes)).body
            except AuthFailed:
                if is_last or not self._options["username"]:
                    raise
                await self._log_in()
        raise AssertionError("a last try returns")

    async def ask(self, path: str, params: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401  JSON
        """Return the JSON at a path; CameraLost where it is none."""
        body = await self.get(path, params)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise CameraLost(self._texts("frigate.not_frigate")) from None

    async def _log_in(self) -> None:
        said = json.dumps({"user": self._options["username"], "password": self._options["password"]}).encode()
        answer = await self.http.send("POST", "/api/login", said, content_type="application/json")
        found = re.search(r"frigate_token=([^;\s]{1,4000})", answer.headers.get("set-cookie", ""))
        if found is None:
            raise AuthFailed(self._texts("device.http.refused_login", host=self._options["host"]))
        self._token = found[1]


class FrigateCamera:
    """Fulfil ``Camera`` by what a Frigate offers of one of its cameras."""

    ptz: Ptz | None = None

    def __init__(self, settings: CameraSettings, services: Services) -> None:
        self._options: dict[str, Any] = settings.options
        # A camera goes by one name in both, unless it is said.
        self._name: str = self._options["camera"] or settings.id
        self._services = services
        self._frigate = FrigateHttp(self._options, services)
        self._events = DeviceEvents(services, ends_after_s=0)
        self._follows = False
        self._since_s = self._newest_s = 0.0
        self._told: dict[str, None] = {}

    async def start(self) -> None:
        """See that Frigate knows the camera, and begin to take over what it sees."""
        self._frigate.http.open()
        known = await _camera_names(self._frigate, self._services.texts)
        if self._name not in known:
            names = ", ".join(known) or "-"
            raise CameraLost(self._services.texts("frigate.no_camera", camera=self._name, known=names))
        if self._options["events"] and not self._follows:
            self._follows = True
            self._services.start("events of Frigate", self._follow)

    async def streams(self) -> Sequence[StreamSource]:
        """Return Frigate's own restream of the camera."""
        url = f"rtsp://{self._options['host']}:{self._options['rtsp_port']}/{quote(self._name)}"
        return (StreamSource(role="main", url=url),)

    async def stop(self) -> None:
        """Let go of the connections."""
        await self._frigate.http.close()

    async def snapshot(self) -> bytes:
        """Return a JPEG."""
        picture = await self._frigate.get(f"/api/{quote(self._name)}/latest.jpg", largest_bytes=_LARGEST_PICTURE)
        if not picture.startswith(b"\xff\xd8"):
            raise CameraLost(self._services.texts("pictures.no_jpeg"))
        return picture

    async def _follow(self) -> None:
        told = await self._services.recall("told")
        since, newest, ids = (told.get(key) if isinstance(told, dict) else None for key in ("since", "newest", "ids"))
        # The first time, only what happens from now on: what is long over helps nobody.
        self._since_s = float(since) if isinstance(since, int | float) else self._services.clock.now().timestamp()
        self._newest_s = float(newest) if isinstance(newest, int | float) else self._since_s
        self._told = dict.fromkeys(str(one) for one in ids) if isinstance(ids, list) else {}
        wait_s = _EVERY_S
        while True:
            try:
                await self._take_new()
                wait_s = _EVERY_S
            except CameraError:
                wait_s = min(_LONGEST_WAIT_S, wait_s * 2)
            await self._services.clock.sleep(wait_s)

    async def _take_new(self) -> None:
        """Tell what was not told yet, the oldest first.

        An event enters Frigate's list when it has a picture or a clip, with the time at which it began: one that
        comes late stands before others that were told.
        """
        after_s = max(self._since_s, self._newest_s - _LATE_S)
        asked = {"cameras": self._name, "after": f"{after_s:.6f}", "limit": str(_MOST_EVENTS)}
        answer = await self._frigate.ask("/api/events", asked)
        found = [one for one in answer if isinstance(one, dict)] if isinstance(answer, list) else []
        for one in sorted(found, key=_began):
            number = str(one.get("id", ""))[:100] or f"{_began(one):.6f}"
            if _began(one) <= self._since_s or number in self._told:
                continue
            label = str(one.get("label", ""))
            zones = [str(zone) for zone in one.get("zones") or ()][:20]
            data = {"label": label, "topic": number, "zones": zones}
            await self._events.take(_kind(label), "", None, {**data})
            self._told[number] = None
            self._newest_s = max(self._newest_s, _began(one))
            while len(self._told) > _MOST_TOLD:
                del self._told[next(iter(self._told))]
            # Kept before the next is told: after a restart none is told twice.
            kept = {"since": self._since_s, "newest": self._newest_s, "ids": list(self._told)}
            await self._services.remember("told", {**kept})
            await asyncio.sleep(0)


def _began(event: Mapping[str, Any]) -> float:
    began = event.get("start_time")
    return float(began) if isinstance(began, int | float) else 0.0


def _kind(label: str) -> str:
    if label in _VEHICLES:
        return "device.vehicle"
    if label in _ANIMALS:
        return "device.animal"
    return {"person": _PERSON, "face": "device.face", "fire_alarm": "device.audio"}.get(label, "device.motion")


async def _camera_names(frigate: FrigateHttp, texts: Texts) -> list[str]:
    config = await frigate.ask("/api/config")
    cameras = config.get("cameras") if isinstance(config, dict) else None
    if not isinstance(cameras, dict):
        raise CameraLost(texts("frigate.not_frigate"))
    return [str(name) for name in cameras]


async def channels(options: Mapping[str, Any], services: Services) -> Sequence[FoundCamera]:
    """Return the cameras that a Frigate watches."""
    frigate = FrigateHttp(options, services)
    try:
        names = await _camera_names(frigate, services.texts)
    finally:
        await frigate.http.close()
    kept = {"host": options["host"]}
    kept |= {key: options[key] for key in ("port", "https", "username") if options[key] != SCHEMA({"host": "x"})[key]}
    return [
        FoundCamera(type="frigate", name=name, options={**kept, "camera": name}, address=options["host"])
        for name in names
    ]


@hookimpl
def offer_cameras() -> Iterable[Kind[Camera]]:
    """Offer ``frigate``."""
    return (
        CameraKind(
            "frigate",
            SCHEMA,
            FrigateCamera,
            "Kamera yang sudah diawasi Frigate: gambarnya dan yang dilihatnya diambil dari sana",
            "A camera that a Frigate watches already: its pictures and what it saw are taken over",
            channels=channels,
        ),
    )
