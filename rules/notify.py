"""The action ``notify``: asks the alert desk to tell people, and sees to it that an alert is not lost on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, uuid5

import voluptuous as vol

from ..core.clock import Clock
from ..core.errors import ActionFailed, StoreFailed
from ..core.rule_contracts import Hub
from ..core.settings import Settings
from ..core.tasks import back_off_s
from ..core.types import ActionCall, ActionResult, Alert, Escalation, Event, Json
from ..core.validators import Each, Wrong, duration, optional_text, text
from .rule import Fault
from .templates import is_template

# An alert of half an hour ago sends people to a place where nothing happens any more.
EXPIRES_S = 1_800.0
# A person who walks through a picture is seen again and again; five minutes on, it may be another.
GROUP_S = 300.0
PREFIX = "notify."
TARGETS = ("contact", "team", "rota")
FAILED = "notice.failed"
# A full disk or a locked file mostly passes; an action must end within 30 s.
PATIENCE_S = 25.0
T = TypeVar("T")


class Notify:
    """Tell people; ``notify.<notifier>`` by that notifier alone, to them or to ``data.to``."""

    targets: tuple[str, ...] = TARGETS

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
        yield from _faults_of_steps(values, settings)
        if any(target.get(key) for key in TARGETS):
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
        """Ask the alert desk; what it has under this key already is no error. StoreFailed."""
        patience = _Patience(hub.clock)
        outcome = await patience.until_kept(partial(hub.alert, _alert(call)))
        for name, why in outcome.left_out.items():
            await _tell(hub, call, name, why, patience)
        data: dict[str, Json] = {"to": list(outcome.told), "already": list(outcome.known)}
        if outcome.incident_id is not None:
            data["incident"] = outcome.incident_id
        if outcome.is_grouped:
            data["grouped"] = True
        if outcome.held:
            data["held"] = dict(outcome.held)
        if not (outcome.told or outcome.known or outcome.held or outcome.is_grouped):
            nobody = hub.texts("rules.action.nobody", action=call.action)
            if not outcome.left_out:
                await _tell(hub, call, call.action, nobody, patience)
            raise ActionFailed("; ".join(outcome.left_out.values()) or nobody)
        return ActionResult(is_ok=not outcome.left_out, data=data, error="; ".join(outcome.left_out.values()))


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


def _alert(call: ActionCall) -> Alert:
    data, event = call.data, call.event
    escalate = tuple(
        Escalation(after_s=step["after"], target=_names(step["target"]), text=step["message"])
        for step in data["escalate"]
    )
    return Alert(
        key=call.key,
        text=data["message"],
        target=call.target,
        notifier=call.action.removeprefix(PREFIX) if call.action.startswith(PREFIX) else None,
        to=tuple(data.get("to", ())),
        title=data["title"],
        priority=data["priority"],
        incident=incident_key(call, has_escalation=bool(escalate)),
        group_s=data["group"],
        escalate=escalate,
        image=picture_of(call),
        clip=data.get("clip"),
        parameters=tuple(data.get("parameters", (data["message"],))),
        expires_s=data["expires"],
        late_s=call.late_s,
        event=event,
        run_id=call.run_id,
        rule_id=call.rule_id,
        step=call.key.removeprefix(f"{call.run_id}:"),
    )


def picture_of(call: ActionCall) -> str | None:
    """Return the picture that a step names, else the event's, else the newest that the run took."""
    of_event = call.event.snapshot if call.event else None
    return call.data.get("image") or of_event or call.data.get("snapshot")


def incident_key(call: ActionCall, *, has_escalation: bool = False) -> str:
    """Return under which key an alert is gathered; empty where nobody has to answer it.

    By itself that is the rule and the camera. What has no camera (a report by the clock) or is of low priority is
    news, not a matter for somebody, unless it escalates.
    """
    given = call.data.get("incident")
    if given is False or given == "":
        return ""
    if isinstance(given, str):
        return given
    if call.event is not None and call.event.kind.startswith("incident."):
        return str(call.event.data.get("incident") or "")
    camera = call.event.camera if call.event else None
    is_matter = given is True or has_escalation or (camera is not None and call.data.get("priority") != "low")
    if not is_matter:
        return ""
    return f"{call.rule_id}/{camera}" if camera else call.rule_id


def _names(target: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(names) for key, names in target.items()}


def _faults_of_steps(values: dict[str, Any], settings: Settings) -> Iterable[Fault]:
    """Name who stands in an escalation and is nobody's name."""
    steps = values.get("escalate")
    for number, step in enumerate(steps if isinstance(steps, list) else ()):
        target = step.get("target") if isinstance(step, dict) else None
        for key in TARGETS:
            names = target.get(key) if isinstance(target, dict) else None
            known = settings.names(f"{key}s")
            for at, name in enumerate(names if isinstance(names, list) else [names]):
                if isinstance(name, str) and not is_template(name) and name not in known:
                    path = f"data.escalate.{number}.target.{key}" + (f".{at}" if isinstance(names, list) else "")
                    yield Fault(path=path, key=f"rules.check.no_{key}", values={"name": name}, near=name, known=known)


def _texts(value: Any) -> list[str]:  # noqa: ANN401
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) for item in items):
        raise Wrong("rules.check.texts")
    return [str(item) for item in items]


def _incident(value: Any) -> bool | str | None:  # noqa: ANN401
    # A template of one number gives a number, and a key is a word.
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise Wrong("check.text")


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
        vol.Optional("title", default="", description="rules.action.title"): optional_text,
        vol.Optional("incident", description="rules.action.incident"): _incident,
        vol.Optional("group", default=GROUP_S, description="rules.action.group"): vol.All(
            duration, vol.Range(min=0, max=86_400)
        ),
        vol.Optional("escalate", default=list, description="rules.action.escalate"): Each(
            {
                vol.Required("after", description="rules.action.escalate_after"): vol.All(
                    duration, vol.Range(min=10, max=86_400)
                ),
                vol.Optional("target", default=dict, description="rules.action.escalate_target"): {
                    vol.Optional("contact", description="rules.action.target_contact"): _texts,
                    vol.Optional("team", description="rules.action.target_team"): _texts,
                    vol.Optional("rota", description="rules.action.target_rota"): _texts,
                },
                vol.Optional("message", default="", description="rules.action.escalate_message"): optional_text,
            }
        ),
    }
)
