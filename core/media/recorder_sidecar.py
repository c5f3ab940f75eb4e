"""What is planned for a clip, kept as a small JSON file until the hub has the clip in its index."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ..types import Clip, Struct

logger = logging.getLogger(__name__)

_FOLDER = "clips/.waiting"


class ClipPlan(Struct):
    """Say what a clip is to hold. ``clip`` is there once it is finished; paths are below the storage."""

    id: str
    camera: str
    start: datetime
    codec: str
    keys: tuple[str, ...]
    has_gap: bool = False
    origin: str = ""
    clip: Clip | None = None

    @property
    def path(self) -> str:
        """Return where the finished clip stands."""
        return f"clips/{self.camera}/{self.start:%Y-%m-%d}/{self.id}.mp4"

    @property
    def part(self) -> str:
        """Return where it grows."""
        return self.path.removesuffix(".mp4") + ".part.mp4"

    def replaced(self, **changes: Any) -> ClipPlan:  # noqa: ANN401
        """Return a plan with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class Sidecars:
    """Keep the plans of all clips that the hub does not have yet."""

    def __init__(self, storage: Path) -> None:
        self._folder = storage / _FOLDER
        self._descriptor: int | None = None

    def lock(self) -> bool:
        """Take the notes for this process until it ends; False while another recorder still has them.

        A hub that was killed leaves its recorder some seconds to finish: its notes are not left behind yet.
        """
        if self._descriptor is not None:
            return True
        descriptor = -1
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            if descriptor >= 0:
                os.close(descriptor)
            if err.errno == errno.EWOULDBLOCK:
                return False
            # Some network disks know no locks; a folder that cannot be made is told with the first clip.
            logger.warning("%s cannot be locked: %s", self._folder, err.strerror)
            return True
        self._descriptor = descriptor
        return True

    def write(self, plan: ClipPlan) -> None:
        """Keep a plan; whole or not at all. OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._folder / f"{plan.id}.new"
        with new.open("wb") as file:
            file.write(msgspec.json.encode(plan))
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._folder / f"{plan.id}.json")

    def remove(self, clip_id: str) -> None:
        """Forget a plan."""
        try:
            (self._folder / f"{clip_id}.json").unlink(missing_ok=True)
        except OSError as err:
            logger.warning("the note of clip %s stays behind: %s", clip_id, err)

    def read_all(self) -> list[ClipPlan]:
        """Return every plan that was left, oldest first; one that cannot be read is set aside."""
        plans = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                plans.append(msgspec.json.decode(file.read_bytes(), type=ClipPlan))
            except FileNotFoundError:
                continue  # another recorder, which still ends, was just rid of it
            except (OSError, msgspec.MsgspecError) as err:
                logger.error("%s cannot be read and is set aside: %s", file, err)
                with contextlib.suppress(OSError):
                    file.rename(file.with_suffix(".broken"))
        return plans
