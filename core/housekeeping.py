"""Keeps the disk from filling: old pictures, clips and rows go, and low space is told before it hurts."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

from .alerts.desk import AlertDesk
from .clock import Clock
from .errors import StoreFailed
from .event_log import EventLog
from .gap_book import GapBook
from .health import HealthBook
from .intake import Intake
from .outbox import Outbox
from .settings import Settings
from .types import Event, new_id

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
SWEEP_EVERY_S = 3600.0
# Told again only after the space has been back by so much: a disk at the line must not chatter.
BACK_BY = 1.1
# What comes by the thousand and says little when its picture is gone.
NOISE = ("motion.", "zone.", "crowd.count", "flood.level", "rule.timer", "rule.state")
# What tells of persons stays no longer than its detector's own ``keep_days``: kinds of event, by the detector's type.
PERSONAL = {"plates": ("plate.",)}
# What happened is asked for by the year: floods are compared, complaints come late.
LEAST_EVENT_DAYS, EVENT_TIMES = 365, 10
# Rows in one job: the writer's other work waits no longer than for some milliseconds.
ROWS_AT_ONCE = 500


class Housekeeping:
    """Watch free space, and remove what is older than ``storage.keep_days``."""

    def __init__(  # noqa: PLR0913  the hub builds it once, by name
        self,
        settings: Settings,
        storage: Path,
        *,
        clock: Clock,
        intake: Intake,
        health: HealthBook,
        events: EventLog,
        outbox: Outbox,
        alerts: AlertDesk,
        gaps: GapBook | None = None,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._clock = clock
        self._intake = intake
        self._health = health
        self._events = events
        self._outbox = outbox
        self._alerts = alerts
        self._gaps = gaps
        self._is_low = False

    async def run(self) -> None:
        """Look for ever; a task of the hub."""
        next_sweep_s = self._clock.mono_s()
        while True:
            await self.look()
            if self._clock.mono_s() >= next_sweep_s:
                next_sweep_s += SWEEP_EVERY_S
                await self.sweep()
                await self.prune()
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Compare the free space with ``storage.min_free``; tell once when it falls below."""
        try:
            free = (await asyncio.to_thread(shutil.disk_usage, self._storage)).free
        except OSError as err:
            self._health.set("disk", "lost", f"{self._storage}: {err.strerror}")
            return
        least = self._settings.storage.min_free_bytes
        is_low = free < least or (self._is_low and free <= least * BACK_BY)
        # On the page first: the event may have to wait for the room whose lack it tells.
        self._health.set("disk", "degraded" if is_low else "ok", figures={"free_bytes": float(free)})
        await self._intake.look_again()
        if self._gaps is not None:
            await self._gaps.live(self._clock.now())
        if is_low and not self._is_low:
            is_low = await self._tell_low(free, least)
        self._is_low = is_low

    async def sweep(self) -> int:
        """Remove pictures and clips past their days; return how many files went."""
        oldest = self._days_ago(self._settings.storage.keep_days)
        gone = 0
        for day in await asyncio.to_thread(_days_before, self._storage, oldest):
            gone += await asyncio.to_thread(_remove, day)
        if gone:
            logger.info("removed %d pictures and clips older than %s days", gone, self._settings.storage.keep_days)
        return gone

    async def prune(self) -> int:
        """Remove old rows in small jobs; return how many. Clips and the audit stay for ever."""
        keep_days = self._settings.storage.keep_days
        old, very_old = (self._days_ago(d) for d in (keep_days, max(LEAST_EVENT_DAYS, keep_days * EVENT_TIMES)))
        jobs: tuple[Callable[[], Awaitable[int]], ...] = (
            lambda: self._events.prune(old, kinds=NOISE, limit=ROWS_AT_ONCE),
            lambda: self._events.prune(very_old, without=NOISE, limit=ROWS_AT_ONCE),
            *self._personal(),
            lambda: self._outbox.prune(old, ROWS_AT_ONCE),
            lambda: self._alerts.prune(very_old, ROWS_AT_ONCE, counted_before=old),
        )
        gaps = self._gaps
        if gaps is not None:
            jobs = (*jobs, lambda: gaps.prune(very_old, ROWS_AT_ONCE))
        gone = 0
        try:
            for job in jobs:
                while (removed := await job()) > 0:
                    gone += removed
                    if removed < ROWS_AT_ONCE:
                        break
        except StoreFailed as err:
            logger.warning("old rows stay until the next sweep: %s", err)
        if gone:
            logger.info("removed %d old rows from the journal", gone)
        return gone

    def _personal(self) -> Iterator[Callable[[], Awaitable[int]]]:
        """Yield what removes events that tell of persons; the shortest of several cameras' days counts for all."""
        for detector, kinds in PERSONAL.items():
            asked = [
                int(detect.options["keep_days"])
                for camera in self._settings.cameras.values()
                for detect in camera.detect
                if detect.type == detector and "keep_days" in detect.options
            ]
            old = self._days_ago(min([*asked, self._settings.storage.keep_days]))
            yield partial(self._events.prune, old, kinds=kinds, limit=ROWS_AT_ONCE)

    async def _tell_low(self, free: int, least: int) -> bool:
        data = {"free_bytes": free, "min_free_bytes": least}
        site, at = self._settings.site.id, self._clock.now()
        event = Event(id=new_id(), site=site, kind="disk.low", at=at, camera=None, data=data)
        try:
            await self._intake.emit(event)
        except StoreFailed as err:
            # The next look tells it; now the sweep has its turn, which may make room.
            logger.error("low space could not be told yet: %s", err)
            return False
        return True

    def _days_ago(self, days: int) -> datetime:
        return self._clock.now() - timedelta(days=days)


def _days_before(storage: Path, oldest: datetime) -> list[Path]:
    """Return snapshots/<camera>/<YYYY-MM-DD> and clips/<camera>/<YYYY-MM-DD> of days that are wholly over."""
    found = []
    for kind in ("snapshots", "clips"):
        for camera in _folders(storage / kind):
            for day in _folders(camera):
                try:
                    date = datetime.strptime(day.name, "%Y-%m-%d").replace(tzinfo=timezone.utc)
                except ValueError:
                    continue
                if date + timedelta(days=1) <= oldest:
                    found.append(day)
    return found


def _folders(path: Path) -> Iterator[Path]:
    # A link somebody put there is no folder of ours; what cannot be read must not end the watch.
    try:
        with os.scandir(path) as entries:
            yield from [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return
    except OSError as err:
        logger.warning("%s is left out of the clearing up: %s", path, err.strerror)


def _remove(day: Path) -> int:
    """Remove a day's folder; return how many files really went."""
    before = _files(day)
    shutil.rmtree(day, ignore_errors=True)
    stay = _files(day)
    if day.exists():
        logger.warning("%s could not be removed; %d files stay", day, stay)
    return before - stay


def _files(folder: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(folder))
