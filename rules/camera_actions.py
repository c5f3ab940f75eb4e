"""The actions that move something in the street: PTZ, siren, lamp, speaker, relays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ..core.contracts import Camera, Kind, Ptz
from ..core.errors import ActionFailed, SiagaError
from ..core.hookspecs import hookimpl
from ..core.outputs import HasOutputs, Outputs
from ..core.rule_contracts import Action, Hub
from ..core.settings import Settings
from ..core.types import ActionCall, ActionResult
from ..core.validators import boolean, duration, text
from .rule import Fault
from .templates import is_template

# A camera that answers does so in a tenth of a second. The steps behind this one are mostly the
# alert: they must not wait for the 10 s that a camera's driver may take to give up.
ANSWER_LIMIT_S = 3.0
# A siren that a wrong rule left on wakes a kelurahan: no rule may ask for longer in one go.
SIREN_LIMIT_S = 300.0
LAMP_LIMIT_S = 12 * 3600.0
MOVE_LIMIT_S = 10.0


class CameraAction:
    """Ask every camera of the target at once; the first error is told after all have been asked."""

    targets: tuple[str, ...] = ("camera",)

    def faults(self, name: str, target: dict[str, Any], values: dict[str, Any], settings: Settings) -> Iterable[Fault]:
        """Ask for a camera: the one that saw the event is seldom the one that should act."""
        if not any(target.get(key) for key in ("camera", "group", "place")):
            yield Fault(path="target.camera", key="rules.check.target_missing", values={"action": name})

    async def run(self, call: ActionCall, hub: Hub) -> ActionResult:
        """Do it with all cameras side by side."""
        cameras = call.target.get("camera", ())
        if not cameras:
            raise ActionFailed(hub.texts("rules.action.no_camera", action=call.action))
        answers = await asyncio.gather(*(self._answer(camera_id, call, hub) for camera_id in cameras))
        failed = [answer for answer in answers if answer]
        if failed:
            raise ActionFailed("; ".join(failed))
        return ActionResult(data={"camera": list(cameras), **call.data})

    async def _answer(self, camera_id: str, call: ActionCall, hub: Hub) -> str:
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self.ask(hub.camera(camera_id), camera_id, call, hub)
        except TimeoutError:
            return hub.texts("rules.action.camera_slow", camera=camera_id, seconds=f"{ANSWER_LIMIT_S:g}")
        except (SiagaError, OSError) as err:
            return hub.texts("rules.action.camera_failed", camera=camera_id, action=call.action, why=err)
        return ""

    async def ask(self, camera: Camera, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Ask one camera; any SiagaError."""
        raise NotImplementedError


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

    async def ask(self, camera: Camera, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Turn one camera."""
        await _ptz(camera, camera_id, hub).goto(str(call.data["preset"]))


class Move(CameraAction):
    """Turn cameras for a moment, from where they stand."""

    async def ask(self, camera: Camera, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Turn one camera."""
        data = call.data
        await _ptz(camera, camera_id, hub).move(data["pan"], data["tilt"], data["zoom"], data["seconds"])


class Stop(CameraAction):
    """Hold cameras still."""

    async def ask(self, camera: Camera, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Stop one camera."""
        await _ptz(camera, camera_id, hub).stop()


class Switch(CameraAction):
    """Switch an output; ``output`` stands in the data unless the action's own name says it."""

    def __init__(self, output: str = "") -> None:
        self._output = output

    async def ask(self, camera: Camera, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Switch one camera's output."""
        is_on = bool(call.data.get("on", True))
        for_s = float(call.data.get("seconds", 0)) if is_on else 0.0
        await _outputs(camera, camera_id, hub).switch(self._output or str(call.data["output"]), is_on, for_s)


class Speaker(CameraAction):
    """Play a sound, or speak."""

    async def ask(self, camera: Camera, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Play it at one camera."""
        await _outputs(camera, camera_id, hub).play(str(call.data["sound"]))


def _ptz(camera: Camera, camera_id: str, hub: Hub) -> Ptz:
    if camera.ptz is None:
        raise ActionFailed(hub.texts("rules.action.no_ptz", camera=camera_id))
    return camera.ptz


def _outputs(camera: Camera, camera_id: str, hub: Hub) -> Outputs:
    io = camera.io if isinstance(camera, HasOutputs) else None
    if io is None:
        raise ActionFailed(hub.texts("rules.action.no_outputs", camera=camera_id))
    return io


def _seconds(least: float, most: float) -> vol.All:
    return vol.All(duration, vol.Range(min=least, max=most))


_SPEED = vol.All(vol.Coerce(float), vol.Range(min=-1, max=1))
_ON = vol.Optional("on", default=True, description="rules.action.on")
GOTO_PRESET = vol.Schema({vol.Required("preset", description="rules.action.preset"): text})
MOVE = vol.Schema(
    {
        vol.Optional("pan", default=0, description="rules.action.pan"): _SPEED,
        vol.Optional("tilt", default=0, description="rules.action.tilt"): _SPEED,
        vol.Optional("zoom", default=0, description="rules.action.zoom"): _SPEED,
        vol.Optional("seconds", default="1 s", description="rules.action.move_seconds"): _seconds(0.1, MOVE_LIMIT_S),
    }
)
SIREN = vol.Schema(
    {
        _ON: boolean,
        vol.Optional("seconds", default="10 s", description="rules.action.siren_seconds"): _seconds(1, SIREN_LIMIT_S),
    }
)
LAMP = vol.Schema(
    {
        _ON: boolean,
        vol.Optional("seconds", default="5 min", description="rules.action.lamp_seconds"): _seconds(1, LAMP_LIMIT_S),
    }
)
SPEAKER = vol.Schema({vol.Required("sound", description="rules.action.sound"): text})
SWITCH = vol.Schema(
    {
        vol.Required("output", description="rules.action.output"): text,
        _ON: boolean,
        vol.Optional("seconds", default=0, description="rules.action.switch_seconds"): _seconds(0, LAMP_LIMIT_S),
    }
)


@hookimpl
def offer_actions() -> Iterable[Kind[Action]]:
    """Offer the actions for what a camera can move and switch."""
    return (
        Kind("ptz.goto_preset", GOTO_PRESET, GotoPreset, "Arahkan kamera ke preset", "Turn a camera to a preset"),
        Kind("ptz.move", MOVE, Move, "Gerakkan kamera sebentar", "Turn a camera for a moment"),
        Kind("ptz.stop", vol.Schema({}), Stop, "Hentikan gerak kamera", "Hold a camera still"),
        Kind("io.siren", SIREN, lambda: Switch("siren"), "Bunyikan sirene kamera", "Sound a camera's siren"),
        Kind("io.lamp", LAMP, lambda: Switch("lamp"), "Nyalakan lampu kamera", "Switch on a camera's lamp"),
        Kind("io.speaker", SPEAKER, Speaker, "Putar suara di pengeras kamera", "Play a sound at a camera"),
        Kind("io.switch", SWITCH, Switch, "Nyalakan atau matikan keluaran kamera", "Switch a camera's output"),
    )
