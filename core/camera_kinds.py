"""A kind of camera that can say, before it is asked, which presets a camera of it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import voluptuous as vol

from .contracts import Camera, CameraFactory, Kind


class CameraKind(Kind[Camera]):
    """Offer a kind of camera whose presets follow from its options.

    ``presets`` gets the checked options; it returns the names, none where such a camera cannot turn. A rule that
    names another is told while it is read. It is pure and asks no camera.
    """

    def __init__(
        self,
        name: str,
        schema: vol.Schema,
        make: CameraFactory,
        summary: str,
        summary_en: str = "",
        *,
        presets: Callable[[Mapping[str, Any]], Iterable[str]],
    ) -> None:
        super().__init__(name, schema, make, summary, summary_en)
        self.presets = presets
