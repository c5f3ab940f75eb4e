"""The parts of a journey: a scene on a real RTSP server, a hub started as a user starts it, and the stand-in."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import psutil
import yaml
from browsing import Visitor, get_bytes, get_json, post_json
from media_clips import FOOTAGE, TestClip, access_units

FPS, SIZE, GOP = 10, (640, 480), 20
QUIET_S, PEOPLE_S = 16, 12
# Real people make `object.person`; a drawn thing that crosses can only make motion.
KIND = "object.person" if FOOTAGE.exists() else "motion.start"


def scene(folder: Path) -> TestClip:
    """Make a place that rests for 16 s and then has people in it for 12 s."""
    mp4, units = folder / "scene.mp4", folder / "scene.units"
    count = 0
    with av.open(str(mp4), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "26", "g": str(GOP), "bf": "0", "sc_threshold": "0"}
        for picture in _pictures():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            count += 1
        container.mux(stream.encode(None))
    units.write_bytes(b"".join(len(unit).to_bytes(4, "big") + unit for unit in access_units(mp4)))
    return TestClip(mp4, units, "h264", FPS, *SIZE, count, GOP)


def _pictures() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(1)
    if FOOTAGE.exists():
        with av.open(str(FOOTAGE)) as container:
            shown = [cv2.resize(f.to_ndarray(format="bgr24"), SIZE) for f in container.decode(video=0)]
        empty = np.median(np.stack(shown[::25]), axis=0).astype(np.uint8)
        people = shown[100 : 100 + PEOPLE_S * FPS]
    else:
        warnings.warn(f"{FOOTAGE} is not there: a DRAWN thing crosses instead of real people", stacklevel=3)
        empty = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
        people = [cv2.rectangle(empty.copy(), (5 * k, 200), (5 * k + 60, 380), (30, 40, 60), -1) for k in range(120)]
    for picture in [empty] * (QUIET_S * FPS) + people:
        grain = rng.normal(0, 2, picture.shape[:2]).astype(np.int16)[:, :, None]
        yield np.clip(picture.astype(np.int16) + grain, 0, 255).astype(np.uint8)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class House:
    """One hub of a test: its folder, its configuration, its process, its pages."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.folder = folder
        self.config = config
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        self._password = ""
        self._visitor: Visitor | None = None

    def start(self) -> None:
        """Run `siaga run` and wait for its address."""
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(self.config, sort_keys=False))
        log = (self.folder / "hub.log").open("a")
        start = log.tell()
        command = [sys.executable, "-m", "siaga", "run", str(path)]
        self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, text=True, cwd=self.folder)
        found = self.until(lambda: re.search(r"Buka (http://\S+)", self.log()[start:]), 30, "the address")
        self.url = found[1]
        if secret := re.search(r"sekali pakai (\S+)", self.log()):
            self._password = secret[1]

    def log(self) -> str:
        """Return what the hub wrote so far."""
        return (self.folder / "hub.log").read_text("utf-8", errors="replace")

    def kill(self, sig: int = signal.SIGKILL) -> None:
        """End the hub the hard way and wait until its children are gone too."""
        assert self.process
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(sig)
        self.process.wait(20)
        _, alive = psutil.wait_procs(children, timeout=15)
        assert not alive, f"orphans: {[' '.join(p.cmdline()) for p in alive]}"

    def child(self, module: str) -> psutil.Process:
        """Return the recorder or an eye."""
        assert self.process
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if f"siaga.core.media.{module}" in child.cmdline():
                    return child
        raise AssertionError(f"there is no {module}")

    @property
    def visitor(self) -> Visitor:
        """Return the admin's session; the one-time password is changed on the way."""
        if self._visitor is None:
            self._visitor = Visitor(self.url, self._password)
        return self._visitor

    def until(self, look: Callable[[], Any], limit_s: float, what: str) -> Any:
        """Look again and again until something is there."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if found := look():
                return found
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"the hub ended while waiting for {what}:\n{self.log()[-4000:]}")
            time.sleep(0.1)
        raise AssertionError(f"{what} did not come within {limit_s} s:\n{self.log()[-6000:]}")

    def journal(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the journal's file, read-only, from outside."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/var/siaga.db?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()

    def close(self) -> None:
        """Stop the hub as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise AssertionError(f"Ctrl-C took more than 15 s:\n{self.log()[-3000:]}") from None


class Cloud:
    """The WhatsApp stand-in as a process of its own, so that it outlives a hub that is killed."""

    def __init__(self) -> None:
        script = Path(__file__).resolve().parent.parent / "cloud_api.py"
        self._process = subprocess.Popen(
            [sys.executable, str(script), "--port", "0"], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        assert self._process.stdout
        self.facts = json.loads(self._process.stdout.readline())

    def notifier(self, **more: Any) -> dict[str, Any]:
        """Return the block that sends here."""
        return {
            "type": "whatsapp",
            "phone_number_id": self.facts["phone_number_id"],
            "token": self.facts["token"],
            "template": "siaga_peringatan",
            "template_header": "image",
            "template_without_image": "siaga_tanpa_gambar",
            "base_url": self.facts["url"],
            **more,
        }

    def do(self, order: str, **values: Any) -> None:
        """Tell it to fail, to be slow, to lose an answer ..."""
        post_json(f"{self.facts['url']}/_control", {"do": order, **values})

    def state(self) -> dict[str, Any]:
        """Return what it accepted and what did not fit Meta's specification."""
        return get_json(f"{self.facts['url']}/_state")

    def picture(self, number: int) -> bytes:
        """Return the picture that message ``number`` carried."""
        return get_bytes(f"{self.facts['url']}/_picture/{number}")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(5)
