"""The trigger ``mqtt``: a message on a topic, heard by a link."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import Trigger
from ..core.settings import Settings
from ..core.texts import Texts
from ..core.types import Event
from ..core.validators import OneOrMany, boolean, text
from .rule import Fault

KIND = "mqtt.message"


class MqttTrigger:
    """Fire on a message whose topic and payload fit; one that the broker kept from before only when asked."""

    kinds: tuple[str, ...] = (KIND,)
    cameras: tuple[str, ...] = ()

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        self._topic: str = options["topic"]
        self._payloads = tuple(options.get("payload", ()))
        self._link: str | None = options.get("link")
        self._takes_retained: bool = options.get("retained", False)
        self._texts = texts

    def miss(self, event: Event) -> str | None:
        """Return None when the message fires this trigger, else what does not fit."""
        data = event.data
        if event.kind != KIND:
            return self._wrong("kind", event.kind, KIND)
        if self._link is not None and data.get("link") != self._link:
            return self._wrong("link", data.get("link"), self._link)
        if not topic_fits(self._topic, str(data.get("topic", ""))):
            return self._wrong("topic", data.get("topic"), self._topic)
        if self._payloads and str(data.get("payload", "")) not in self._payloads:
            return self._wrong("payload", data.get("payload"), ", ".join(self._payloads))
        if data.get("is_retained") and not self._takes_retained:
            return self._texts("rules.miss.retained")
        return None

    def faults(self, settings: Settings) -> Iterable[Fault]:
        """Say that no link hears this topic: the rule would wait for ever."""
        links = {name: link for name, link in settings.links.items() if link.type == "mqtt"}
        known = settings.names("links")
        if self._link is not None and self._link not in known:
            near = {"name": self._link}
            yield Fault(path="link", key="rules.check.no_link", values=near, near=self._link, known=known)
            return
        if any(name not in links for name in known):
            return  # one that is off, or of a stranger's kind: what it hears is not known here
        asked = [links[self._link]] if self._link is not None else links.values()
        heard = [topic for link in asked for topic in link.options.get("subscribe", ())]
        if not any(filters_meet(self._topic, topic) for topic in heard):
            heard_words = ", ".join(heard) or "-"
            yield Fault(
                path="topic", key="rules.check.topic_unheard", values={"topic": self._topic, "heard": heard_words}
            )

    def _wrong(self, field: str, value: object, wanted: str) -> str:
        return self._texts("rules.miss.field", field=field, value="-" if value is None else value, wanted=wanted)


def topic_fits(pattern: str, topic: str) -> bool:
    """Say whether a topic fits a filter (MQTT 5.0, 4.7): ``+`` is one level, ``#`` all that follow."""
    levels, wanted = topic.split("/"), pattern.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False  # a broker's own topics are asked for by name only
    for number, part in enumerate(wanted):
        if part == "#":
            return True
        if number >= len(levels) or part not in ("+", levels[number]):
            return False
    return len(levels) == len(wanted)


def filters_meet(one: str, other: str) -> bool:
    """Say whether a topic can fit both filters."""
    first, second = one.split("/"), other.split("/")
    for number in range(max(len(first), len(second)) + 1):
        a = first[number] if number < len(first) else None
        b = second[number] if number < len(second) else None
        if "#" in (a, b):
            return True
        if a is None or b is None:
            return a is b
        if a != b and "+" not in (a, b):
            return False
    return False


MQTT_TRIGGER = vol.Schema(
    {
        vol.Required("topic", description="rules.trigger.mqtt_topic"): text,
        vol.Optional("payload", description="rules.trigger.mqtt_payload"): OneOrMany(text),
        vol.Optional("link", description="rules.trigger.mqtt_link"): text,
        vol.Optional("retained", description="rules.trigger.mqtt_retained"): boolean,
    }
)


@hookimpl
def offer_triggers() -> Iterable[Kind[Trigger]]:
    """Offer the trigger ``mqtt``."""
    return (Kind("mqtt", MQTT_TRIGGER, MqttTrigger, "Pesan MQTT dari alat atau program lain", "An MQTT message"),)
