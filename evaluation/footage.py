"""Labelled footage: its manifest, and its pictures as an eye gets them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from ..core.errors import SiagaError
from ..core.media.camera_looks import Offered

# As in an eye: one core.
cv2.setNumThreads(1)
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
Picture = NDArray[np.uint8]


class NoFootage(SiagaError):
    """Say that a folder does not hold what a detector is measured on."""


def folder_of(data: Path, name: str) -> Path:
    """Return the folder of one theme: ``data`` itself, or the one of that name below it. NoFootage."""
    for folder in (data / name, data):
        if (folder / "manifest.csv").is_file() and (folder.name == name or folder == data / name):
            return folder
    if (data / "manifest.csv").is_file():
        return data
    raise NoFootage(f"{data}: no manifest.csv, and no folder {name} that has one")


def rows_of(folder: Path, table: str = "manifest.csv") -> list[dict[str, str]]:
    """Return the rows of a table whose files are there. NoFootage where there are none."""
    with (folder / table).open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if (folder / row["file"]).is_file()]
    if not rows:
        raise NoFootage(f"{folder / table}: none of its files is here")
    return rows


def scene_of(row: dict[str, str]) -> str:
    """Return the scene that a clip was cut from, as its note says; clips of one scene are alike."""
    found = re.search(r"scene=(\w+)", row.get("note", ""))
    return found[1] if found else row["file"]


def still(path: Path) -> Picture:
    """Return a picture, uint8 BGR [height, width, 3]. NoFootage where it cannot be read."""
    picture: Any = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise NoFootage(f"{path}: no picture")
    return np.asarray(picture, np.uint8)


def pictures_of(path: Path, fps: float = 0.0) -> Iterator[tuple[float, Picture]]:
    """Yield (seconds, BGR picture) of a video, ``fps`` a second at most; 0 for all."""
    next_s = 0.0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or 25)
        for number, frame in enumerate(container.decode(stream)):
            at_s = number / rate
            if fps and at_s + 1e-6 < next_s:
                continue
            next_s += 1 / fps if fps else 0.0
            yield at_s, np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def frame_of(picture: Picture, at_s: float, camera: str = "uji") -> Offered:
    """Return a picture as an eye offers it to detectors, in an awake scene."""
    return Offered(
        camera=camera,
        at=START + timedelta(seconds=at_s),
        arrived_mono_s=at_s,
        is_key=True,
        luma=np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8),
        colour=lambda: picture,
        is_awake=True,
        motion=0.05,
    )
