"""How long until the first page, until the first packet of a camera, and how much pre-roll a clip holds."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.error
import urllib.request
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from . import scenes
from .running import RunningHub, running_hub
from .site import Cams, RtspServer, clip_of, write_config

QUIET_S = 16.0


def measure(folder: Path) -> dict[str, Any]:
    """Start a hub on one camera, wait for a burst, and read the times off."""
    folder.mkdir(parents=True)
    clip = clip_of(folder, "scene", [*scenes.rest(QUIET_S), *scenes.walkers(100, 12)])
    rule = {
        "id": "person",
        "alias": "Person",
        "cooldown": 600,
        "triggers": [{"trigger": "event", "kind": "object.person"}],
        "actions": [{"action": "recording.burst", "target": {"camera": "cam0"}, "data": {"before": 10, "after": 5}}],
    }
    with RtspServer(clip, mounts=1) as farm:
        cams = Cams(farm, 1, detect=[{"type": "objects", "labels": ["person"]}], rules=[rule])
        with running_hub(write_config(folder, cams)) as hub:
            hub.wait_ready()
            first_page_s = _first_page(hub)
            recording = _pre_roll(folder)
    return {"first_page_s": first_page_s, "first_packet_s": _first_packet(folder, clip), **recording}


def _first_page(hub: RunningHub) -> float:
    while True:
        try:
            with urllib.request.urlopen(hub.url + "/login", timeout=5) as answer:
                answer.read()
            return round(time.monotonic() - hub.started_s, 2)
        except urllib.error.URLError:
            time.sleep(0.01)


def _first_packet(folder: Path, clip: Any) -> float:
    from siaga.core.contracts import StreamSource

    from .reading import first_packet_s

    with RtspServer(clip, mounts=1) as farm:
        source = StreamSource(role="main", url=farm.url())
        first_packet_s(source)  # the server builds its pipeline at the first visit
        return round(min(first_packet_s(source) for _ in range(3)), 3)


def _pre_roll(folder: Path) -> dict[str, Any]:
    database = folder / "var" / "siaga.db"
    deadline = time.monotonic() + 90
    clip, event = None, None
    while clip is None and time.monotonic() < deadline:
        time.sleep(0.5)
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            clip = db.execute("select body from clips").fetchone()
            event = db.execute("select at from events where kind = 'object.person' order by seq").fetchone()
    if clip is None or event is None:
        raise SystemExit("bench: no clip within 90 s")
    known = json.loads(clip[0])
    start, at = (datetime.fromisoformat(text) for text in (known["start"], event[0]))
    with av.open(str(folder / "var" / known["path"])) as container:
        stream = container.streams.video[0]
        times = [float(p.pts * p.time_base) for p in container.demux(stream) if p.size]
    steps = [b - a for a, b in pairwise(times)]
    return {
        "pre_roll_s": round((at - start).total_seconds(), 2),
        "clip_s": round(times[-1] - times[0], 2),
        "largest_step_s": round(max(steps), 3),
        "monotonic": min(steps) > 0,
    }
