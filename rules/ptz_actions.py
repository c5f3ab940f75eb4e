"""The actions that turn cameras, by the PTZ desk: a rule yields to a person, and holds a camera as long as it asks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.hookspecs import hookimpl
from ..core.ptz.lease import Mover
from ..core.rule_contracts import Action, Hub
from ..core.settings import Settings
from ..core.types import ActionCall, Priority
from ..core.validators import boolean, text
from .camera_actions import CameraAction, seconds
from .rule import Fault
from .templates import is_template

MOVE_LIMIT_S = 10.0
# A rule that asked for a whole day would leave nobody but people to turn the camera.
HOLD_LIMIT_S = 3600.0
_PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high")


class GotoPreset(CameraAction):
    """Turn cameras to a preset; which presets a camera has may be known only when it is asked."""

    def faults(self, name: str, target: dict[str, Any], values: dict[str, Any], settings: Settings) -> Iterable[Fault]:
        """Find a preset that a camera is known not to have; what is not known is not checked."""
        yield from super().faults(name, target, values, settings)
        cameras, preset = target.get("camera"), values.get("preset")
        if not isinstance(preset, str) or is_template(preset):
            return
        for camera in cameras if isinstance(cameras, list) else [cameras]:
            known = settings.presets(camera) if isinstance(camera, str) else None
            if known is not None and preset.strip() not in known:
                said = {"camera": camera, "preset": preset}
                key = "rules.check.no_preset" if known else "rules.check.no_presets"
                yield Fault(path="data.preset", key=key, values=said, near=preset if known else "", known=known)

    async def ask(self, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Turn one camera."""
        await hub.ptz.goto(camera_id, str(call.data["preset"]), _mover(call), hold_s=call.data.get("hold", 0.0))


class Move(CameraAction):
    """Turn cameras for a moment, from where they stand."""

    async def ask(self, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Turn one camera."""
        data = call.data
        speed = (data["pan"], data["tilt"], data["zoom"])
        await hub.ptz.move(camera_id, speed, data["seconds"], _mover(call), hold_s=data.get("hold", 0.0))


class Stop(CameraAction):
    """Hold cameras still."""

    async def ask(self, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Stop one camera."""
        await hub.ptz.stop(camera_id, _mover(call))


class Home(CameraAction):
    """Turn cameras to their home."""

    async def ask(self, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Turn one camera."""
        await hub.ptz.home(camera_id, _mover(call), hold_s=call.data.get("hold", 0.0))


class Release(CameraAction):
    """Give cameras back that this rule holds."""

    async def ask(self, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Give one camera back."""
        await hub.ptz.release(camera_id, _mover(call))


class Patrol(CameraAction):
    """Switch the patrol of cameras on or off."""

    async def ask(self, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Switch the patrol of one camera."""
        await hub.ptz.patrol(camera_id, _mover(call), is_on=bool(call.data["on"]))


def _mover(call: ActionCall) -> Mover:
    return Mover(kind="rule", name=call.rule_id, run=call.run_id, priority=call.data.get("priority", "normal"))


_SPEED = vol.All(vol.Coerce(float), vol.Range(min=-1, max=1))
_HELD: dict[vol.Marker, Any] = {
    vol.Optional("hold", default=0, description="rules.action.hold"): seconds(0, HOLD_LIMIT_S),
    vol.Optional("priority", default="normal", description="rules.action.ptz_priority"): vol.In(_PRIORITIES),
}
_RANKED: dict[vol.Marker, Any] = {
    vol.Optional("priority", default="normal", description="rules.action.ptz_priority"): vol.In(_PRIORITIES),
}
GOTO_PRESET = vol.Schema({vol.Required("preset", description="rules.action.preset"): text, **_HELD})
MOVE = vol.Schema(
    {
        vol.Optional("pan", default=0, description="rules.action.pan"): _SPEED,
        vol.Optional("tilt", default=0, description="rules.action.tilt"): _SPEED,
        vol.Optional("zoom", default=0, description="rules.action.zoom"): _SPEED,
        vol.Optional("seconds", default="1 s", description="rules.action.move_seconds"): seconds(0.1, MOVE_LIMIT_S),
        **_HELD,
    }
)
PATROL = vol.Schema({vol.Optional("on", default=True, description="rules.action.patrol_on"): boolean})


@hookimpl
def offer_actions() -> Iterable[Kind[Action]]:
    """Offer the actions for cameras that turn."""
    return (
        Kind("ptz.goto_preset", GOTO_PRESET, GotoPreset, "Arahkan kamera ke preset", "Turn a camera to a preset"),
        Kind("ptz.move", MOVE, Move, "Gerakkan kamera sebentar", "Turn a camera for a moment"),
        Kind("ptz.stop", vol.Schema(_RANKED), Stop, "Hentikan gerak kamera", "Hold a camera still"),
        Kind("ptz.home", vol.Schema(_HELD), Home, "Kembalikan kamera ke posisi asal", "Turn a camera to its home"),
        Kind("ptz.release", vol.Schema({}), Release, "Lepaskan kamera yang dipegang aturan ini", "Give a camera back"),
        Kind("ptz.patrol", PATROL, Patrol, "Jalankan atau hentikan patroli kamera", "Switch a camera's patrol"),
    )
