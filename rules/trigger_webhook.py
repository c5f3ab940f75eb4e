"""The trigger ``webhook``: a call of a secret address, by a sensor or another program."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import Trigger
from ..core.texts import Texts
from ..core.types import Event, Struct
from ..core.validators import OneOrMany, Wrong

KIND = "webhook.call"
METHODS = ("POST", "PUT", "GET")
# Home Assistant's default too: a link that somebody follows must not fire anything.
USUAL_METHODS = ("POST", "PUT")
# Sixteen characters out of 64 are 96 bits: nobody finds one by trying.
_ID = re.compile(r"[A-Za-z0-9_-]{16,128}")


def webhook_print(webhook_id: str) -> str:
    """Return what stands for a secret address in events and traces; the address cannot be made from it."""
    return hashlib.sha256(webhook_id.encode()).hexdigest()[:24]


class WebhookTrigger:
    """Fire when the address was called."""

    kinds: tuple[str, ...] = (KIND,)
    cameras: tuple[str, ...] = ()

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        self.print = webhook_print(options["webhook_id"])
        self.methods: tuple[str, ...] = tuple(options.get("allowed_methods", USUAL_METHODS))
        self._texts = texts

    def miss(self, event: Event) -> str | None:
        """Return None when the event is a call of this address."""
        if event.kind != KIND or event.data.get("webhook") != self.print:
            return self._texts("rules.miss.webhook")
        if event.data.get("method") not in self.methods:
            wanted = ", ".join(self.methods)
            return self._texts("rules.miss.field", field="method", value=event.data.get("method"), wanted=wanted)
        return None


def webhooks_in(part: Any) -> dict[str, frozenset[str]]:  # noqa: ANN401  a rule, or anything inside one
    """Return the addresses that a rule and its waiting steps listen to, with the methods that are taken."""
    if isinstance(part, WebhookTrigger):
        return {part.print: frozenset(part.methods)}
    found: dict[str, frozenset[str]] = {}
    inner = (getattr(part, name) for name in part.__struct_fields__) if isinstance(part, Struct) else part
    if isinstance(part, Struct | tuple):
        for one in inner:
            for webhook, methods in webhooks_in(one).items():
                found[webhook] = found.get(webhook, frozenset()) | methods
    return found


def _webhook_id(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Wrong("rules.check.webhook_id")
    return value


WEBHOOK_TRIGGER = vol.Schema(
    {
        vol.Required("webhook_id", description="rules.trigger.webhook_id"): _webhook_id,
        vol.Optional("allowed_methods", description="rules.trigger.webhook_methods"): OneOrMany(
            vol.In(METHODS), at_least=1
        ),
    }
)


@hookimpl
def offer_triggers() -> Iterable[Kind[Trigger]]:
    """Offer the trigger ``webhook``."""
    summary = "Alamat rahasia dipanggil alat atau program lain"
    return (Kind("webhook", WEBHOOK_TRIGGER, WebhookTrigger, summary, "A call of a secret address"),)
