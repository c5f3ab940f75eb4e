"""The actions that Siaga brings for pictures and the log: record, take a picture, write a line."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.errors import ActionFailed, SiagaError
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import Action, Hub
from ..core.settings import Settings
from ..core.types import ActionCall, ActionResult
from ..core.validators import duration, text
from .notify import NOTIFY, Notify
from .rule import Fault

logger = logging.getLogger("siaga.rules.log")

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
BURST_LIMIT_S = 600.0


class Burst:
    """Cut a clip around the event, of the event's own camera when no target is given."""

    targets: tuple[str, ...] = ("camera",)

    def faults(self, name: str, target: dict[str, Any], values: dict[str, Any], settings: Settings) -> Iterable[Fault]:
        """Refuse more of the past than the recorder keeps."""
        try:
            before_s = duration(values.get("before", 0))
        except vol.Invalid:
            return  # a template, or the schema says what is wrong
        if before_s > settings.media.ring_s:
            kept = {"before": f"{before_s:g}", "ring": f"{settings.media.ring_s:g}"}
            yield Fault(path="data.before", key="rules.check.before_beyond_ring", values=kept)

    async def run(self, call: ActionCall, hub: Hub) -> ActionResult:
        """Ask the recorder; the clip's id is known at once, the clip is there when it has been cut."""
        at = call.event.at if call.event else hub.clock.now()
        # The default, or what a template gives, may be more of the past than this hub keeps.
        before_s = min(float(call.data["before"]), hub.settings.media.ring_s)
        after_s = float(call.data["after"])
        clips: dict[str, str] = {}
        failed = []
        for camera_id in _cameras(call, hub):
            try:
                clips[camera_id] = await hub.burst(camera_id, at, before_s, after_s, f"{call.key}/{camera_id}")
            except (SiagaError, OSError) as err:
                failed.append(f"{camera_id}: {err}")
        return ActionResult(is_ok=not failed, data={"clips": clips}, error="; ".join(failed))


class Snapshot:
    """Take and keep a picture now, of the event's own camera when no target is given."""

    targets: tuple[str, ...] = ("camera",)

    async def run(self, call: ActionCall, hub: Hub) -> ActionResult:
        """Take one picture of each camera."""
        images: dict[str, str] = {}
        failed = []
        for camera_id in _cameras(call, hub):
            try:
                images[camera_id] = await hub.snapshot(camera_id)
            except (SiagaError, OSError) as err:
                failed.append(f"{camera_id}: {err}")
        return ActionResult(is_ok=not failed, data={"images": images}, error="; ".join(failed))


class Log:
    """Write a line to the log."""

    targets: tuple[str, ...] = ()

    async def run(self, call: ActionCall, hub: Hub) -> ActionResult:
        """Write it at its level."""
        logger.log(_LEVELS[call.data["level"]], "%s: %s", call.rule_id, call.data["message"])
        return ActionResult(data={"message": call.data["message"]})


def _cameras(call: ActionCall, hub: Hub) -> tuple[str, ...]:
    cameras = call.target.get("camera") or ((call.event.camera,) if call.event and call.event.camera else ())
    if not cameras:
        raise ActionFailed(hub.texts("rules.action.no_camera", action=call.action))
    return cameras


_LENGTH = vol.All(duration, vol.Range(min=0, max=BURST_LIMIT_S))
BURST = vol.Schema(
    {
        vol.Optional("before", default=10, description="rules.action.before"): _LENGTH,
        vol.Optional("after", default=30, description="rules.action.after"): _LENGTH,
    }
)
LOG = vol.Schema(
    {
        vol.Required("message", description="rules.action.log_message"): text,
        vol.Optional("level", default="info", description="rules.action.level"): vol.In(list(_LEVELS)),
    }
)


@hookimpl
def offer_actions() -> Iterable[Kind[Action]]:
    """Offer the built-in actions."""
    return (
        Kind("notify", NOTIFY, Notify, "Kirim peringatan ke kontak", "Send an alert to contacts"),
        Kind("recording.burst", BURST, Burst, "Rekam cuplikan di sekitar kejadian", "Record around the event"),
        Kind("snapshot", vol.Schema({}), Snapshot, "Ambil gambar sekarang", "Take a picture now"),
        Kind("log", LOG, Log, "Tulis ke log", "Write to the log"),
    )
