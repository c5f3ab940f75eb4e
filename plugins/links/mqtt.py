"""Link kind ``mqtt``: what sensors and other programs publish at a broker becomes events, ``mqtt.message``."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import voluptuous as vol

from ...core import EventKind, Kind, Link, LinkLost, LinkSettings, PluginError, Services, hookimpl
from ...core.validators import boolean, text

# A sensor's word is short; what is longer is cut, and said so.
MAX_PAYLOAD_CHARS = 4_096
# Messages that wait while the disk is slow; a broker that floods loses the newest.
MAX_WAITING = 500
CONNECT_LIMIT_S = 10.0
KEEP_ALIVE_S = 30


def _topics(value: object) -> list[str]:
    items: list[Any] = value if isinstance(value, list) else [value]
    for item in items:
        parts = item.split("/") if isinstance(item, str) else []
        is_right = parts and all(part in ("+", "#") or not set(part) & set("+#\0") for part in parts)
        # "#" stands for all that follows, so nothing may follow it (MQTT 5.0, 4.7.1).
        if not is_right or "#" in parts[:-1] or item == "":
            raise vol.Invalid("sensor/+/status")
    return items


SCHEMA = vol.Schema(
    {
        vol.Required("host", description="mqtt.option.host"): text,
        vol.Optional("port", description="mqtt.option.port"): vol.All(int, vol.Range(1, 65_535)),
        vol.Required("subscribe", description="mqtt.option.subscribe"): _topics,
        vol.Optional("username", description="mqtt.option.username"): text,
        vol.Optional("password", description="mqtt.option.password"): text,
        vol.Optional("tls", default=False, description="mqtt.option.tls"): boolean,
        vol.Optional("client_id", description="mqtt.option.client_id"): text,
    }
)


class MqttLink:
    """Fulfil ``Link`` over aiomqtt. The session is kept by the broker: what comes while we are away is sent later."""

    def __init__(self, settings: LinkSettings, services: Services) -> None:
        try:
            import aiomqtt  # only who links pays for it
        except ImportError as err:
            raise PluginError(services.texts("mqtt.missing")) from err
        self._mqtt = aiomqtt
        self._id = settings.id
        self._options = settings.options
        self._services = services

    async def run(self, is_up: Callable[[], None]) -> None:
        """Stay connected until cancelled. LinkLost says why it ended."""
        options = self._options
        try:
            async with self._client() as client:
                for topic in options["subscribe"]:
                    await client.subscribe(topic, qos=1)
                is_up()
                async for message in client.messages:
                    await self._tell(message)
        except self._mqtt.MqttError as err:
            raise LinkLost(self._services.texts("mqtt.lost", host=options["host"], why=_words(err))) from err
        raise LinkLost(self._services.texts("mqtt.lost", host=options["host"], why="-"))

    def _client(self) -> Any:  # noqa: ANN401  a library that may be missing has no type here
        options = self._options
        is_tls = options.get("tls", False)
        return self._mqtt.Client(
            options["host"],
            options.get("port", 8883 if is_tls else 1883),
            username=options.get("username"),
            password=options.get("password"),
            identifier=options.get("client_id", f"siaga-{self._services.site.id}-{self._id}"),
            clean_session=False,
            timeout=CONNECT_LIMIT_S,
            keepalive=KEEP_ALIVE_S,
            max_queued_incoming_messages=MAX_WAITING,
            tls_context=ssl.create_default_context() if is_tls else None,
        )

    async def _tell(self, message: Any) -> None:  # noqa: ANN401
        payload = message.payload if isinstance(message.payload, bytes) else str(message.payload or "").encode()
        words = payload.decode("utf-8", errors="replace")
        data = {
            "link": self._id,
            "topic": str(message.topic),
            "payload": words[:MAX_PAYLOAD_CHARS],
            "json": _json(words),
            "is_cut": len(words) > MAX_PAYLOAD_CHARS,
            "is_retained": bool(message.retain),
        }
        await self._services.emit("mqtt.message", data=data)


def _json(words: str) -> Any:  # noqa: ANN401
    """Return what a payload means as JSON, None where it is none."""
    if len(words) > MAX_PAYLOAD_CHARS:
        return None
    try:
        return msgspec.json.decode(words)
    except (msgspec.DecodeError, RecursionError):
        return None


def _words(err: Exception) -> str:
    return str(err.__cause__ or err) or type(err).__name__


@hookimpl
def offer_links() -> Iterable[Kind[Link]]:
    """Offer ``mqtt``."""
    return (Kind("mqtt", SCHEMA, MqttLink, "Broker MQTT: kabar sensor dan alat lain", "An MQTT broker"),)


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document what a broker's messages become."""
    fields = {
        "link": "nama sambungan di links",
        "topic": "topik MQTT",
        "payload": "isi pesan sebagai teks",
        "json": "isi pesan sebagai JSON, kosong bila bukan JSON",
        "is_cut": "true bila isi terlalu panjang dan dipotong",
        "is_retained": "true bila pesan lama yang disimpan broker",
    }
    return (EventKind(name="mqtt.message", summary="Pesan MQTT diterima", fields=fields),)
