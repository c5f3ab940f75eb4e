"""Makes the H.264 and H.265 clips that stream tests play: real people where the footage stands, else a drawn scene."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, cycle, islice
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

# 768x576, 10 fps, 79 s, people walking; it lies beside the repository where the footage is.
FOOTAGE = Path(os.environ.get("SIAGA_VTEST", Path(__file__).resolve().parents[2] / "shared" / "media" / "vtest.avi"))
ENCODERS = {"h264": "libx264", "hevc": "libx265"}
TO_ANNEX_B = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}


@dataclass(frozen=True)
class TestClip:
    """One encoded clip: ``mp4`` plays as a file; ``units`` holds its access units for the RTSP server."""

    __test__ = False

    mp4: Path
    units: Path
    codec: str
    fps: int
    width: int
    height: int
    frames: int
    gop: int


def make_clip(
    codec: str = "h264",
    *,
    size: tuple[int, int] = (640, 480),
    fps: int = 10,
    seconds: float = 12,
    gop: int = 20,
    b_frames: int = 0,
    start_s: float = 0,
) -> TestClip:
    """Return a clip, encoded once and kept in the machine's temporary folder for the next test run."""
    facts = {"codec": codec, "size": size, "fps": fps, "seconds": seconds, "gop": gop, "b": b_frames, "start": start_s}
    footage = FOOTAGE.stat().st_size if FOOTAGE.exists() else 0
    key = hashlib.sha256(json.dumps([facts, footage, 3]).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"siaga-test-clips-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    mp4, units = folder / f"{key}.mp4", folder / f"{key}.units"
    if not units.exists():
        part = folder / f"{key}.{os.getpid()}.mp4"
        _encode(part, facts)
        part.rename(mp4)
        part_units = folder / f"{key}.{os.getpid()}.units"
        part_units.write_bytes(b"".join(len(unit).to_bytes(4, "big") + unit for unit in access_units(mp4)))
        part_units.rename(units)
    return TestClip(mp4, units, codec, fps, size[0], size[1], round(fps * seconds), gop)


def access_units(video: Path) -> Iterator[bytes]:
    """Return a video's access units in Annex B form, in decoding order."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        to_annex_b = BitStreamFilterContext(TO_ANNEX_B[stream.codec_context.name], stream)
        for packet in container.demux(stream):
            for unit in to_annex_b.filter(packet if packet.size else None):
                yield bytes(unit)


def _encode(path: Path, facts: dict) -> None:
    width, height = facts["size"]
    count = round(facts["fps"] * facts["seconds"])
    with av.open(str(path), "w") as out:
        stream = out.add_stream(ENCODERS[facts["codec"]], rate=facts["fps"])
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = facts["gop"]
        stream.codec_context.max_b_frames = facts["b"]
        stream.options = {"preset": "veryfast", "sc_threshold": "0", "x265-params": "log-level=none:scenecut=0"}
        for index, frame in enumerate(islice(_frames(facts["start"]), count)):
            picture = frame.reformat(width, height, "yuv420p")
            picture.pts, picture.time_base = index, Fraction(1, facts["fps"])
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))


def _frames(start_s: float) -> Iterator[av.VideoFrame]:
    if not FOOTAGE.exists():
        warnings.warn(f"{FOOTAGE} is not there: the tests see a DRAWN scene, not real people", stacklevel=4)
        return _drawn()
    return chain.from_iterable(_played(start_s) for _ in cycle([0]))


def _played(start_s: float) -> Iterator[av.VideoFrame]:
    with av.open(str(FOOTAGE)) as container:
        rate = float(container.streams.video[0].average_rate or 10)
        yield from islice(container.decode(video=0), round(start_s * rate), None)


def _drawn() -> Iterator[av.VideoFrame]:
    noise = np.random.default_rng(7).integers(60, 120, (576, 768, 3), dtype=np.uint8)
    step = 0
    while True:
        picture = noise.copy()
        left = (step * 12) % 700
        picture[200:420, left : left + 60] = (230, 220, 200)
        yield av.VideoFrame.from_ndarray(picture, format="rgb24")
        step += 1
