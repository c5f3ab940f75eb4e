"""Turning a Dahua camera by its CGI: presets, speeds, positions."""

from __future__ import annotations

import re

from ....core import DeviceHttp, NotSupported, PtzPosition, Services
from .cgi import ask, pairs

_LONGEST_MOVE_S = 10.0
# Speeds are steps of 1 to 8.
_FASTEST = 8
_NUMBER = re.compile(r"presets\[(\d+)\]\.(Index|Name)")


class DahuaPtz:
    """Fulfil ``Ptz`` and what else the CGI can. Channels of it count from 0 on old firmware and from 1 on new."""

    def __init__(self, http: DeviceHttp, channel: int, services: Services) -> None:
        self._http = http
        self._channel = channel
        self._services = services
        self._moves = 0

    async def presets(self) -> tuple[str, ...]:
        """Return the names of the presets."""
        return tuple(await self._numbers())

    async def goto(self, preset: str) -> None:
        """Turn to a preset."""
        self._moves += 1
        await self._start("GotoPreset", 0, await self._number(preset), 0)

    async def move(self, pan: float, tilt: float, zoom: float, seconds: float) -> None:
        """Turn at a speed; the device stops after the time that it is told, and we stop it as well."""
        seconds = min(max(seconds, 0.1), _LONGEST_MOVE_S)
        self._moves += 1
        speeds = [round(_FASTEST * min(1.0, max(-1.0, value))) for value in (pan, tilt, zoom)]
        await self._start("Continuously", *speeds, arg4=max(1, round(seconds)))
        mine = self._moves

        async def stop() -> None:
            await self._services.clock.sleep(seconds)
            if self._moves == mine:
                await self.stop()

        self._services.start("end of a move", stop)

    async def stop(self) -> None:
        """Stand still at once."""
        self._moves += 1
        await self._ask(action="stop", code="Continuously", arg1=0, arg2=0, arg3=0)

    async def set_preset(self, name: str) -> None:
        """Keep where the camera looks under a name; the same name keeps its number."""
        numbers = await self._numbers()
        taken = set(numbers.values())
        number = numbers.get(name) or next(free for free in range(1, 301) if free not in taken)
        await self._start("SetPreset", 0, number, 0)
        await self._ask(action="setPreset", arg1=number, arg2=name)

    async def remove_preset(self, name: str) -> None:
        """Forget a preset."""
        await self._start("ClearPreset", 0, await self._number(name), 0)

    async def position(self) -> PtzPosition:
        """Return where it looks: the device tells degrees, and a zoom of 1 to about 30."""
        told = pairs(await self._ask(action="getStatus"))
        pan, tilt, zoom = (_number(told.get(f"status.Postion[{number}]", "")) for number in range(3))
        moving = told.get("status.MoveStatus", "Idle")
        return PtzPosition(
            pan=max(-1.0, min(1.0, pan / 180 - 1)),
            tilt=max(-1.0, min(1.0, tilt / 90)),
            zoom=max(0.0, min(1.0, (zoom - 1) / 29)),
            is_moving=moving.lower() not in ("idle", ""),
        )

    async def _start(self, code: str, arg1: int, arg2: int, arg3: int, *, arg4: int | None = None) -> None:
        more = {} if arg4 is None else {"arg4": arg4}
        await self._ask(action="start", code=code, arg1=arg1, arg2=arg2, arg3=arg3, **more)

    async def _ask(self, **asked: str | int) -> str:
        # The CGI that turns counts channels from 0 as its manual says; cameras have one and do not mind.
        return await ask(self._http, self._services.texts, "ptz", channel=self._channel - 1, **asked)

    async def _numbers(self) -> dict[str, int]:
        told: dict[str, dict[str, str]] = {}
        for key, value in pairs(await self._ask(action="getPresets")).items():
            if found := _NUMBER.match(key):
                told.setdefault(found[1], {})[found[2]] = value
        known: dict[str, int] = {}
        for preset in told.values():
            if preset.get("Index", "").isdecimal():
                known.setdefault(preset.get("Name") or preset["Index"], int(preset["Index"]))
        return known

    async def _number(self, name: str) -> int:
        numbers = await self._numbers()
        if name not in numbers:
            known = ", ".join(list(numbers)[:20]) or "-"
            raise NotSupported(self._services.texts("onvif.no_preset", preset=name, known=known))
        return numbers[name]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
