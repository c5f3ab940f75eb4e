"""The benchmark's scenes, made from the development footage and encoded as a camera would."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np

SIZE = (640, 480)
FPS = 10
GOP = 20
# Sensor noise of a small camera by day: two to three grey levels.
NOISE = 3.0
FOOTAGE = Path(__file__).resolve().parent.parent.parent / "shared" / "media" / "vtest.avi"


@functools.cache
def people() -> list[np.ndarray]:
    """Return the frames of vtest.avi, BGR 640x480: pedestrians seen from above."""
    if not FOOTAGE.exists():
        raise SystemExit(f"bench: {FOOTAGE} is not there; these figures need real people to be seen")
    with av.open(str(FOOTAGE)) as container:
        return [cv2.resize(f.to_ndarray(format="bgr24"), SIZE) for f in container.decode(video=0)]


@functools.cache
def empty() -> np.ndarray:
    """Return the same place without people: the median picture."""
    return np.median(np.stack(people()[::25]), axis=0).astype(np.uint8)


def noisy(frames: Iterable[np.ndarray], seed: int = 1) -> Iterator[np.ndarray]:
    """Add a sensor's noise."""
    rng = np.random.default_rng(seed)
    for frame in frames:
        grain = rng.normal(0, NOISE, frame.shape[:2]).astype(np.int16)[:, :, None]
        yield np.clip(frame.astype(np.int16) + grain, 0, 255).astype(np.uint8)


def rest(seconds: float) -> Iterator[np.ndarray]:
    """Show the empty place."""
    return noisy([empty()] * round(seconds * FPS))


def stirred(seconds: float) -> Iterator[np.ndarray]:
    """Show the empty place with a swaying branch: motion that holds an eye awake, and nobody there."""
    frames = []
    for k in range(round(seconds * FPS)):
        frame = empty().copy()
        x = int(70 + 40 * np.sin(k * 0.9))
        cv2.ellipse(frame, (x, 60), (70, 22), 20, 0, 360, (30, 70, 40), -1)
        frames.append(frame)
    return noisy(frames)


def walkers(start: int, seconds: float) -> Iterator[np.ndarray]:
    """Show people from frame ``start`` of the footage."""
    return noisy(people()[start : start + round(seconds * FPS)])


def encode(frames: Iterable[np.ndarray], out: Path) -> int:
    """Write an MP4 as the reference scene is: x264 veryfast, crf 26, GOP 20, no B-frames. Return its frames."""
    count = 0
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "26", "g": str(GOP), "bf": "0", "sc_threshold": "0"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))
            count += 1
        container.mux(stream.encode(None))
    return count
