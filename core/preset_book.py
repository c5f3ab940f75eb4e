"""Which presets the cameras were seen to have, kept across restarts, so that a rule that names another is told."""

from __future__ import annotations

import logging

from .contracts import Ptz
from .errors import SiagaError
from .memory import Memory
from .tasks import Crash, fenced

logger = logging.getLogger(__name__)

_OWNER = "presets"
# More than any camera holds that a person still finds her way in; ONVIF cameras list up to 255 empty ones.
MOST_PRESETS = 300
MOST_LETTERS = 100


class PresetBook:
    """Ask cameras for their presets, quietly, and remember them."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def learn(self, camera_id: str, ptz: Ptz) -> None:
        """Ask one camera; what goes wrong leaves what is known."""
        names = await fenced(ptz.presets)
        if isinstance(names, Crash) or not all(isinstance(name, str) for name in names):
            logger.debug("camera %s: its presets are not known: %s", camera_id, names)
            return
        kept = [name for name in names if len(name) <= MOST_LETTERS][:MOST_PRESETS]
        try:
            await self._memory.remember(_OWNER, camera_id, kept)
        except SiagaError as err:
            logger.debug("camera %s: its presets were not kept: %s", camera_id, err)

    async def known(self, camera_ids: list[str]) -> dict[str, tuple[str, ...]]:
        """Return what is remembered of cameras."""
        found = {}
        for camera_id in camera_ids:
            names = await self._memory.recall(_OWNER, camera_id)
            if isinstance(names, list):
                found[camera_id] = tuple(str(name) for name in names)
        return found
