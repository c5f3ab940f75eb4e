"""CPU of hub, recorder and eyes on eight RTSP cameras, detector off."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from .running import RunningHub, running_hub
from .site import Cams, serve, write_config

SETTLE_S = 15.0


def measure(folder: Path, scene: str, n: int, seconds: float) -> dict[str, Any]:
    """Run ``n`` cameras on one scene (``awake`` or ``idle``) and read what each part costs.

    Returns CPU-seconds per camera-minute by part.
    """
    folder.mkdir(parents=True)
    with serve(folder, scene, n) as farm:
        config = write_config(folder, Cams(farm, n))
        with running_hub(config) as hub:
            hub.wait_ready()
            time.sleep(SETTLE_S)
            before, start_s = hub.cpu_s(), time.monotonic()
            time.sleep(seconds)
            minutes = (time.monotonic() - start_s) / 60
            used = {part: s - before.get(part, 0.0) for part, s in hub.cpu_s().items()}
            return _table(hub, used, n, minutes)


def _table(hub: RunningHub, used: dict[str, float], n: int, minutes: float) -> dict[str, Any]:
    cost = {part: round(s / n / minutes, 3) for part, s in used.items() if part != "other"}
    return {
        "cpu_s_per_camera_minute": cost | {"together": round(sum(cost.values()), 3)},
        "eyes": len(hub.parts()["eye"]),
    }
