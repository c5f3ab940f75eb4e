"""How a camera is, told honestly: alive, gone, refused or off, since when and why, and what it reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from ..core.media.messages import Reading, StreamReport
from ..core.types import Health, StreamRole, Struct
from .event_words import EventWords, stage_of
from .ports import HubPort
from .wording import Wording

Tone = Literal["good", "warning", "bad", "off"]
ROLES: tuple[StreamRole, ...] = ("main", "sub")

_TONES: dict[str, Tone] = {
    "live": "good",
    "partly": "warning",
    "starting": "warning",
    "connecting": "warning",
    "lost": "bad",
    "stalled": "bad",
    "auth_failed": "bad",
    "unreadable": "bad",
    "closed": "off",
    "off": "off",
}
# A reading older than this is told as old: a gauge reads every few seconds.
READING_OLD_S = 120.0


class ReadingView(Struct):
    """Hold a camera's newest value in words."""

    key: str
    label: str
    value: str
    time: str
    is_old: bool
    stage: int | None = None


class StreamView(Struct):
    """Hold what is known about one stream, in words."""

    role: str
    state: str
    tone: Tone
    codec: str
    size: str
    fps: str
    bitrate: str
    reconnects: int
    reason: str


class EyeView(Struct):
    """Hold how one detector of a camera does, in words."""

    name: str
    rate: str
    asked: str
    tone: Tone
    state: str
    reason: str = ""


class CameraView(Struct):
    """Hold a camera as a page shows it."""

    id: str
    name: str
    place: str
    purpose: str
    state: str
    state_word: str
    tone: Tone
    since_text: str
    reason: str
    has_picture: bool
    readings: tuple[ReadingView, ...] = ()
    streams: tuple[StreamView, ...] = ()
    eyes: tuple[EyeView, ...] = ()


