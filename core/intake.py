"""What recorder and eyes tell becomes events, readings, clips and health, committed in order."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Literal

from .bus import Bus
from .clip_index import ClipIndex
from .clock import Clock
from .contracts import Store
from .errors import StoreFailed
from .event_log import EventLog
from .health import HealthBook
from .media.messages import ClipFailed, EyeEvent, Reading, StreamCondition, StreamReport
from .types import Clip, Event, Json, StreamRole, new_id

logger = logging.getLogger(__name__)

# A stream that reconnects within this time is not worth anybody's attention.
OFFLINE_AFTER_S = 10.0
# A full disk is often freed within a minute by retention; what happened meanwhile waits so long.
COMMIT_TRIES = 12
COMMIT_WAIT_S = 5.0

_HEALTH_OF: dict[StreamCondition, Literal["starting", "ok", "degraded", "lost", "off"]] = {
    "connecting": "starting",
    "live": "ok",
    "lost": "lost",
    "stalled": "lost",
    "auth_failed": "lost",
    "unreadable": "lost",
    "closed": "off",
}


class Intake:
    """Fulfil ``MediaSink``: the one door by which the video processes' news enters the hub."""

    def __init__(
        self, site: str, *, clock: Clock, bus: Bus, events: EventLog, clips: ClipIndex, store: Store, health: HealthBook
    ) -> None:
        self.readings: dict[tuple[str, str, str | None], Reading] = {}
        self._site = site
        self._clock = clock
        self._bus = bus
        self._events = events
        self._clips = clips
        self._store = store
        self._health = health
        self._away: dict[tuple[str, StreamRole], float] = {}
        self._told: set[tuple[str, StreamRole]] = set()

    async def emit(self, event: Event) -> int:
        """Commit an event and publish it; a disk that is full is waited for. StoreFailed in the end."""
        for _ in range(COMMIT_TRIES - 1):
            try:
                return await self._events.add(event)
            except StoreFailed as err:
                self._health.set("journal", "lost", str(err))
                await self._clock.sleep(COMMIT_WAIT_S)
        return await self._events.add(event)

    async def keep_picture(self, camera: str, name: str, at: datetime, jpeg: bytes) -> str:
        """Keep a JPEG; return its path below the storage folder. StoreFailed."""
        relative = f"snapshots/{camera}/{at:%Y-%m-%d}/{name}.jpg"
        await self._store.put(relative, jpeg)
        return relative

    async def on_event(self, message: EyeEvent) -> None:
        """Keep the picture, then commit. An event without its picture is better than none."""
        event_id = new_id()
        snapshot = None
        if message.jpeg:
            try:
                snapshot = await self.keep_picture(message.camera, event_id, message.at, message.jpeg)
            except StoreFailed as err:
                logger.error("%s: the picture of %s was not kept: %s", message.camera, message.kind, err)
                self._health.set("storage", "lost", str(err))
        event = Event(
            id=event_id,
            site=self._site,
            kind=message.kind,
            at=message.at,
            camera=message.camera,
            zone=message.zone,
            score=message.score,
            data=message.data,
            snapshot=snapshot,
        )
        await self._commit(event)

    async def on_reading(self, message: Reading) -> None:
        """Keep the newest value of each camera, kind and zone, and show it."""
        self.readings[message.camera, message.kind, message.zone] = message
        self._bus.publish(message)

    async def on_clip(self, clip: Clip) -> None:
        """Put a finished clip into the index and say so, once: after a crash it may be told again."""
        is_known = await self._clips.get(clip.id) is not None
        kept = await self._clips.add(clip)
        if is_known:
            return
        self._bus.publish(kept)
        seconds = round((clip.end - clip.start).total_seconds(), 1)
        data: dict[str, Json] = {"clip": clip.id, "seconds": seconds, "has_gap": clip.has_gap}
        await self._tell("clip.done", clip.camera, data)

    async def on_clip_failed(self, message: ClipFailed) -> None:
        """Say that a recording was asked for and is not there."""
        logger.error("%s: clip %s was not recorded: %s", message.camera, message.clip, message.reason)
        await self._tell("clip.failed", message.camera, {"clip": message.clip, "reason": message.reason})

    async def on_stream(self, report: StreamReport, at: datetime) -> None:
        """Keep a stream's health; coming back is told at once, going away by ``watch_streams``."""
        key = (report.camera, report.role)
        self._health.set(f"camera {report.camera} {report.role}", _HEALTH_OF[report.condition], report.reason)
        if report.condition == "auth_failed":
            if key not in self._told:
                self._told.add(key)
                await self._tell("camera.auth_failed", report.camera, {"stream": report.role, "reason": report.reason})
        elif report.condition == "live":
            self._away.pop(key, None)
            if key in self._told:
                self._told.discard(key)
                await self._tell("camera.online", report.camera, {"stream": report.role})
        elif report.condition == "closed":
            self._away.pop(key, None)
            self._told.discard(key)
        else:
            self._away.setdefault(key, self._clock.mono_s())

    async def on_process(self, name: str, what: Literal["started", "died", "hung"], detail: str) -> None:
        """Say that a recorder or an eye was replaced."""
        if what == "started":
            self._health.set(name, "ok")
            return
        self._health.set(name, "lost", detail)
        kind = "recorder.restarted" if name.startswith("recorder") else "eye.restarted"
        await self._tell(kind, None, {"process": name, "what": what, "detail": detail})

    async def watch_streams(self) -> None:
        """Tell each stream that stays away; runs until the hub stops."""
        while True:
            await self._clock.sleep(1.0)
            now_s = self._clock.mono_s()
            for key, since_s in list(self._away.items()):
                if key in self._told or now_s - since_s < OFFLINE_AFTER_S:
                    continue
                self._told.add(key)
                camera, role = key
                health = self._health.get(f"camera {camera} {role}")
                await self._tell("camera.offline", camera, {"stream": role, "reason": health.reason if health else ""})

    async def _tell(self, kind: str, camera: str | None, data: dict[str, Json]) -> None:
        now = self._clock.now()
        await self._commit(Event(id=new_id(), site=self._site, kind=kind, at=now, camera=camera, data=data))

    async def _commit(self, event: Event) -> None:
        try:
            await self.emit(event)
        except StoreFailed as err:
            logger.error("%s of %s was lost, the journal cannot be written: %s", event.kind, event.camera, err)
