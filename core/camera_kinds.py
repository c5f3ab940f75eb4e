"""A kind of camera that can say more than one camera of it: its presets beforehand, and what the network holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import voluptuous as vol

from .contracts import Camera, CameraFactory, Kind, Services
from .device_contracts import FoundCamera

Presets = Callable[[Mapping[str, Any]], Iterable[str]]
Find = Callable[[Services, float], Awaitable[Sequence[FoundCamera]]]
Channels = Callable[[Mapping[str, Any], Services], Awaitable[Sequence[FoundCamera]]]


class CameraKind(Kind[Camera]):
    """Offer a kind of camera of which more is known than how to make one; None where it is not.

    ``presets`` gets the checked options; it returns the names, none where such a camera cannot turn. A rule that
    names another is told while it is read. It is pure and asks no camera.
    ``find`` looks on the local network for so many seconds, without any login (``siaga discover``).
    ``channels`` gets the checked options of one device and asks it for the cameras behind it (``siaga import``);
    it ends within 30 s. Errors: CameraLost, AuthFailed, NotSupported.
    """

    def __init__(
        self,
        name: str,
        schema: vol.Schema,
        make: CameraFactory,
        summary: str,
        summary_en: str = "",
        *,
        presets: Presets | None = None,
        find: Find | None = None,
        channels: Channels | None = None,
    ) -> None:
        super().__init__(name, schema, make, summary, summary_en)
        self.presets = presets
        self.find = find
        self.channels = channels
