"""One channel of an ONVIF device: its streams, pictures, PTZ, relays, clock and events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

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
    validators,
)
from .device import (
    Channel,
    Profile,
    device_time,
    find_channels,
    find_services,
    name_and_model,
    relay_tokens,
    set_clock,
    set_relay,
    snapshot_address,
    stream_address,
)
from .events import read_words
from .ptz import find_ptz
from .recordings import OnvifRecordings
from .soap import EVENTS, PTZ, OnvifDevice
from .topics import TOPICS, Word

_KINDS = sorted({kind.removeprefix("device.") for kind in (*TOPICS.values(), "device.vehicle", "device.animal")})
# What says something of the street or of the device; plain motion is told by our own eyes, relays are our own doing.
_USUAL = [name for name in _KINDS if name not in ("motion", "output")]
_LARGEST_PICTURE = 8_000_000
# A pull point is given back within this, or the device drops it itself after a minute.
_LEAVE_S = 2.5
_RELAYS_AFTER_S, _RELAYS_AT_LEAST_EVERY_S = 10.0, 600.0
_PORT = vol.All(int, vol.Range(1, 65535))
SCHEMA = vol.Schema(
    {
        vol.Required("host", description="hikvision.option.host"): validators.text,
        vol.Optional("port", default=80, description="onvif.option.port"): _PORT,
        vol.Optional("https", default=False, description="hikvision.option.https"): validators.boolean,
        vol.Optional("channel", default=1, description="media.option.channel"): vol.All(int, vol.Range(1, 256)),
        vol.Optional("username", default="", description="media.option.username"): str,
        vol.Optional("password", default="", description="media.option.password"): str,
        vol.Optional("outputs", default=dict, description="onvif.option.outputs"): {validators.text: validators.text},
        vol.Optional("events", default=_USUAL, description="hikvision.option.events"): [vol.In(_KINDS)],
    }
)


class OnvifCamera:
    """Fulfil ``Camera`` and what else the device offers."""

    def __init__(self, settings: CameraSettings, services: Services, *, streams: SharedStreams[Word]) -> None:
        self._options: dict[str, Any] = settings.options
        self._services = services
        self._device = onvif_device(self._options, services)
        self._device.relearn = partial(set_clock, self._device, services.texts)
        self._events = DeviceEvents(services, ends_after_s=0)
        self._wanted = frozenset(f"device.{name}" for name in self._options["events"])
        self._stream = streams.of((self._options["host"], self._options["port"], self._options["username"]))
        self._listens = False
        self._closing, self._left = asyncio.Event(), asyncio.Event()
        self._addresses: dict[str, str] = {}
        self._channel: Channel | None = None
        self._is_alone = True
        self._pictures: tuple[str, DeviceHttp] | None = None
        self.ptz: Ptz | None = None
        self.io: Outputs | None = None

    async def start(self) -> None:
        """Set the clock, log in, learn what there is, and begin to hear the device."""
        texts = self._services.texts
        self._device.http.open()
        self._closing.clear()
        await set_clock(self._device, texts)
        self._addresses = await find_services(self._device)
        channels = await find_channels(self._device, self._addresses, texts)
        number = self._options["channel"]
        if number > len(channels):
            raise CameraLost(texts("onvif.no_channel", channel=number, count=len(channels)))
        self._is_alone = len(channels) == 1
        self._channel = channels[number - 1]
        main = self._channel.main
        self.ptz = await find_ptz(
            self._device, self._addresses.get(PTZ) if main.has_ptz else None, main.token, self._services
        )
        if not await self._learn_relays():
            self._services.start("relays", self._learn_relays_later)
        if self._wanted and EVENTS in self._addresses and not self._listens:
            self._listens = True
            self._services.start("device events", self._listen)

    async def streams(self) -> Sequence[StreamSource]:
        """Return the large stream for recording and the small one for the eyes."""
        assert self._channel is not None
        sources = [await self._source("main", self._channel.main)]
        if self._channel.sub.token != self._channel.main.token:
            sources.append(await self._source("sub", self._channel.sub))
        return tuple(sources)

    async def stop(self) -> None:
        """Give the pull point back, and let go of the connections."""
        self._closing.set()
        if self._listens:
            self._listens = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    await self._left.wait()
        await self._device.http.close()
        if self._pictures is not None:
            await self._pictures[1].close()

    async def snapshot(self) -> bytes:
        """Return a JPEG, where the device offers one."""
        if self._channel is None:
            raise CameraLost(self._services.texts("onvif.not_ready"))
        if self._pictures is None:
            told = await snapshot_address(self._device, self._addresses, self._channel.main)
            if not told:
                raise NotSupported(self._services.texts("onvif.no_snapshot"))
            self._pictures = self._picture_http(told)
        path, http = self._pictures
        answer = await http.get(path, largest_bytes=_LARGEST_PICTURE)
        if not answer.body.startswith(b"\xff\xd8"):
            raise CameraLost(self._services.texts("onvif.no_picture"))
        return answer.body

    async def device_time(self) -> datetime:
        """Return the device's clock."""
        return await device_time(self._device, self._services.texts)

    async def recordings(self, begin: datetime, end: datetime) -> Sequence[RecordedSpan]:
        """Return what a device of profile G keeps itself."""
        return await self._card().find(begin, end)

    async def replay(self, begin: datetime, end: datetime) -> ReplaySource:
        """Return how a device of profile G plays it."""
        card = self._card()
        source = self._stream_source("main", await card.address())
        if not source.url.startswith("rtsp:"):
            raise NotSupported(self._services.texts("card.tls"))
        return ReplaySource(source=source, begin=begin, headers=card.headers(begin, end))

    def _card(self) -> OnvifRecordings:
        if self._channel is None:
            raise CameraLost(self._services.texts("onvif.not_ready"))
        names, number = _names(self._channel), self._options["channel"]
        return OnvifRecordings(self._device, self._addresses, self._services.texts, names=names, channel=number)

    async def _source(self, role: Literal["main", "sub"], profile: Profile) -> StreamSource:
        told = await stream_address(self._device, self._addresses, profile, self._services.texts)
        return self._stream_source(role, told)

    def _stream_source(self, role: Literal["main", "sub"], address: str) -> StreamSource:
        told = urlsplit(address)
        if told.scheme not in ("rtsp", "rtsps"):
            raise CameraLost(self._services.texts("onvif.no_stream"))
        # The device tells its own side's address, and sometimes the login; the operator's is the one that is reached.
        port = told.netloc.rpartition("@")[2].rpartition(":")[2]
        host = f"{self._options['host']}:{port}" if port.isdecimal() else self._options["host"]
        return StreamSource(
            role=role,
            url=urlunsplit((told.scheme, host, told.path, told.query, "")),
            username=self._options["username"],
            password=self._options["password"],
        )

    def _picture_http(self, told: str) -> tuple[str, DeviceHttp]:
        parts = urlsplit(told)
        port = parts.netloc.rpartition("@")[2].rpartition(":")[2]
        host = f"{self._options['host']}:{port}" if port.isdecimal() else self._options["host"]
        base = f"{parts.scheme if parts.scheme == 'https' else 'http'}://{host}"
        login = {"username": self._options["username"], "password": self._options["password"]}
        return urlunsplit(("", "", parts.path, parts.query, "")), DeviceHttp(self._services, base, **login)

    async def _learn_relays(self) -> bool:
        """Learn what can be switched; False where the device did not say it this time."""
        tokens = dict(self._options["outputs"])
        try:
            tokens = {f"relay-{token}": token for token in await relay_tokens(self._device)} | tokens
        except NotSupported:
            pass
        except CameraError:
            return False
        finally:
            self.io = DeviceOutputs(self._services, tokens, self._set_output) if tokens else None
        return True

    async def _learn_relays_later(self) -> None:
        wait_s = _RELAYS_AFTER_S
        while not self._closing.is_set():
            await self._services.clock.sleep(wait_s)
            if await self._learn_relays():
                return
            wait_s = min(2 * wait_s, _RELAYS_AT_LEAST_EVERY_S)

    async def _set_output(self, token: str, is_on: bool) -> None:
        await set_relay(self._device, token, is_on=is_on)

    async def _listen(self) -> None:
        self._left.clear()
        try:
            await self._stream.follow(self._services, self._read, self._hear, self._events.lost, self._closing)
        finally:
            self._left.set()

    def _read(self) -> AsyncIterator[Word]:
        return read_words(self._device, self._addresses[EVENTS], self._services)

    async def _hear(self, word: Word) -> None:
        if self._channel is None or word.kind not in self._wanted:
            return
        # What names no picture is the device's own; of several cameras the first tells it.
        is_mine = word.video in _names(self._channel) if word.video else self._options["channel"] == 1
        if is_mine or self._is_alone:
            await self._events.take(word.kind, word.source, word.is_on, {"topic": word.topic})


