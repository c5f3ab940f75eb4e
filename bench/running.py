"""A hub under measurement: started as a user starts it, its processes' CPU and memory read from the system."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil


class RunningHub:
    """One `siaga run` with its children."""

    def __init__(self, process: subprocess.Popen[str], log: Path, started_s: float) -> None:
        self.process = process
        self.log = log
        self.started_s = started_s
        self.root = psutil.Process(process.pid)
        self.url = ""
        self.password = ""

    def wait_ready(self, limit_s: float = 30.0) -> None:
        """Wait for the address and the one-time password in the output."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            text = self.log.read_text("utf-8", errors="replace")
            if found := re.search(r"(https?://[\d.]+:\d+)", text):
                self.url = found[1]
                secret = re.search(r"(?:sekali pakai|one-time password) (\S+)", text)
                self.password = secret[1] if secret else ""
                return
            if self.process.poll() is not None:
                raise SystemExit(f"bench: the hub ended at its start:\n{text}")
            time.sleep(0.02)
        raise SystemExit(f"bench: no address within {limit_s} s:\n{text}")

    def parts(self) -> dict[str, list[psutil.Process]]:
        """Sort the tree into hub, recorder and eyes."""
        found: dict[str, list[psutil.Process]] = {"hub": [self.root], "recorder": [], "eye": [], "other": []}
        for child in self.root.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                line = " ".join(child.cmdline())
                name = "recorder" if "media.recorder" in line else "eye" if "media.eye" in line else "other"
                found[name].append(child)
        return found

    def cpu_s(self) -> dict[str, float]:
        """Return user plus system seconds of each part so far."""
        return {n: sum(sum(p.cpu_times()[:2]) for p in processes) for n, processes in self.parts().items()}

    def memory_mb(self) -> dict[str, float]:
        """Return resident memory of each part, MB."""
        return {n: sum(p.memory_info().rss for p in processes) / 1e6 for n, processes in self.parts().items()}

    def threads(self) -> dict[str, int]:
        """Return the number of threads of each part."""
        return {n: sum(p.num_threads() for p in processes) for n, processes in self.parts().items()}


@contextlib.contextmanager
def running_hub(config: Path, log_level: str = "info") -> Iterator[RunningHub]:
    """Run `siaga run CONFIG` for the length of the block."""
    log = config.parent / "hub.log"
    command = [sys.executable, "-m", "siaga", "run", str(config), "--log-level", log_level]
    with log.open("w") as out:
        started_s = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True, cwd=config.parent)
        try:
            yield RunningHub(process, log, started_s)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
