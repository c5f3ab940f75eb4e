"""Measures a hub with a hundred cameras, to bench/results/cameras.json: ``python -m bench cameras``."""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
COUNT = 100
TELLING, FAILING = 30, 30
# name of a figure, its key, and what it must not pass
GOALS: tuple[tuple[str, str, float | None], ...] = (
    ("100 cameras found on the network, s", "discovery_s", 5.0),
    ("of them found", "discovery_found", None),
    ("100 cameras logged in and streaming after, s", "all_live_s", None),
    ("PTZ command to the device while all stream, p50 ms", "ptz_p50_ms", None),
    ("the same, p95 ms", "ptz_p95_ms", 150.0),
    ("the same, slowest ms", "ptz_max_ms", None),
    ("hub, CPU of one core, all streaming, %", "hub_cpu_percent", None),
    ("recorder, the same, %", "recorder_cpu_percent", None),
    ("hub with 100 cameras, MB", "hub_mb", None),
    ("recorder with 100 cameras, MB", "recorder_mb", None),
    ("event of a camera to the journal, p50 ms", "event_p50_ms", None),
    ("the same, p95 ms", "event_p95_ms", None),
    ("the same, slowest ms", "event_max_ms", None),
    ("event to the journal while 30 other cameras fail, p50 ms", "event_failing_p50_ms", None),
    ("the same, p95 ms", "event_failing_p95_ms", None),
    ("the same, slowest ms", "event_failing_max_ms", None),
    ("the slowest event is later by the others' failure, ms", "event_later_ms", 100.0),
)


def measure(results: Path, about: dict[str, Any]) -> None:
    """Measure, write and print."""
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as folder:
        figures = asyncio.run(_figures(Path(folder)))
    results.mkdir(exist_ok=True)
    (results / "cameras.json").write_text(json.dumps({"about": about, **figures}, indent=2) + "\n")
    print(f"{'figure':60} {'measured':>10} {'goal':>8}")
    for name, key, goal in GOALS:
        verdict = "" if goal is None else ("  ok" if figures[key] <= goal else "  MISSED")
        print(f"{name:60} {figures[key]:>10,} {'' if goal is None else f'{goal:,}':>8}{verdict}")


async def _figures(folder: Path) -> dict[str, float]:
    figures = await _discovery()
    figures |= await _streaming(folder / "hundred")
    calm = await _delays(folder / "calm", failing=0)
    torn = await _delays(folder / "torn", failing=FAILING)
    for name, delays in (("event", calm), ("event_failing", torn)):
        figures |= {
            f"{name}_p50_ms": _ms(statistics.median(delays)),
            f"{name}_p95_ms": _ms(statistics.quantiles(delays, n=20)[-1]),
            f"{name}_max_ms": _ms(max(delays)),
        }
    figures["event_later_ms"] = round(figures["event_failing_max_ms"] - figures["event_max_ms"], 1)
    return figures


async def _discovery() -> dict[str, float]:
    from siaga.core.camera_search import discover
    from siaga.core.plugin_manager import PluginManager
    from siaga.core.texts import Texts

    plugins = PluginManager(None, in_hub=True)
    plugins.load()
    with _farm("probe", COUNT):
        begun_s = time.monotonic()
        found, _ = await discover(plugins.cameras.values(), Texts("en"), ROOT, 4.0)
        took_s = time.monotonic() - begun_s
    ours = [camera for camera in found if camera.address.startswith("127.0.0.1:20")]
    return {"discovery_s": round(took_s, 2), "discovery_found": len(ours)}


async def _streaming(folder: Path) -> dict[str, float]:
    from media_clips import make_clip
    from rtsp_server import RtspServer

    clip = make_clip(size=(640, 360))
    first = _free_ports(COUNT)
    with RtspServer(clip, mounts=COUNT, shared=True) as server, _farm("onvif", first, COUNT, server.port):
        login = "host: 127.0.0.1, username: admin, password: s3cret"
        cameras = "".join(f"  c{k}: {{type: onvif, port: {first + k}, {login}}}\n" for k in range(COUNT))
        async with _hub(folder, cameras) as hub:
            begun_s = time.monotonic()
            await _until(lambda: all(_is_live(hub, f"c{number}") for number in range(COUNT)), 120)
            figures = {"all_live_s": round(time.monotonic() - begun_s, 1)}
            await asyncio.sleep(5)
            figures |= await _load(hub)
            figures |= await _turning(hub)
    return figures


async def _turning(hub: Any) -> dict[str, float]:
    took = []
    for number in range(4 * COUNT):
        ptz = hub.cameras[f"c{number % COUNT}"].ptz
        begun_s = time.perf_counter()
        await ptz.stop()
        took.append(time.perf_counter() - begun_s)
        await asyncio.sleep(0.02)
    return {
        "ptz_p50_ms": _ms(statistics.median(took)),
        "ptz_p95_ms": _ms(statistics.quantiles(took, n=20)[-1]),
        "ptz_max_ms": _ms(max(took)),
    }


