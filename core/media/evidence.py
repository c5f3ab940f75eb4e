"""Puts together what proves one event: the recording as it was cut, three stills of it, and a paper with hashes."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import av
import msgspec
from av.error import FFmpegError

from ..errors import MediaError
from ..texts import Texts
from ..types import Clip, Event, Json, Struct
from .picture import encode

# Before, at and after the moment, in seconds: what led to it, what it was, what came of it.
_MOMENTS_S = (-2.0, 0.0, 2.0)
PAPER = "bukti.json"


class Part(Struct):
    """Name one file of the package and its SHA-256, hex; ``at`` is the moment that a still shows."""

    name: str
    sha256: str
    size_bytes: int
    at: datetime | None = None


class Paper(Struct):
    """Say what a package proves. ``clip`` is the index's row; its hash and chain were written when it was cut."""

    site: dict[str, Json]
    camera: dict[str, Json]
    event: Event
    clip: Clip
    parts: tuple[Part, ...]
    ground: str
    by: str
    made_at: datetime


def pack(
    target: Path,
    *,
    event: Event,
    clip: Clip,
    storage: Path,
    paper: dict[str, Any],
    texts: Texts,
) -> Paper:
    """Write a ZIP with recording, stills, picture and paper. MediaError in words; then nothing is left.

    ``paper`` holds the paper's ``site``, ``camera``, ``ground``, ``by`` and ``made_at``. A recording that is not what
    it was when it was cut is refused: it proves nothing.
    """
    recording = storage / clip.path
    part = target.with_name(f".{target.name}.part")
    try:
        content = recording.read_bytes()
        if hashlib.sha256(content).hexdigest() != clip.sha256:
            raise MediaError(texts("evidence.changed", file=recording))
        stills = _stills(recording, clip, event.at)
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as written:
            parts = [_put(written, f"rekaman{recording.suffix}", content, None)]
            parts += [_put(written, f"gambar-{n}.jpg", jpeg, at) for n, (at, jpeg) in enumerate(stills, 1)]
            if event.snapshot and (storage / event.snapshot).is_file():
                parts.append(_put(written, "kejadian.jpg", (storage / event.snapshot).read_bytes(), event.at))
            made = Paper(event=event, clip=clip, parts=tuple(parts), **paper)
            written.writestr(PAPER, msgspec.json.format(msgspec.json.encode(made), indent=2))
        part.replace(target)
    except (OSError, FFmpegError, ValueError) as err:
        raise MediaError(texts("evidence.failed", file=recording, why=err)) from err
    finally:
        part.unlink(missing_ok=True)
    return made


def fitting(clips: Sequence[Clip], at: datetime) -> Clip | None:
    """Return the recording that shows a moment with the most around it, None where none does."""
    showing = [clip for clip in clips if clip.start <= at <= clip.end]
    return max(showing, key=lambda clip: min(at - clip.start, clip.end - at), default=None)


def _stills(recording: Path, clip: Clip, at: datetime) -> list[tuple[datetime, bytes]]:
    """Return three pictures with their moments, the nearest that the recording has."""
    wanted = [at + timedelta(seconds=offset) for offset in _MOMENTS_S]
    nearest: list[tuple[float, datetime, Any] | None] = [None] * len(wanted)
    with av.open(str(recording)) as given:
        stream = given.streams.video[0]
        first: float | None = None
        for frame in given.decode(stream):
            seconds = (
                float(frame.pts * frame.time_base) if frame.pts is not None and frame.time_base is not None else 0.0
            )
            first = seconds if first is None else first
            moment = clip.start + timedelta(seconds=seconds - first)
            for number, one in enumerate(wanted):
                off = abs((moment - one).total_seconds())
                before = nearest[number]
                if before is None or off < before[0]:
                    nearest[number] = (off, moment, frame)
    return [(one[1], encode(one[2].to_ndarray(format="bgr24"))) for one in nearest if one is not None]


def _put(written: zipfile.ZipFile, name: str, content: bytes, at: datetime | None) -> Part:
    written.writestr(name, content)
    return Part(name=name, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), at=at)
