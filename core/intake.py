"""What recorder and eyes tell becomes events, readings, clips and health, committed in order."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime
from typing import Literal

import msgspec

from .bus import Bus
from .clip_index import ClipIndex
from .clock import Clock
from .contracts import Store
from .errors import StoreFailed
from .event_log import EventLog
from .gap_book import GapBook
from .health import HealthBook
from .log import masked
from .media.messages import ClipFailed, EyeEvent, LastTold, Reading, StreamCondition, StreamReport
from .texts import Texts
from .types import Clip, Event, Json, StreamRole, new_id

logger = logging.getLogger(__name__)

# A stream that reconnects within this time is not worth anybody's attention.
OFFLINE_AFTER_S = 10.0
# A full disk is often freed within a minute by retention; what happened meanwhile waits so long.
COMMIT_TRIES = 12
COMMIT_WAIT_S = 5.0
# What holds until the next of its kind, however long ago it was told.
STANDING_KINDS = ("flood.stage",)

_HEALTH_OF: dict[StreamCondition, Literal["starting", "ok", "degraded", "lost", "off"]] = {
    "connecting": "starting",
    "live": "ok",
    "lost": "lost",
    "stalled": "lost",
    "auth_failed": "lost",
    "unreadable": "lost",
    "closed": "off",
}
# Words that a camera or a library gave us: they quote addresses with their login.
_FOREIGN_WORDS = ("reason", "detail", "error")

# One stream, or the camera itself (``start``) before its streams are known.
_Key = tuple[str, StreamRole | Literal["start"]]


class _Away:
    """Since when a stream is away, and the last word on why."""

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        self.reason = ""


class Intake:
    """Fulfil ``MediaSink``: the one door by which the video processes' news enters the hub."""

    def __init__(  # noqa: PLR0913  the hub builds it once, by name
        self,
        site: str,
        *,
        clock: Clock,
        bus: Bus,
        events: EventLog,
        clips: ClipIndex,
        store: Store,
        health: HealthBook,
        texts: Texts | None = None,
        gaps: GapBook | None = None,
    ) -> None:
        self.readings: dict[tuple[str, str, str | None], Reading] = {}
        self._site = site
        self._clock = clock
        self._bus = bus
        self._events = events
        self._clips = clips
        self._store = store
        self._health = health
        self._texts = texts or Texts()
        self._gaps = gaps
        self._away: dict[_Key, _Away] = {}
        # What was told of a stream that is not back yet.
        self._told: dict[_Key, str] = {}

    async def emit(self, event: Event) -> int:
        """Commit an event and publish it; a disk that is full is waited for. StoreFailed in the end."""
        event = _without_logins(event)
        tries = 1
        while True:
            try:
                seq = await self._events.add(event)
            except StoreFailed as err:
                self._health.set("journal", "lost", str(err))
                if tries == COMMIT_TRIES:
                    raise
            else:
                self._health.set("journal", "ok")
                return seq
            tries += 1
            await self._clock.sleep(COMMIT_WAIT_S)

    async def keep_picture(self, camera: str, name: str, at: datetime, jpeg: bytes) -> str:
        """Keep a JPEG; return its path below the storage folder. StoreFailed."""
        relative = f"snapshots/{camera}/{at:%Y-%m-%d}/{name}.jpg"
        try:
            await self._store.put(relative, jpeg)
        except StoreFailed as err:
            self._health.set("storage", "lost", str(err))
            raise
        self._health.set("storage", "ok")
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
        """Put a finished clip into the index and say so. StoreFailed: the recorder tells it again.

        The event's id follows from the clip's: told again after a crash between the two, it is
        neither lost nor doubled.
        """
        is_known = await self._clips.get(clip.id) is not None
        kept = await self._clips.add(clip)
        if not is_known:
            self._bus.publish(kept)
        seconds = round((kept.end - kept.start).total_seconds(), 1)
        data: dict[str, Json] = {"clip": kept.id, "seconds": seconds, "has_gap": kept.has_gap}
        event_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"siaga:clip.done:{kept.id}"))
        await self.emit(self._event("clip.done", kept.camera, data, event_id))

    async def on_clip_failed(self, message: ClipFailed) -> None:
        """Say that a recording was asked for and is not there."""
        logger.error("%s: clip %s was not recorded: %s", message.camera, message.clip, message.reason)
        await self._tell("clip.failed", message.camera, {"clip": message.clip, "reason": message.reason})

    async def on_stream(self, report: StreamReport, at: datetime) -> None:
        """Keep a stream's health; coming back is told at once, going away by ``watch_streams``."""
        key: _Key = (report.camera, report.role)
        away = None if report.condition in ("live", "closed") else self._note_away(key, report.reason)
        reason = away.reason if away is not None else report.reason
        if self._gaps is not None and report.role == "main":
            if report.condition == "live":
                await self._gaps.end(report.camera, at)
            elif away is not None and report.condition != "connecting":
                await self._gaps.begin(report.camera, at, reason)
        self._health.set(f"camera {report.camera} {report.role}", _HEALTH_OF[report.condition], reason)
        if report.condition == "auth_failed":
            await self._tell_away(key, "camera.auth_failed", reason)
        elif report.condition == "live":
            await self._tell_back(key)
        elif report.condition == "closed":
            self._away.pop(key, None)
            self._told.pop(key, None)

    async def last_told(self, camera: str) -> tuple[LastTold, ...]:
        """Return what a camera's detectors told last of what still stands, so that a restart tells nothing twice."""
        last: list[LastTold] = []
        for kind in STANDING_KINDS:
            try:
                found = await self._events.find(kind=kind, camera=camera, limit=1)
            except StoreFailed as err:
                logger.warning("%s: its last %s is not known: %s", camera, kind, err)
                continue
            last += [LastTold(kind=kind, data=one.event.data) for one in found]
        return tuple(last)

    def remember_away(self, camera: str, kind: str) -> None:
        """Take that before a restart a camera was told to be away: its return is told then, its absence not again."""
        self._told[camera, "start"] = kind

    async def on_start_failed(self, camera: str, reason: str, *, is_auth: bool) -> None:
        """Take that a camera could not be started: told once, like a stream that stays away."""
        key: _Key = (camera, "start")
        self._note_away(key, reason)
        if is_auth:
            await self._tell_away(key, "camera.auth_failed", reason)

    def on_started(self, camera: str) -> None:
        """Take that a camera was started: from now on its streams say how it is."""
        self._away.pop((camera, "start"), None)

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
            for key, away in list(self._away.items()):
                is_told = key in self._told or (key[0], "start") in self._told
                if not is_told and now_s - away.since_s >= OFFLINE_AFTER_S:
                    await self._tell_away(key, "camera.offline", away.reason or self._texts("hub.no_word_yet"))

    async def look_again(self) -> None:
        """Try the disk where it failed: with no news to keep, nothing else would say that it is back."""
        if (journal := self._health.get("journal")) is not None and journal.state == "lost":
            try:
                # Any row that changes does; this one nobody reads.
                await self._events.advance("disk", int(self._clock.now().timestamp()))
            except StoreFailed as err:
                self._health.set("journal", "lost", str(err))
            else:
                self._health.set("journal", "ok")
        if (storage := self._health.get("storage")) is not None and storage.state == "lost":
            try:
                await self._store.put(".room", bytes(64_000))  # about a picture
            except StoreFailed as err:
                self._health.set("storage", "lost", str(err))
            else:
                self._health.set("storage", "ok")

    # --- inside ---------------------------------------------------------------------------------

    def _note_away(self, key: _Key, reason: str) -> _Away:
        away = self._away.setdefault(key, _Away(self._clock.mono_s()))
        # While it connects again it says nothing: why it went is still what people want to know.
        away.reason = reason or away.reason
        return away

    async def _tell_away(self, key: _Key, kind: str, reason: str) -> None:
        camera, role = key
        if self._told.get(key) == kind:
            return
        # Noted before it is told: it may come back while the disk is waited for.
        is_known = any(one[0] == camera and told == kind for one, told in self._told.items())
        before, self._told[key] = self._told.get(key), kind
        if is_known:
            return  # a camera is one thing to people, however many streams it has
        stream = "main" if role == "start" else role
        if not await self._tell(kind, camera, {"stream": stream, "reason": reason}) and self._told.get(key) == kind:
            self._told.pop(key)
            if before is not None:
                self._told[key] = before

    async def _tell_back(self, key: _Key) -> None:
        camera, role = key
        was_told = False
        for one in (key, (camera, "start")):
            self._away.pop(one, None)
            was_told = self._told.pop(one, None) is not None or was_told
        if was_told and not any(one[0] == camera for one in self._told):
            await self._tell("camera.online", camera, {"stream": role})

    def _event(self, kind: str, camera: str | None, data: dict[str, Json], event_id: str = "") -> Event:
        at = self._clock.now()
        return Event(id=event_id or new_id(), site=self._site, kind=kind, at=at, camera=camera, data=data)

    async def _tell(self, kind: str, camera: str | None, data: dict[str, Json]) -> bool:
        return await self._commit(self._event(kind, camera, data))

    async def _commit(self, event: Event) -> bool:
        try:
            await self.emit(event)
        except StoreFailed as err:
            logger.error("%s of %s was lost, the journal cannot be written: %s", event.kind, event.camera, err)
            return False
        return True


def _without_logins(event: Event) -> Event:
    """Hide what an error quoted: an event goes to pages, messages and other programs."""
    words = {key: masked(word) for key in _FOREIGN_WORDS if isinstance(word := event.data.get(key), str)}
    return msgspec.structs.replace(event, data={**event.data, **words}) if words else event