async def _load(hub: Any) -> dict[str, float]:
    own = psutil.Process()
    recorder = next(health for health in hub.media.processes() if health.part == "recorder")
    other = psutil.Process(int(recorder.figures["pid"]))
    before, begun_s = (sum(own.cpu_times()[:2]), sum(other.cpu_times()[:2])), time.monotonic()
    await asyncio.sleep(20)
    passed_s = time.monotonic() - begun_s
    after = (sum(own.cpu_times()[:2]), sum(other.cpu_times()[:2]))
    return {
        "hub_cpu_percent": round(100 * (after[0] - before[0]) / passed_s, 1),
        "recorder_cpu_percent": round(100 * (after[1] - before[1]) / passed_s, 1),
        "hub_mb": round(own.memory_info().rss / 1e6),
        "recorder_mb": round(other.memory_info().rss / 1e6),
    }


async def _delays(folder: Path, failing: int) -> list[float]:
    """Return how long each event took from the telling to the journal, seconds."""
    with _farm("events", TELLING) as said, _bad_devices(failing) as bad:
        ports = [*(int(port) for port in said.split()[1:]), *bad]
        login = "host: 127.0.0.1, username: admin, password: s3cret-word, events: [line]"
        cameras = "".join(f"  c{k}: {{type: hikvision, port: {port}, {login}}}\n" for k, port in enumerate(ports))
        delays: list[float] = []

        def hear(event: Any) -> None:
            if event.kind == "device.line":
                delays.append((time.monotonic_ns() - int(event.data["source"])) / 1e9)

        async with _hub(folder, cameras, hear) as hub:
            await _until(lambda: len(delays) > TELLING, 60)
            assert hub is not None
            delays.clear()
            await asyncio.sleep(20)
    return delays


@contextmanager
def _bad_devices(count: int) -> Iterator[list[int]]:
    """Listen and never answer, or answer garbage; a third refuses."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as code:
        code.write(_BAD)
        code.flush()
        with subprocess.Popen([sys.executable, code.name, str(count)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield [int(port) for port in process.stdout.readline().split()]
            finally:
                process.kill()


_BAD = """
import asyncio, sys

async def hang(reader, writer):
    await reader.read()

async def garbage(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 200 OK\\r\\n\\r\\n" + b"<a>" * 600_000)
    await writer.drain()
    writer.close()

async def main():
    servers = [await asyncio.start_server(hang if k % 3 else garbage, "127.0.0.1", 0) for k in range(int(sys.argv[1]))]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    for server in servers[2::3]:
        server.close()
    print(*ports, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def _farm(*arguments: object) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.camera_farm", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline()
        finally:
            process.kill()


class _hub:
    """Run a hub on a folder; ``hear`` is told each event that was committed."""

    def __init__(self, folder: Path, cameras: str, hear: Any = None) -> None:
        self._folder, self._cameras, self._hear = folder, cameras, hear

    async def __aenter__(self) -> Any:
        from siaga.core.config import load_settings
        from siaga.core.hub import Hub
        from siaga.core.plugin_manager import PluginManager
        from siaga.core.types import Event

        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "config.yaml"
        file.write_text(f"site: {{name: Bench}}\nmedia: {{eyes: 1}}\ncameras:\n{self._cameras}")
        plugins = PluginManager(self._folder, in_hub=True)
        plugins.load()
        loaded = load_settings(file, plugins)
        if loaded.settings is None or loaded.problems:
            raise SystemExit("\n".join(map(str, loaded.problems)))
        self._open = Hub(loaded.settings, plugins)
        await self._open.open()
        if self._hear is not None:
            add = self._open.events.add

            async def heard(event: Event) -> int:
                number = await add(event)
                self._hear(event)
                return number

            self._open.events.add = heard  # type: ignore[method-assign]
        await self._open.start()
        return self._open

    async def __aexit__(self, *_: object) -> None:
        await self._open.stop()


def _is_live(hub: Any, name: str) -> bool:
    report = hub.media.stream(name, "main")
    return report is not None and report.condition == "live"


async def _until(holds: Any, limit_s: float) -> None:
    async with asyncio.timeout(limit_s):
        while not holds():  # noqa: ASYNC110  it is a condition of others
            await asyncio.sleep(0.05)


def _free_ports(count: int) -> int:
    for first in range(21_000, 60_000, count):
        taken = []
        try:
            for port in range(first, first + count):
                one = socket.socket()
                taken.append(one)
                one.bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for one in taken:
                one.close()
        return first
    raise SystemExit("no free ports")


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 2)
