"""Turning an ONVIF camera: presets, moves with a dead man's stop, positions, home."""

from __future__ import annotations

import logging
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from ....core import CameraError, NotSupported, PtzPosition, Services, find_all, text_of
from .device import attribute
from .soap import PTZ, OnvifDevice

logger = logging.getLogger(__name__)

_LONGEST_MOVE_S = 10.0
_AXES = ("PanTilt", "Zoom")


class OnvifPtz:
    """Fulfil ``Ptz`` and all that may be added to it."""

    def __init__(self, device: OnvifDevice, address: str, profile: str, services: Services) -> None:
        self._device = device
        self._address = address
        self._profile = f"<ProfileToken>{escape(profile)}</ProfileToken>"
        self._services = services
        self._moves = 0

    async def presets(self) -> tuple[str, ...]:
        """Return the presets' names; one without a name goes by its token."""
        return tuple(await self._tokens())

    async def goto(self, preset: str) -> None:
        """Turn to a preset."""
        self._moves += 1
        await self._ask("GotoPreset", f"<PresetToken>{escape(await self._token(preset))}</PresetToken>")

    async def move(self, pan: float, tilt: float, zoom: float, seconds: float) -> None:
        """Turn at a speed. The camera is told for how long, and stopped by us as well: many ignore the first."""
        seconds = min(max(seconds, 0.1), _LONGEST_MOVE_S)
        self._moves += 1
        mine = self._moves

        async def stop() -> None:
            await self._services.clock.sleep(seconds)
            # What fails is tried again by the task's own back-off, until it is heard or somebody else moved it.
            if self._moves == mine:
                await self._still()

        # Planned before the move is asked for: an answer that is lost may have been a move all the same.
        self._services.start("end of a move", stop)
        velocity = _vector(pan, tilt, zoom)
        await self._ask("ContinuousMove", f"<Velocity>{velocity}</Velocity><Timeout>PT{seconds:.1f}S</Timeout>")

    async def stop(self) -> None:
        """Stand still at once."""
        await self._still()
        self._moves += 1

    async def _still(self) -> None:
        await self._ask("Stop", "<PanTilt>true</PanTilt><Zoom>true</Zoom>")

    async def set_preset(self, name: str) -> None:
        """Keep where the camera looks under a name."""
        token = (await self._tokens()).get(name)
        again = f"<PresetToken>{escape(token)}</PresetToken>" if token else ""
        await self._ask("SetPreset", f"<PresetName>{escape(name)}</PresetName>{again}")

    async def remove_preset(self, name: str) -> None:
        """Forget a preset."""
        await self._ask("RemovePreset", f"<PresetToken>{escape(await self._token(name))}</PresetToken>")

    async def position(self) -> PtzPosition:
        """Return where the camera looks; NotSupported where it does not say."""
        body = await self._ask("GetStatus", "")
        # Its answer has the same words again for whether it moves.
        position = next(find_all(body, "Position"), None)
        where, zoom = (next(find_all(position, name), None) if position is not None else None for name in _AXES)
        if where is None:
            raise NotSupported(self._services.texts("onvif.no_position"))
        status = next(find_all(body, "MoveStatus"), None)
        moving = {text_of(status, "PanTilt").upper(), text_of(status, "Zoom").upper()} if status is not None else set()
        return PtzPosition(
            pan=_number(where.get("x")),
            tilt=_number(where.get("y")),
            zoom=_number(zoom.get("x")) if zoom is not None else 0.0,
            is_moving="MOVING" in moving,
        )

    async def go_to(self, pan: float, tilt: float, zoom: float) -> None:
        """Turn to a position."""
        self._moves += 1
        await self._ask("AbsoluteMove", f"<Position>{_vector(pan, tilt, zoom)}</Position>")

    async def shift(self, pan: float, tilt: float, zoom: float) -> None:
        """Turn by a part of the range."""
        self._moves += 1
        await self._ask("RelativeMove", f"<Translation>{_vector(pan, tilt, zoom)}</Translation>")

    async def home(self) -> None:
        """Turn to the camera's home position."""
        self._moves += 1
        await self._ask("GotoHomePosition", "")

    async def _ask(self, name: str, more: str) -> Element:
        return await self._device.call(self._address, f'<{name} xmlns="{PTZ}">{self._profile}{more}</{name}>')

    async def _tokens(self) -> dict[str, str]:
        body = await self._ask("GetPresets", "")
        found: dict[str, str] = {}
        for one in find_all(body, "Preset"):
            token = one.get("token", "")
            if token:
                found.setdefault(text_of(one, "Name") or token, token)
        return found

    async def _token(self, name: str) -> str:
        tokens = await self._tokens()
        if name not in tokens:
            known = ", ".join(list(tokens)[:20]) or "-"
            raise NotSupported(self._services.texts("onvif.no_preset", preset=name, known=known))
        return tokens[name]


async def find_ptz(device: OnvifDevice, address: str | None, profile: str, services: Services) -> OnvifPtz | None:
    """Return the PTZ of a camera that can turn; None where it says it cannot, whatever its profile promises.

    One that is busy or silent just now keeps it: the next command asks again.
    """
    if address is None:
        return None
    ptz = OnvifPtz(device, address, profile, services)
    try:
        await ptz.presets()
    except NotSupported:
        return None
    except CameraError as err:
        logger.info("%s: presets are not told yet: %s", address, err)
    return ptz


def _vector(pan: float, tilt: float, zoom: float) -> str:
    both = attribute("x", f"{_within(pan):.3f}") + attribute("y", f"{_within(tilt):.3f}")
    return f"<tt:PanTilt{both}/><tt:Zoom{attribute('x', f'{_within(zoom):.3f}')}/>"


def _within(value: float) -> float:
    return min(1.0, max(-1.0, value))


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
