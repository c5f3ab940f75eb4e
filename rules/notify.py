"""The action ``notify``: one notice for each address of a contact, committed before anything is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, uuid5

import voluptuous as vol

from ..core.clock import Clock
from ..core.errors import ActionFailed, StoreFailed
from ..core.rule_contracts import Hub
from ..core.settings import Address, Settings
from ..core.tasks import back_off_s
from ..core.types import ActionCall, ActionResult, Event, Json, Notice, new_id
from ..core.validators import Wrong, duration, text
from .rule import Fault

# An alert of half an hour ago sends people to a place where nothing happens any more.
EXPIRES_S = 1_800.0
PREFIX = "notify."
FAILED = "notice.failed"
# A full disk or a locked file mostly passes; an action must end within 30 s.
PATIENCE_S = 25.0
T = TypeVar("T")


class Notify:
    """Tell contacts; ``notify.<notifier>`` by that notifier alone, to a contact or to ``data.to``."""

    targets: tuple[str, ...] = ("contact",)

    def faults(self, name: str, target: dict[str, Any], values: dict[str, Any], settings: Settings) -> Iterable[Fault]:
        """Say what can be known wrong before the rule runs: a notifier or an address that is not there."""
        notifier = name.removeprefix(PREFIX) if name.startswith(PREFIX) else None
        if notifier is not None and notifier not in settings.names("notifiers"):
            yield Fault(
                path="action",
                key="rules.check.no_notifier",
                values={"name": notifier},
                near=notifier,
                known=tuple(settings.notifiers),
            )
        if target.get("contact"):
            return
        if notifier is None:
            yield Fault(path="target.contact", key="rules.check.contact_missing", values={"action": name})
        elif not values.get("to"):
            yield Fault(path="data.to", key="rules.check.to_missing", values={"action": name})

    def rescue(self, key: str, why: str, alias: str, event: Event | None, hub: Hub) -> Json | None:
        """Return a plain message where the rule's own could not be rendered: an alert must not fail by a word."""
        if key != "message" or event is None:
            return None
        camera = hub.settings.cameras.get(event.camera or "")
        place = camera.name if camera else event.camera or hub.settings.site.name
        return hub.texts("rules.action.rescued_message", rule=alias, place=place, kind=event.kind, why=why)

    async def unreached(self, path: str, why: str, call: ActionCall, hub: Hub) -> None:
        """Tell as ``notice.failed`` that an alert has nobody to go to: no notice can say so."""
        await _tell(hub, call, path, why, _Patience(hub.clock))

    async def run(self, call: ActionCall, hub: Hub) -> ActionResult:
        """Commit a notice for each address; one that is in the outbox already is no error. StoreFailed."""
        addresses, strangers = _addresses(call, hub)
        patience = _Patience(hub.clock)
        for name, why in strangers.items():
            await _tell(hub, call, name, why, patience)
        if not addresses:
            nobody = hub.texts("rules.action.nobody", action=call.action)
            if not strangers:
                await _tell(hub, call, call.action, nobody, patience)
            raise ActionFailed("; ".join(strangers.values()) or nobody)
        put: list[str] = []
        known: list[str] = []
        unkept: list[str] = []
        for address in addresses:
            notice = _notice(call, address, hub)
            try:
                is_new = await patience.until_kept(partial(hub.notify, notice))
            except StoreFailed as err:
                unkept.append(str(err))
            else:
                (put if is_new else known).append(f"{address.notifier}:{address.to}")
        if unkept:
            raise StoreFailed("; ".join(dict.fromkeys(unkept)))
        return ActionResult(
            is_ok=not strangers, data={"to": put, "already": known}, error="; ".join(strangers.values())
        )


class _Patience:
    """Try again what the disk refused; all that one action keeps shares the time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_s = clock.mono_s() + PATIENCE_S
        self._failures = 0

    async def until_kept(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what ``work`` returns. StoreFailed when the time is over."""
        while True:
            try:
                return await work()
            except StoreFailed:
                self._failures += 1
                wait_s = back_off_s(self._failures, 0.5, 4.0)
                if self._clock.mono_s() + wait_s > self._until_s:
                    raise
            await self._clock.sleep(wait_s)


async def _tell(hub: Hub, call: ActionCall, whom: str, why: str, patience: _Patience) -> None:
    # A rule about failed notices that cannot be sent itself would tell of itself for ever.
    if call.event is not None and call.event.kind == FAILED:
        return
    event = Event(
        # The same at every try: the log keeps it once.
        id=str(uuid5(NAMESPACE_URL, f"siaga:{call.key}:{whom}")),
        site=hub.settings.site.id,
        kind=FAILED,
        at=hub.clock.now(),
        data={
            "notice": "",
            "notifier": call.action.removeprefix(PREFIX) if call.action.startswith(PREFIX) else "",
            "to": whom,
            "state": "failed",
            "reason": hub.texts("rules.action.unreached", rule=call.rule_id, why=why),
            "attempts": 0,
            "is_final": True,
            "event": call.event.id if call.event else None,
        },
    )
    await patience.until_kept(partial(hub.emit, event))


def _addresses(call: ActionCall, hub: Hub) -> tuple[tuple[Address, ...], dict[str, str]]:
    """Return who is reached, and why a name is none of ours."""
    notifier = call.action.removeprefix(PREFIX) if call.action.startswith(PREFIX) else None
    found: dict[tuple[str, str], Address] = {}
    strangers: dict[str, str] = {}
    for contact_id in call.target.get("contact", ()):
        contact = hub.settings.contacts.get(contact_id)
        if contact is None:
            strangers[contact_id] = hub.texts("rules.check.no_contact", name=contact_id)
            continue
        for address in contact.via:
            if notifier in (None, address.notifier):
                found[(address.notifier, address.to)] = address
    if notifier is not None:
        for to in call.data.get("to", ()):
            found[(notifier, to)] = Address(notifier=notifier, to=to)
    return tuple(found.values()), strangers


def _notice(call: ActionCall, address: Address, hub: Hub) -> Notice:
    data, now = call.data, hub.clock.now()
    image = data.get("image") or (call.event.snapshot if call.event else None) or data.get("snapshot")
    return Notice(
        id=new_id(),
        key=f"{call.key}:{address.notifier}/{address.to}",
        notifier=address.notifier,
        to=address.to,
        text=data["message"],
        created_at=now,
        expires_at=now + timedelta(seconds=data["expires"]),
        image=image,
        clip=data.get("clip"),
        priority=data["priority"],
        parameters=tuple(data.get("parameters", (data["message"],))),
        event_id=call.event.id if call.event else None,
        run_id=call.run_id or None,
    )


def _texts(value: Any) -> list[str]:  # noqa: ANN401
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) for item in items):
        raise Wrong("rules.check.texts")
    return [str(item) for item in items]


NOTIFY = vol.Schema(
    {
        vol.Required("message", description="rules.action.message"): text,
        vol.Optional("priority", default="normal", description="rules.action.priority"): vol.In(
            ["low", "normal", "high"]
        ),
        vol.Optional("to", description="rules.action.to"): _texts,
        vol.Optional("image", description="rules.action.image"): vol.Any(None, str),
        vol.Optional("clip", description="rules.action.clip"): vol.Any(None, str),
        vol.Optional("snapshot", description="rules.action.snapshot"): vol.Any(None, str),
        vol.Optional("expires", default=EXPIRES_S, description="rules.action.expires"): vol.All(
            duration, vol.Range(min=10, max=86_400)
        ),
        vol.Optional("parameters", description="rules.action.parameters"): _texts,
    }
)
