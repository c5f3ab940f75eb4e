"""Writes a copy of a recording in which nobody can be recognised, with a paper that says what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from ..errors import MediaError
from ..settings import PrivacySettings
from ..tasks import Crash, fenced_call
from ..texts import Texts
from ..types import Box, Struct
from .faces import FaceFinder, hide
from .privacy import cover
from .sha256 import sha256_of

# Faces are looked for in every so many pictures; in between they are hidden where they were before and where they are
# found next, and a little around.
_LOOK_EVERY = 3
_AROUND = 0.25
Find = Callable[[NDArray[np.uint8]], list[Box]]


class Redacted(Struct):
    """Say what was made of what. Hashes are SHA-256, hex; ``faces`` are hidden places, summed over the pictures."""

    source: str
    source_sha256: str
    result: str
    result_sha256: str
    pictures: int
    faces: int
    masks: int
    ground: str
    by: str
    at: datetime
    has_sound: bool = False


def redact(
    source: Path,
    target: Path,
    privacy: PrivacySettings,
    *,
    ground: str,
    by: str,
    at: datetime,
    texts: Texts,
    find: Find | None = None,
) -> Redacted:
    """Write ``target`` (MP4, H.264, without sound) from ``source``. MediaError in words; then nothing is left."""
    looking = _fenced(find, source, texts) if privacy.hides_faces else None
    part = target.with_name(f".{target.name}.part")
    try:
        counted = _write(source, part, privacy, looking)
        if not counted[0]:
            raise MediaError(texts("redact.no_picture", file=source))
        part.replace(target)
    except (FFmpegError, OSError, ValueError) as err:
        raise MediaError(texts("redact.failed", file=source, why=err)) from err
    finally:
        part.unlink(missing_ok=True)
    return Redacted(
        source=source.name,
        source_sha256=sha256_of(source),
        result=target.name,
        result_sha256=sha256_of(target),
        pictures=counted[0],
        faces=counted[1],
        masks=len(privacy.masks),
        ground=ground,
        by=by,
        at=at,
    )


def _fenced(find: Find | None, source: Path, texts: Texts) -> Find:
    """Return a search that gives up in words: a copy in which nobody looked for faces is not to be made."""

    def look(bgr: NDArray[np.uint8]) -> list[Box]:
        found = fenced_call(lambda: find(bgr) if find is not None else FaceFinder.shared().find(bgr))
        if isinstance(found, Crash):
            raise MediaError(texts("redact.failed", file=source, why=found))
        return found

    return look


def _write(source: Path, part: Path, privacy: PrivacySettings, find: Find | None) -> tuple[int, int]:
    pictures = faces = 0
    with av.open(str(source)) as given, av.open(str(part), "w", format="mp4") as written:
        if not given.streams.video:
            return 0, 0
        stream = given.streams.video[0]
        stream.thread_type = "AUTO"
        out: Any = None
        for frame, boxes in _with_faces(given.decode(stream), find):
            bgr = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            bgr = np.ascontiguousarray(bgr[: bgr.shape[0] // 2 * 2, : bgr.shape[1] // 2 * 2])
            if privacy.masks:
                bgr[cover(privacy.masks, bgr.shape[0], bgr.shape[1])] = 0
            hide(bgr, boxes)
            if out is None:
                out = written.add_stream("libx264", rate=stream.average_rate or 25)
                out.width, out.height, out.pix_fmt = bgr.shape[1], bgr.shape[0], "yuv420p"
                out.options = {"preset": "veryfast", "crf": "23"}
            made = av.VideoFrame.from_ndarray(bgr, format="bgr24")
            made.pts, made.time_base = frame.pts, frame.time_base
            written.mux(out.encode(made))
            pictures, faces = pictures + 1, faces + len(boxes)
        if out is not None:
            written.mux(out.encode())
    return pictures, faces


def _with_faces(frames: Iterator[Any], find: Find | None) -> Iterator[tuple[Any, list[Box]]]:
    """Yield pictures with where faces are to be hidden; a few are held back until the next look is done."""
    if find is None:
        yield from ((frame, []) for frame in frames)
        return
    before: list[Box] = []
    held: list[Any] = []
    for number, frame in enumerate(frames):
        held.append(frame)
        if number % _LOOK_EVERY:
            continue
        now = [_around(box) for box in find(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))]
        yield from ((one, [*before, *now]) for one in held)
        before, held = now, []
    yield from ((one, before) for one in held)


def _around(box: Box) -> Box:
    wide, high = (box.right - box.left) * _AROUND, (box.bottom - box.top) * _AROUND
    return Box(
        left=max(0.0, box.left - wide),
        top=max(0.0, box.top - high),
        right=min(1.0, box.right + wide),
        bottom=min(1.0, box.bottom + high),
    )