class CameraStates:
    """Look at every camera for one reader."""

    def __init__(self, hub: HubPort, wording: Wording, words: EventWords) -> None:
        self._hub = hub
        self._wording = wording
        self._words = words

    def all(self) -> tuple[CameraView, ...]:
        """Return every camera of the configuration, those with a mistake too."""
        return tuple(self.one(camera) for camera in camera_ids(self._hub))

    def one(self, camera: str) -> CameraView:
        """Return one camera."""
        hub, wording = self._hub, self._wording
        settings = hub.settings.cameras.get(camera)
        place = hub.settings.places.get(settings.place or "") if settings else None
        reports = [report for role in ROLES if (report := hub.media.stream(camera, role)) is not None]
        state, since, reason = self._state(camera, reports)
        return CameraView(
            id=camera,
            name=settings.name if settings else camera,
            place=place.name if place else "",
            purpose=settings.purpose if settings else "",
            state=state,
            state_word=wording.texts(f"web.state.{state}"),
            tone=_TONES[state],
            since_text=wording.texts("web.camera.since", since=wording.moment(since)) if since else "",
            reason=reason,
            has_picture=state in {"live", "partly"},
            readings=tuple(self.reading(reading) for reading in self._readings(camera)),
            streams=tuple(self._stream(report) for report in reports),
            eyes=tuple(self._eyes(camera)),
        )

    def reading(self, reading: Reading) -> ReadingView:
        """Say a newest value."""
        value = self._words.value(reading.data) or ", ".join(
            self._words.say(name, content) for name, content in list(reading.data.items())[:3]
        )
        age_s = (self._hub.clock.now() - reading.at).total_seconds()
        return ReadingView(
            key=f"{reading.kind} {reading.zone or ''}".strip(),
            label=" · ".join(part for part in (self._words.kind(reading.kind), reading.zone) if part),
            value=value,
            time=self._wording.moment(reading.at),
            is_old=age_s > READING_OLD_S,
            stage=stage_of(reading.data),
        )

    def _readings(self, camera: str) -> list[Reading]:
        found = [
            (kind, zone or "", reading) for (of, kind, zone), reading in self._hub.readings.items() if of == camera
        ]
        return [reading for _, _, reading in sorted(found, key=lambda item: item[:2])]

    def _state(self, camera: str, reports: list[StreamReport]) -> tuple[str, datetime | None, str]:
        hub = self._hub
        mistakes = [str(problem) for problem in hub.problems if _camera_of(problem.path) == camera]
        part = hub.health.get(f"camera {camera}")
        if mistakes and camera not in hub.cameras:
            return "off", None, mistakes[0]
        if part is not None and part.state == "off":
            return "off", part.since, part.reason
        conditions = {report.condition: report for report in reports}
        if not conditions:
            is_lost = part is not None and part.state == "lost"
            return "lost" if is_lost else "starting", part.since if part else None, part.reason if part else ""
        if set(conditions) == {"live"}:
            return "live", self._since(camera, conditions["live"].role), ""
        worst = next(report for condition, report in conditions.items() if condition != "live")
        since, reason = self._since(camera, worst.role), worst.reason
        if "live" in conditions:
            said = self._wording.texts(f"web.state.{worst.condition}")
            role = self._wording.texts(f"web.stream.{worst.role}")
            return "partly", since, ": ".join(part for part in (f"{role} {said}", reason) if part)
        return worst.condition, since, reason

    def _since(self, camera: str, role: StreamRole) -> datetime | None:
        health: Health | None = self._hub.health.get(f"camera {camera} {role}")
        return health.since if health else None

    def _eyes(self, camera: str) -> Iterator[EyeView]:
        """Say of each detector how often it looks, and what keeps it from that."""
        report, texts = self._hub.media.eye_report(camera), self._wording.texts
        if report is None:
            return
        for name in dict.fromkeys((*report.looks, *report.detectors_off)):
            now, asked = report.rates.get(name, (0.0, 0.0))
            off = report.detectors_off.get(name, "")
            is_asleep = report.mode != "awake" and now < asked
            is_slow = not is_asleep and asked > 0 and now < _SLOW_SHARE * asked
            key = "off" if off else "asleep" if is_asleep else "slow" if is_slow else "ok"
            yield EyeView(
                name=texts(f"web.eye.{name}") if texts.has(f"web.eye.{name}") else name,
                rate=texts("web.unit.per_s", value=self._wording.number(now)),
                asked=texts("web.unit.per_s", value=self._wording.number(asked)) if asked else "",
                tone=_EYE_TONES[key],
                state=texts(f"web.eye_state.{key}"),
                reason=off,
            )

    def _stream(self, report: StreamReport) -> StreamView:
        wording = self._wording
        return StreamView(
            role=wording.texts(f"web.stream.{report.role}"),
            state=wording.texts(f"web.state.{report.condition}"),
            tone=_TONES[report.condition],
            codec=_CODECS.get(report.codec, report.codec),
            size=f"{report.width} × {report.height}" if report.width else "",
            fps=wording.texts("web.unit.fps", value=wording.number(report.fps)) if report.fps else "",
            bitrate=wording.texts("web.unit.kbit_s", value=wording.number(report.bits_per_s / 1000, 0))
            if report.bits_per_s
            else "",
            reconnects=report.reconnects,
            reason=report.reason,
        )


_EYE_TONES: dict[str, Tone] = {"ok": "good", "asleep": "off", "slow": "warning", "off": "bad"}
# With fewer looks than this share of what it asks for, this machine is too slow for it.
_SLOW_SHARE = 0.5
_CODECS = {"h264": "H.264", "hevc": "H.265", "mjpeg": "MJPEG"}


def camera_ids(hub: HubPort) -> tuple[str, ...]:
    """Return the cameras of the configuration in its order, then those a mistake switched off."""
    ids = dict.fromkeys(hub.settings.cameras)
    ids.update(dict.fromkeys(camera for p in hub.problems if (camera := _camera_of(p.path))))
    return tuple(ids)


def _camera_of(path: str) -> str:
    parts = path.split(".")
    # ``cameras`` is written by an operator's hand; the id ends where a list index begins.
    return parts[1].split("[")[0] if len(parts) > 1 and parts[0] == "cameras" else ""
