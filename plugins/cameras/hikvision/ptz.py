"""Turning a Hikvision camera: presets, moves that end by themselves, and where it looks (ISAPI PTZCtrl)."""

from __future__ import annotations

from xml.sax.saxutils import escape

from ....core import DeviceHttp, NotSupported, PtzPosition, Texts, find_all, read_xml, text_of

_XML = "application/xml"
# Presets from here up are commands of the device (wiper, tour, restart), not places.
_FIRST_COMMAND = 33
_LAST_PRESET = 300
_LONGEST_MOVE_S = 10.0


class HikvisionPtz:
    """Fulfil ``Ptz`` and what else ISAPI can."""

    def __init__(self, http: DeviceHttp, channel: int, texts: Texts) -> None:
        self._http = http
        self._base = f"/ISAPI/PTZCtrl/channels/{channel}"
        self._texts = texts

    async def presets(self) -> tuple[str, ...]:
        """Return the names of the presets that are set."""
        return tuple(await self._numbers())

    async def goto(self, preset: str) -> None:
        """Turn to a preset by its name."""
        await self._put(f"/presets/{await self._number(preset)}/goto")

    async def move(self, pan: float, tilt: float, zoom: float, seconds: float) -> None:
        """Turn for some seconds; the device itself ends it, whatever becomes of us."""
        duration_ms = round(1000 * min(max(seconds, 0.0), _LONGEST_MOVE_S))
        await self._put(
            "/momentary", _speeds(pan, tilt, zoom, f"<Momentary><duration>{duration_ms}</duration></Momentary>")
        )

    async def stop(self) -> None:
        """Stand still at once."""
        await self._put("/continuous", _speeds(0, 0, 0))

    async def set_preset(self, name: str) -> None:
        """Keep where the camera looks under a name; the same name keeps its number."""
        numbers = await self._numbers()
        taken = set(numbers.values())
        free = (number for number in range(1, _LAST_PRESET + 1) if number not in taken and number < _FIRST_COMMAND)
        number = numbers.get(name) or next(free, None)
        if number is None:
            raise NotSupported(self._texts("hikvision.no_free_preset"))
        said = f"<PTZPreset><enabled>true</enabled><id>{number}</id><presetName>{escape(name)}</presetName></PTZPreset>"
        await self._put(f"/presets/{number}", said)

    async def remove_preset(self, name: str) -> None:
        """Forget a preset."""
        await self._http.send("DELETE", f"{self._base}/presets/{await self._number(name)}")

    async def home(self) -> None:
        """Turn to the home position."""
        await self._put("/homeposition/goto")

    async def position(self) -> PtzPosition:
        """Return where it looks. The device does not say whether it moves, nor how far its zoom reaches."""
        root = read_xml((await self._http.get(f"{self._base}/status")).body, self._texts)
        where = next(find_all(root, "AbsoluteHigh"), root)
        azimuth, elevation, zoom = (_number(text_of(where, key)) for key in ("azimuth", "elevation", "absoluteZoom"))
        # Tenths of a degree, and tenths of the magnification; 30 times is the usual most.
        return PtzPosition(
            pan=_within(azimuth / 1800 - 1, -1), tilt=_within(elevation / 900, -1), zoom=_within((zoom - 10) / 290, 0)
        )

    async def _put(self, path: str, said: str = "") -> None:
        await self._http.send("PUT", self._base + path, said.encode(), content_type=_XML if said else "")

    async def _numbers(self) -> dict[str, int]:
        root = read_xml((await self._http.get(f"{self._base}/presets")).body, self._texts)
        found: dict[str, int] = {}
        for preset in find_all(root, "PTZPreset"):
            number, name = text_of(preset, "id"), text_of(preset, "presetName")
            is_place = number.isdecimal() and not _FIRST_COMMAND <= int(number) < 100
            # What was never set is listed too, as switched off.
            if is_place and text_of(preset, "enabled").lower() != "false":
                found.setdefault(name or number, int(number))
        return found

    async def _number(self, name: str) -> int:
        numbers = await self._numbers()
        if name not in numbers:
            known = ", ".join(numbers) or "-"
            raise NotSupported(self._texts("hikvision.no_preset", preset=name, known=known))
        return numbers[name]


def _speeds(pan: float, tilt: float, zoom: float, more: str = "") -> str:
    values = (round(100 * _within(value, -1)) for value in (pan, tilt, zoom))
    return "<PTZData><pan>{}</pan><tilt>{}</tilt><zoom>{}</zoom>{}</PTZData>".format(*values, more)


def _within(value: float, least: float) -> float:
    return min(1.0, max(least, value))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
