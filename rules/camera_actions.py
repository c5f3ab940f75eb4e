"""The actions that switch something in the street: siren, lamp, speaker, relays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.errors import ActionFailed, SiagaError
from ..core.hookspecs import hookimpl
from ..core.outputs import HasOutputs, Outputs
from ..core.rule_contracts import Action, Hub
from ..core.settings import Settings
from ..core.types import ActionCall, ActionResult
from ..core.validators import boolean, duration, text
from .rule import Fault

# A camera that answers does so in a tenth of a second. The steps behind this one are mostly the
# alert: they must not wait for the 10 s that a camera's driver may take to give up.
ANSWER_LIMIT_S = 3.0
# A siren that a wrong rule left on wakes a kelurahan: no rule may ask for longer in one go.
SIREN_LIMIT_S = 300.0
LAMP_LIMIT_S = 12 * 3600.0


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
                await self.ask(camera_id, call, hub)
        except TimeoutError:
            return hub.texts("rules.action.camera_slow", camera=camera_id, seconds=f"{ANSWER_LIMIT_S:g}")
        except (SiagaError, OSError) as err:
            return hub.texts("rules.action.camera_failed", camera=camera_id, action=call.action, why=err)
        return ""

    async def ask(self, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Ask one camera; any SiagaError."""
        raise NotImplementedError


class Switch(CameraAction):
    """Switch an output; ``output`` stands in the data unless the action's own name says it."""

    def __init__(self, output: str = "") -> None:
        self._output = output

    async def ask(self, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Switch one camera's output."""
        is_on = bool(call.data.get("on", True))
        for_s = float(call.data.get("seconds", 0)) if is_on else 0.0
        await _outputs(camera_id, hub).switch(self._output or str(call.data["output"]), is_on, for_s)


class Speaker(CameraAction):
    """Play a sound, or speak."""

    async def ask(self, camera_id: str, call: ActionCall, hub: Hub) -> None:
        """Play it at one camera."""
        await _outputs(camera_id, hub).play(str(call.data["sound"]))


def _outputs(camera_id: str, hub: Hub) -> Outputs:
    camera = hub.camera(camera_id)
    io = camera.io if isinstance(camera, HasOutputs) else None
    if io is None:
        raise ActionFailed(hub.texts("rules.action.no_outputs", camera=camera_id))
    return io


def seconds(least: float, most: float) -> vol.All:
    """Return the check of a length of time between two bounds."""
    return vol.All(duration, vol.Range(min=least, max=most))


_ON = vol.Optional("on", default=True, description="rules.action.on")
SIREN = vol.Schema(
    {
        _ON: boolean,
        vol.Optional("seconds", default="10 s", description="rules.action.siren_seconds"): seconds(1, SIREN_LIMIT_S),
    }
)
LAMP = vol.Schema(
    {
        _ON: boolean,
        vol.Optional("seconds", default="5 min", description="rules.action.lamp_seconds"): seconds(1, LAMP_LIMIT_S),
    }
)
SPEAKER = vol.Schema({vol.Required("sound", description="rules.action.sound"): text})
SWITCH = vol.Schema(
    {
        vol.Required("output", description="rules.action.output"): text,
        _ON: boolean,
        vol.Optional("seconds", default=0, description="rules.action.switch_seconds"): seconds(0, LAMP_LIMIT_S),
    }
)


@hookimpl
def offer_actions() -> Iterable[Kind[Action]]:
    """Offer the actions for what a camera can move and switch."""
    return (
        Kind("io.siren", SIREN, lambda: Switch("siren"), "Bunyikan sirene kamera", "Sound a camera's siren"),
        Kind("io.lamp", LAMP, lambda: Switch("lamp"), "Nyalakan lampu kamera", "Switch on a camera's lamp"),
        Kind("io.speaker", SPEAKER, Speaker, "Putar suara di pengeras kamera", "Play a sound at a camera"),
        Kind("io.switch", SWITCH, Switch, "Nyalakan atau matikan keluaran kamera", "Switch a camera's output"),
    )