def onvif_device(options: Mapping[str, Any], services: Services) -> OnvifDevice:
    """Return how a device is asked."""
    login = (options["username"], options["password"])
    return OnvifDevice(services, options["host"], options["port"], login, https=options["https"])


async def channels(options: Mapping[str, Any], services: Services) -> Sequence[FoundCamera]:
    """Return the cameras of one device: one, or each channel of a recorder."""
    device = onvif_device(options, services)
    try:
        await set_clock(device, services.texts)
        maker, model, serial = await name_and_model(device)
        found = await find_channels(device, await find_services(device), services.texts)
    finally:
        await device.http.close()
    kept = {key: options[key] for key in ("host", "username")}
    kept |= {key: options[key] for key, usual in (("port", 80), ("https", False)) if options[key] != usual}
    name = f"{maker} {model}".strip()
    return [
        FoundCamera(
            type="onvif",
            name=f"{name} {number}" if len(found) > 1 else name,
            options={**kept, **({"channel": number} if len(found) > 1 else {})},
            model=name,
            address=options["host"],
            serial=serial,
        )
        for number in range(1, len(found) + 1)
    ]


def _names(channel: Channel) -> frozenset[str]:
    """Return what an event may call the picture of a channel: its source, or one of its profiles."""
    names = (channel.main.source, *(n for p in (channel.main, channel.sub) for n in (p.token, p.configuration)))
    return frozenset(name for name in names if name)
