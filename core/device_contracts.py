"""What a camera may add to the least it must do, each ability a protocol of its own, asked for by ``isinstance``.

``Camera`` itself is in ``contracts``, sirens and relays in ``outputs``. A kind fulfils what its devices can do and
leaves the rest away; one whose model turns out not to can raises NotSupported.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from .types import Json, Struct


@runtime_checkable
class TakesSnapshots(Protocol):
    """A camera that gives a still picture without its stream."""

    async def snapshot(self) -> bytes:
        """Return a JPEG of at most 8 MB, within 10 s. Errors: CameraLost, AuthFailed, NotSupported."""
        ...


@runtime_checkable
class HasClock(Protocol):
    """A camera that tells its own time."""

    async def device_time(self) -> datetime:
        """Return the device's time as UTC, within 10 s; the hub measures the offset. Errors as above."""
        ...


class PtzPosition(Struct):
    """Where a camera looks. ``pan`` and ``tilt``: -1..1 of its range, ``zoom``: 0..1 (ONVIF's generic spaces)."""

    pan: float
    tilt: float
    zoom: float
    is_moving: bool = False


@runtime_checkable
class EditsPresets(Protocol):
    """A ``Ptz`` whose presets can be changed. Errors as for ``Ptz``; each call ends within 10 s."""

    async def set_preset(self, name: str) -> None:
        """Keep where the camera looks now under a name; a preset of that name is replaced."""
        ...

    async def remove_preset(self, name: str) -> None:
        """Forget a preset; an unknown one is NotSupported."""
        ...


@runtime_checkable
class KnowsPosition(Protocol):
    """A ``Ptz`` that says where it looks."""

    async def position(self) -> PtzPosition:
        """Return where the camera looks, and whether it moves."""
        ...


@runtime_checkable
class GoesToPosition(Protocol):
    """A ``Ptz`` that turns to a position, not only at a speed."""

    async def go_to(self, pan: float, tilt: float, zoom: float) -> None:
        """Turn to a position, in the units of ``PtzPosition``."""
        ...

    async def shift(self, pan: float, tilt: float, zoom: float) -> None:
        """Turn by a part of the range from where it looks; each -1..1."""
        ...


@runtime_checkable
class GoesHome(Protocol):
    """A ``Ptz`` that has a home position of its own."""

    async def home(self) -> None:
        """Turn to the device's home position."""
        ...


class FoundCamera(Struct):
    """A camera that was found on the network or behind a recorder, as it would stand in the configuration.

    ``type`` and ``options`` are what an operator would write (never a password); ``name`` is the device's own word.
    """

    type: str
    name: str
    options: dict[str, Json] = {}
    model: str = ""
    address: str = ""
    serial: str = ""
