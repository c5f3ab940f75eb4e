"""Measures Siaga on this machine, prints a table and writes bench/results/road.json.

usage: python -m bench [start] [cost] [memory] [latency]      nothing named means all, and the detectors
       python -m bench rules      the rule engine, to bench/results/rules.json
       python -m bench cameras    a hub with a hundred cameras, to bench/results/cameras.json
       python -m bench detectors  what each detector is worth (siaga eval), to bench/results/detectors.json
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import cameras, cost, latency, memory, rules, start

CAMERAS = 8
SECONDS = 60.0
ROUNDS = 3
# A camera's packet sizes are trusted after about two visits of people.
ROUNDS_ASLEEP = 5
RESULTS = Path(__file__).resolve().parent / "results"
FOOTAGE = RESULTS.parent.parent.parent / "shared" / "footage"
# name of a figure, where it stands in the results, and what it must not pass
GOALS: tuple[tuple[str, tuple[str, ...], float | None], ...] = (
    ("CPU-s per camera-minute, awake", ("cost_awake", "cpu_s_per_camera_minute", "together"), 0.75),
    ("CPU-s per camera-minute, idle", ("cost_idle", "cpu_s_per_camera_minute", "together"), 0.30),
    ("hub, MB", ("memory", "hub"), 120),
    ("an eye with its net, no camera yet, MB", ("memory", "eye_bare"), 170),
    ("recorder, no camera yet, MB", ("memory", "recorder_bare"), 90),
    ("one more camera, its ring apart, MB", ("memory", "a_camera_without_its_ring"), 5),
    ("an eye with 8 cameras, MB", ("memory", "eye"), None),
    ("recorder with 8 cameras and their rings, MB", ("memory", "recorder"), None),
    ("person to WhatsApp, awake, p50 s", ("latency_awake", "one_by_one", "p50_s"), 0.6),
    ("person to WhatsApp, awake, p95 s", ("latency_awake", "one_by_one", "p95_s"), 1.2),
    ("the same, 8 cameras at once, p50 s", ("latency_awake", "all_at_once", "p50_s"), 0.6),
    ("the same, 8 cameras at once, p95 s", ("latency_awake", "all_at_once", "p95_s"), 1.2),
    ("asleep, sizes not trusted yet, p50 s", ("latency_asleep", "size_gate_learning", "p50_s"), 2.6),
    ("asleep, sizes not trusted yet, p95 s", ("latency_asleep", "size_gate_learning", "p95_s"), 3.2),
    ("asleep, sizes trusted, p50 s", ("latency_asleep", "size_gate_trusted", "p50_s"), 0.6),
    ("asleep, sizes trusted, p95 s", ("latency_asleep", "size_gate_trusted", "p95_s"), 1.2),
    ("CPU-s per camera-minute, detector on, awake", ("latency_awake", "cpu_s_per_camera_minute"), None),
    ("the same, asleep", ("latency_asleep", "cpu_s_per_camera_minute"), None),
    ("start to first page, s", ("start", "first_page_s"), 3.0),
    ("first packet of an RTSP camera, s", ("start", "first_packet_s"), 0.3),
    ("pre-roll of a burst with before: 10, s", ("start", "pre_roll_s"), None),
)


def main() -> None:
    """Run what was asked for; a part that is run again replaces its old figures."""
    if sys.argv[1:] == ["rules"]:
        rules.measure(RESULTS, _machine())
        return
    if sys.argv[1:] == ["cameras"]:
        cameras.measure(RESULTS, _machine())
        return
    if sys.argv[1:] == ["detectors"] or not sys.argv[1:]:
        _detectors()
        if sys.argv[1:]:
            return
    asked = set(sys.argv[1:]) or {"start", "cost", "memory", "latency"}
    path = RESULTS / "road.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as folder:
        for name, measure in _parts(Path(folder)):
            if name.split("_")[0] in asked:
                print(f"measuring {name} ...", flush=True)
                results[name] = measure()
                print(json.dumps(results[name], indent=2), flush=True)
                results["about"] = _about()
                RESULTS.mkdir(exist_ok=True)
                path.write_text(json.dumps(results, indent=2) + "\n")
    _print_table(results)


def _parts(folder: Path) -> list[tuple[str, Callable[[], Any]]]:
    return [
        ("start", lambda: start.measure(folder / "start")),
        ("cost_awake", lambda: cost.measure(folder / "awake", "awake", CAMERAS, SECONDS)),
        ("cost_idle", lambda: cost.measure(folder / "idle", "idle", CAMERAS, SECONDS)),
        ("memory", lambda: memory.measure(folder / "memory", CAMERAS)),
        ("latency_awake", lambda: latency.measure(folder / "l_awake", "awake", CAMERAS, ROUNDS)),
        ("latency_asleep", lambda: latency.measure(folder / "l_asleep", "asleep", CAMERAS, ROUNDS_ASLEEP)),
    ]


def _detectors() -> None:
    command = [sys.executable, "-m", "siaga", "eval", "--data", str(FOOTAGE), "--json", str(RESULTS / "detectors.json")]
    if subprocess.run(command).returncode:
        print("the detectors were not all measured: see above", file=sys.stderr)


def _about() -> dict[str, Any]:
    server = subprocess.run(
        ["/usr/bin/python3", "-c", "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst; "
         "Gst.init(None); print(Gst.version_string())"],
        capture_output=True,
        text=True,
    )  # fmt: skip
    return _machine() | {
        "rtsp_server": f"{server.stdout.strip()} RTSP server, its own process group",
        "scene": f"{CAMERAS} x 640x480, 10 fps, H.264 crf 26, GOP 20",
    }


def _machine() -> dict[str, Any]:
    return {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": f"{os.cpu_count()} x {_cpu_name()}",
        "python": platform.python_version(),
        # What else ran, just before: figures of a busy machine are not those of a quiet one.
        "load_1min": round(os.getloadavg()[0], 2),
    }


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _print_table(results: dict[str, Any]) -> None:
    print(f"\n{results.get('about')}\n")
    print(f"{'figure':48} {'measured':>10} {'goal':>8}")
    for name, path, goal in GOALS:
        value: Any = results
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            continue
        verdict = "" if goal is None else ("  ok" if value <= goal else "  MISSED")
        print(f"{name:48} {value:>10} {'' if goal is None else goal:>8}{verdict}")


if __name__ == "__main__":
    main()
