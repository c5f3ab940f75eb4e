"""Keeps the disk from filling: old pictures and clips go, and low space is told before it hurts."""

from __future__ import annotations

import asyncio
import logging
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

from .clock import Clock
from .health import HealthBook
from .intake import Intake
from .settings import Settings
from .types import Event, new_id

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
SWEEP_EVERY_S = 3600.0
# Told again only after the space has been back by so much: a disk at the line must not chatter.
BACK_BY = 1.1


class Housekeeping:
    """Watch free space, and remove what is older than ``storage.keep_days``."""

    def __init__(self, settings: Settings, storage: Path, *, clock: Clock, intake: Intake, health: HealthBook) -> None:
        self._settings = settings
        self._storage = storage
        self._clock = clock
        self._intake = intake
        self._health = health
        self._is_low = False

    async def run(self) -> None:
        """Look for ever; a task of the hub."""
        next_sweep_s = self._clock.mono_s()
        while True:
            if self._clock.mono_s() >= next_sweep_s:
                next_sweep_s += SWEEP_EVERY_S
                await self.sweep()
            await self.look()
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Compare the free space with ``storage.min_free``; tell once when it falls below."""
        free = (await asyncio.to_thread(shutil.disk_usage, self._storage)).free
        least = self._settings.storage.min_free_bytes
        figures = {"free_bytes": float(free)}
        if free < least and not self._is_low:
            self._is_low = True
            data = {"free_bytes": free, "min_free_bytes": least}
            event = Event(
                id=new_id(), site=self._settings.site.id, kind="disk.low", at=self._clock.now(), camera=None, data=data
            )
            await self._intake.emit(event)
        elif free > least * BACK_BY:
            self._is_low = False
        self._health.set("disk", "degraded" if self._is_low else "ok", figures=figures)

    async def sweep(self) -> int:
        """Remove pictures and clips past their days; return how many files went.

        The rows of events and clips stay: what happened is known after its picture is gone.
        """
        oldest = self._clock.now() - timedelta(days=self._settings.storage.keep_days)
        gone = await asyncio.to_thread(self._remove_before, oldest)
        if gone:
            logger.info("removed %d pictures and clips older than %s days", gone, self._settings.storage.keep_days)
        return gone

    def _remove_before(self, oldest: datetime) -> int:
        # snapshots/<camera>/<YYYY-MM-DD>/ and clips/<camera>/<YYYY-MM-DD>/: whole days go.
        gone = 0
        for day in [*self._storage.glob("snapshots/*/*"), *self._storage.glob("clips/*/*")]:
            try:
                date = datetime.strptime(day.name, "%Y-%m-%d").replace(tzinfo=timezone.utc)
            except ValueError:
                continue
            if date + timedelta(days=1) <= oldest:
                gone += sum(1 for file in day.iterdir() if file.is_file())
                shutil.rmtree(day, ignore_errors=True)
        return gone
