"""From the first packet that shows a person to the WhatsApp request on the wire."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import av
import numpy as np

from . import scenes
from .running import RunningHub, running_hub
from .site import Cams, RtspServer, TestClip, Visitor, clip_of, write_config

# People appear this long after a keyframe: neither with it, nor with the next.
LEAD_S = 1.1
SHOW_S = 5.0
WARM_UP_S = 25.0
# A track is forgotten and the scene asleep again by then.
ROUND_S = 16.0
COOLDOWN_S = 11
CLOUD_API = Path(__file__).resolve().parent.parent / "tests" / "cloud_api.py"


@dataclass
class Sample:
    """One arrival of people in front of one camera."""

    camera: int
    seen_s: float | None = None
    sent_s: float | None = None
    is_gate_trusted: bool = False


def measure(folder: Path, mode: str, n: int, rounds: int) -> dict[str, Any]:
    """Let people appear before each camera in turn, and then before all at once.

    ``mode``: ``awake`` (a branch sways all the time) or ``asleep`` (nothing moves before).
    """
    folder.mkdir(parents=True)
    before = scenes.stirred if mode == "awake" else scenes.rest
    quiet = clip_of(folder, "quiet", before(20))
    coming = clip_of(folder, "coming", _coming(before))
    mark = _mark(coming, round(LEAD_S * scenes.FPS))
    with RtspServer(quiet, mounts=n) as farm, _Cloud() as cloud:
        detect = [{"type": "objects", "labels": ["person"]}]
        cams = Cams(farm, n, detect=detect, notifiers={"wa": cloud.options()}, rules=[_rule(k) for k in range(n)])
        config = write_config(folder, cams)
        with running_hub(config) as hub, _Probes(farm, n, mark) as probes:
            hub.wait_ready()
            time.sleep(WARM_UP_S)
            hub.wait_ready()  # once more: the password is told behind the address
            visitor = Visitor(hub.url, hub.password)
            cpu, start_s = hub.cpu_s(), time.monotonic()
            one_by_one = []
            for _ in range(rounds):
                # Read before people come: what the gate trusts then is what wakes the scene.
                trusted = _trusted(visitor)
                for sample in _round(farm, cloud, probes, (quiet, coming), n, gap_s=1.3):
                    sample.is_gate_trusted = f"cam{sample.camera}" in trusted
                    one_by_one.append(sample)
            together = [
                sample for _ in range(rounds) for sample in _round(farm, cloud, probes, (quiet, coming), n, gap_s=0.0)
            ]
            cost = _cost(hub, cpu, n, (time.monotonic() - start_s) / 60)
            state = cloud.state()
    return {
        "one_by_one": _figures(one_by_one),
        "size_gate_learning": _figures([sample for sample in one_by_one if not sample.is_gate_trusted]),
        "size_gate_trusted": _figures([sample for sample in one_by_one if sample.is_gate_trusted]),
        "all_at_once": _figures(together),
        "cpu_s_per_camera_minute": cost,
        "requests_that_break_the_specification": state["violations"],
    }


def _rule(camera: int) -> dict[str, Any]:
    return {
        "id": f"person-{camera}",
        "alias": f"Person before camera {camera}",
        "triggers": [{"trigger": "event", "kind": "object.person", "camera": f"cam{camera}"}],
        "actions": [
            {
                "action": "notify",
                "target": {"contact": f"post{camera}"},
                # Each arrival is told: as one incident, the second within five minutes would not be.
                "data": {"message": "{{ trigger.event.camera.id }}", "incident": False},
            }
        ],
        # One alert an arrival, however many people come.
        "cooldown": COOLDOWN_S,
    }


def _coming(before: Any) -> Iterable[np.ndarray]:
    yield from before(LEAD_S)
    yield from scenes.walkers(100, SHOW_S)
    yield from before(14.0)


def _round(
    farm: RtspServer, cloud: _Cloud, probes: _Probes, clips: tuple[TestClip, TestClip], n: int, gap_s: float
) -> list[Sample]:
    quiet, coming = clips
    start_s, samples = time.monotonic(), [Sample(k) for k in range(n)]
    for k in range(n):
        farm.switch(k, coming)
        time.sleep(gap_s)
    time.sleep(LEAD_S + SHOW_S + 2)
    for k in range(n):
        farm.switch(k, quiet)
    time.sleep(max(0.0, start_s + ROUND_S + n * gap_s - time.monotonic()))
    seen, sent = probes.seen(), cloud.sent()
    for sample in samples:
        sample.seen_s = min((s for camera, s in seen if camera == sample.camera and s > start_s), default=None)
        after_s = sample.seen_s if sample.seen_s is not None else start_s
        sample.sent_s = min((s for camera, s in sent if camera == sample.camera and s > after_s), default=None)
    return samples


def _figures(samples: list[Sample]) -> dict[str, Any]:
    waits = sorted(s.sent_s - s.seen_s for s in samples if s.sent_s is not None and s.seen_s is not None)
    missed = sum(1 for s in samples if s.sent_s is None or s.sent_s - (s.seen_s or 0) > SHOW_S + 3)
    if not waits:
        return {"samples": len(samples), "missed": missed}
    p50, p95 = np.percentile(waits, [50, 95])
    return {
        "samples": len(samples),
        "missed": missed,
        "p50_s": round(p50, 3),
        "p95_s": round(p95, 3),
        "max_s": round(waits[-1], 3),
    }


def _trusted(visitor: Visitor) -> set[str]:
    """Return the cameras whose packet sizes are trusted to wake their scene, by the hub's own metrics."""
    found = re.findall(r'^siaga_eye_size_gate\{camera="([^"]+)"\} 1\.0$', visitor.page("/metrics"), re.MULTILINE)
    return set(found)


