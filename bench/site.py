"""A site under measurement: an RTSP server that is not ours, and a configuration that reads it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from . import scenes

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from journey.browsing import Visitor as Visitor
from media_clips import TestClip, access_units
from rtsp_server import RtspServer

SCENES: dict[str, Callable[[], Iterable[np.ndarray]]] = {
    "awake": lambda: scenes.walkers(0, 75),
    "idle": lambda: scenes.rest(60),
}


@dataclass
class Cams:
    """What the configuration should hold."""

    farm: RtspServer
    n: int
    detect: list[dict[str, Any]] = field(default_factory=list)
    notifiers: dict[str, Any] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)


def clip_of(folder: Path, name: str, frames: Iterable[np.ndarray]) -> TestClip:
    """Encode a scene once and split it for the server."""
    mp4, units = folder / f"{name}.mp4", folder / f"{name}.units"
    count = scenes.encode(frames, mp4)
    units.write_bytes(b"".join(len(unit).to_bytes(4, "big") + unit for unit in access_units(mp4)))
    return TestClip(mp4, units, "h264", scenes.FPS, *scenes.SIZE, count, scenes.GOP)


@contextlib.contextmanager
def serve(folder: Path, scene: str, n: int) -> Iterator[RtspServer]:
    """Serve one scene on ``n`` mounts."""
    with RtspServer(clip_of(folder, scene, SCENES[scene]()), mounts=n) as farm:
        yield farm


def write_config(folder: Path, cams: Cams) -> Path:
    """Write a configuration for the cameras of a server; return its path."""
    config = {
        "site": {"name": "Bench", "language": "en"},
        "web": {"host": "127.0.0.1", "port": 0},
        "storage": {"path": "var", "min_free": "100 MB"},
        "cameras": {
            f"cam{k}": {
                "type": "rtsp",
                "name": f"Camera {k}",
                "streams": {"main": cams.farm.url(k)},
                "detect": cams.detect,
            }
            for k in range(cams.n)
        },
        "notifiers": cams.notifiers,
        # Each camera has its own recipient: WhatsApp slows down whoever is written to again and again.
        "contacts": {
            f"post{k}": {
                "name": f"Post {k}",
                "via": [{"notifier": name, "to": f"+62812000000{k:02d}"} for name in cams.notifiers],
            }
            for k in range(cams.n)
            if cams.notifiers
        },
        "rules": cams.rules,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path
