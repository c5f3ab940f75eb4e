"""Memory of hub, recorder and eye with the person detector on, and what one more camera adds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from . import scenes
from .running import running_hub
from .site import Cams, RtspServer, clip_of, write_config

# The rings are full and every detector has looked by then.
SETTLE_S = 45.0
RING_S = 20.0
FEW = 2


def measure(folder: Path, n: int) -> dict[str, Any]:
    """Run two cameras and then ``n``; the difference is what a camera adds. MB of resident memory.

    ``rings_mb`` is what the rings of ``n`` cameras hold: their seconds times the scene's own bit rate.
    """
    folder.mkdir(parents=True)
    clip = clip_of(folder, "walkers", scenes.walkers(0, 75))
    ring_mb = clip.units.stat().st_size / (clip.frames / clip.fps) * RING_S / 1e6
    few, many = (_resident(folder / str(count), clip, count) for count in (FEW, n))
    added = {part: (many[part] - few[part]) / (n - FEW) for part in ("recorder", "eye")}
    a_camera = added["recorder"] + added["eye"] - ring_mb
    return {
        "hub": round(many["hub"], 1),
        "recorder_bare": round(few["recorder"] - FEW * added["recorder"], 1),
        "eye_bare": round(few["eye"] - FEW * added["eye"], 1),
        "recorder": round(many["recorder"], 1),
        "eye": round(many["eye"], 1),
        "rings_mb": round(ring_mb * n, 1),
        "a_camera_without_its_ring": round(a_camera, 1),
    }


def _resident(folder: Path, clip: Any, n: int) -> dict[str, float]:
    folder.mkdir()
    with RtspServer(clip, mounts=n) as farm:
        cams = Cams(farm, n, detect=[{"type": "objects", "labels": ["person"]}])
        with running_hub(write_config(folder, cams)) as hub:
            hub.wait_ready()
            time.sleep(SETTLE_S)
            return hub.memory_mb()
