"""Camera kind ``file``: a video file that plays again and again at its own speed, for tests and demonstrations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import voluptuous as vol

from ...core import Camera, CameraLost, CameraSettings, Kind, Ptz, Services, StreamSource, hookimpl, validators


def _has_path(options: dict[str, Any]) -> dict[str, Any]:
    if "path" not in options and "streams" not in options:
        raise validators.Wrong("media.file.no_path")
    return options


_TEXT = vol.All(str, vol.Length(min=1))
_STREAMS = vol.Schema(
    {
        vol.Required("main", description="media.option.main"): _TEXT,
        vol.Optional("sub", description="media.option.sub"): _TEXT,
    }
)
SCHEMA = vol.Schema(
    vol.All(
        {
            vol.Exclusive("path", "file", description="media.option.path"): _TEXT,
            vol.Exclusive("streams", "file", description="media.option.streams"): _STREAMS,
        },
        _has_path,
    )
)


class FileCamera:
    """Name the files; the recorder plays them."""

    ptz: Ptz | None = None

    def __init__(self, settings: CameraSettings, services: Services) -> None:
        options: dict[str, Any] = settings.options
        paths: dict[str, str] = options.get("streams") or {"main": options["path"]}
        self._files = {role: services.folder / Path(path).expanduser() for role, path in paths.items()}
        self._texts = services.texts

    async def start(self) -> None:
        """Say at once when a file is not there. CameraLost: it is tried again."""
        for file in self._files.values():
            if not file.is_file():
                raise CameraLost(self._texts("media.lost.no_file", url=file))

    async def streams(self) -> Sequence[StreamSource]:
        """Return ``main`` and, where it is given, ``sub``."""
        roles: tuple[Literal["main", "sub"], ...] = ("main", "sub")
        return tuple(
            StreamSource(role=role, url=str(self._files[role]), is_loop=True) for role in roles if role in self._files
        )

    async def stop(self) -> None:
        """Do nothing: the recorder lets go."""


@hookimpl
def offer_cameras() -> Iterable[Kind[Camera]]:
    """Offer ``file``."""
    return (
        Kind(
            "file",
            SCHEMA,
            FileCamera,
            "Berkas video yang diputar berulang, untuk uji dan peragaan",
            "A video file that plays again and again, for tests and demonstrations",
        ),
    )