def _cost(hub: RunningHub, before: dict[str, float], n: int, minutes: float) -> float:
    return round(sum(s - before.get(part, 0) for part, s in hub.cpu_s().items() if part != "other") / n / minutes, 3)


class _Cloud:
    """The stand-in for WhatsApp's Cloud API as a process of its own."""

    def __enter__(self) -> _Cloud:
        self._process = subprocess.Popen(
            [sys.executable, str(CLOUD_API), "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self._facts = json.loads(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(5)

    def options(self) -> dict[str, Any]:
        """Return a notifier that sends there."""
        return {
            "type": "whatsapp",
            "phone_number_id": self._facts["phone_number_id"],
            "token": self._facts["token"],
            "template": "siaga_peringatan",
            "base_url": self._facts["url"],
        }

    def state(self) -> dict[str, Any]:
        """Return what was accepted so far."""
        with urllib.request.urlopen(f"{self._facts['url']}/_state", timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
        return state

    def sent(self) -> list[tuple[int, float]]:
        """Return (camera, monotonic time of the request) of each message."""
        found = []
        for message in self.state()["accepted"]:
            if camera := re.search(r"cam(\d+)", json.dumps(message["body"])):
                found.append((int(camera[1]), message["arrived_mono_s"]))
        return found


def _slice_end(unit: bytes) -> bytes:
    # Start codes and repeated parameter sets may differ on the way; the end of the slice does not.
    return hashlib.sha256(unit[-120:]).digest()


def _mark(clip: TestClip, index: int) -> bytes:
    content, at, units = clip.units.read_bytes(), 0, []
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        units.append(content[at + 4 : at + 4 + length])
        at += 4 + length
    return _slice_end(units[index])


def _watch(url: str, camera: int, mark: bytes, out: Queue[tuple[int, float]]) -> None:
    options = {"rtsp_transport": "tcp", "analyzeduration": "0", "probesize": "32"}
    with av.open(url, options=options) as container:
        for packet in container.demux(video=0):
            if packet.size and _slice_end(bytes(packet)) == mark:
                out.put((camera, time.monotonic()))


class _Probes:
    """One independent reader a camera, that tells when the first packet with people arrives."""

    def __init__(self, farm: RtspServer, n: int, mark: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self._queue: Queue[tuple[int, float]] = context.Queue()
        self._readers = [
            context.Process(target=_watch, args=(farm.url(k), k, mark, self._queue), daemon=True) for k in range(n)
        ]
        self._seen: list[tuple[int, float]] = []

    def __enter__(self) -> _Probes:
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.kill()

    def seen(self) -> list[tuple[int, float]]:
        """Return (camera, monotonic time) of each arrival so far."""
        while not self._queue.empty():
            self._seen.append(self._queue.get())
        return self._seen
