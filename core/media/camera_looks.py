"""What the detectors of one camera see: when each looks, what became of it, what is told."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from functools import cache

import msgspec

from ..contracts import Detector, Kind, LookContext, Scene
from ..errors import PluginError, SiagaError
from ..settings import CameraSettings, DetectSettings
from ..texts import Texts
from ..types import Box, Detection, Frame, Observation, Sighting
from .last_told import LastTolds
from .messages import EyeEvent, LastTold, Reading
from .picture import Mark, encode_marked
from .privacy import Privacy
from .seat import Fence, Seat
from .witness import Told

logger = logging.getLogger(__name__)

# What was seen last and stands still is looked after at this pace while the scene sleeps, so that
# a parked motorcycle keeps its id and a crowd that waits is still counted.
VIGIL_S = 4.0
# A stream that was away for longer shows another scene: a camera that reboots needs half a minute, a weak
# network a few seconds, after which a parked motorcycle should not be told anew.
OUTAGE_S = 10.0
# Frames come a little early or late; a look is not put off by a whole frame for that.
_EARLY_S = 0.02
# Below this a detector that looks always needs more than keyframes.
_KEYFRAME_PACE_S = 1.0


class Offered(Frame):
    """A frame on its way to the detectors, with what the gate knew when it was offered."""

    is_awake: bool
    motion: float


class CameraLooks:
    """Own one camera's detectors; lives in the thread that looks."""

    def __init__(
        self,
        settings: CameraSettings,
        kinds: Mapping[str, Kind[Detector]],
        fence: Fence,
        *,
        last: Sequence[LastTold] = (),
        texts: Texts | None = None,
        folder: str = ".",
    ) -> None:
        self.camera = settings.id
        self._settings = settings
        self._zones = settings.zones
        self._standing = ""
        self._is_turning = False
        self._fence = fence
        self._folder = folder
        self._privacy = Privacy(settings.privacy)
        self._texts = texts or Texts()
        self._last = LastTolds()
        self._last.fill(self.camera, last)
        self._frame: Frame | None = None
        self._aspect = 16 / 9
        self._ended_s: float | None = None
        self._judged_s = float("-inf")
        self._numbers = itertools.count(1)
        self._seats = [
            Seat(self.camera, name, self._maker(kinds, detect), fence=fence, texts=self._texts)
            for name, detect in _named(settings.detect)
        ]
        self._presets = {seat.name: its.preset for seat, its in zip(self._seats, settings.detect, strict=True)}
        for one in last:
            for seat in self._seats:
                if one.kind == "detector.off" and one.detector == seat.name:
                    seat.begin_off(str(one.data["reason"]), float(one.data["wait_s"]), time.monotonic())

    @property
    def off(self) -> dict[str, str]:
        """Return the detectors that are off, and faces that cannot be hidden in events' pictures, with the reason."""
        return {**{seat.name: seat.off for seat in self._seats if seat.off}, **self._privacy.off}

    @property
    def count(self) -> int:
        """Return how many detectors it has."""
        return len(self._seats)

    @property
    def looks(self) -> dict[str, int]:
        """Return how often each detector looked."""
        return {seat.name: seat.looks for seat in self._seats}

    @property
    def asked(self) -> dict[str, float]:
        """Return how many looks a second each detector asks for; 0 for as many as there are pictures."""
        return {seat.name: 1 / seat.wants.interval_s if seat.wants.interval_s else 0.0 for seat in self._seats}

    def stand(self, preset: str, *, is_turning: bool) -> None:
        """Go on from where the camera stands now; while it turns, nothing is looked at."""
        if (preset, is_turning) == (self._standing, self._is_turning):
            return
        self._frame = None
        has_turned, self._is_turning = self._is_turning or preset != self._standing, is_turning
        self._standing, self._zones = preset, self._settings.zones_at(preset)
        for seat in self._seats:
            # A detector bound to a preset sees the same scene when the camera is back, and goes on.
            is_new = has_turned and not is_turning and self._presets[seat.name] is None
            seat.stand(self._zones, is_new_scene=is_new)

    @property
    def is_urgent(self) -> bool:
        """Say whether something was seen once and waits for its second look."""
        return any(seat.witness.has_tentative for seat in self._seats)

    @property
    def needs_every_frame(self) -> bool:
        """Say whether a detector looks also at a sleeping scene, faster than keyframes come."""
        return any(
            seat.wants.when == "always"
            and not seat.is_judge
            and not seat.wants.keyframes_only
            and seat.wants.interval_s < _KEYFRAME_PACE_S
            for seat in self._seats
            if not seat.off and self._is_in_place(seat)
        )

    @property
    def needs_soon(self) -> bool:
        """Say whether a detector waits for what comes, and not only for the next keyframe."""
        return any(
            not (seat.off or seat.is_judge or seat.wants.keyframes_only) and self._is_in_place(seat)
            for seat in self._seats
        )

    def is_make_due(self, mono_s: float) -> bool:
        """Say whether a detector is to be made, at first or after one could not be."""
        return any(seat.is_make_due(mono_s) for seat in self._seats)

    def make(self, mono_s: float) -> list[EyeEvent | Reading]:
        """Make the detectors that are not there; one that cannot be made is off for a while, which is told."""
        for seat in self._seats:
            if seat.is_make_due(mono_s):
                # What names no detector was found in the journal, which knows kinds only.
                told = {last.kind: last.data for last in self._last.of(self.camera) if last.detector in ("", seat.name)}
                seat.make(self._zones, self._numbers, told, mono_s)
        return self._news(mono_s)

    def wants(self, mono_s: float, *, is_key: bool, is_awake: bool) -> bool:
        """Say whether any detector would look at a frame of that time."""
        return any(self._is_due(seat, mono_s, is_key=is_key, is_awake=is_awake) for seat in self._seats)

    def look(self, frame: Offered) -> list[EyeEvent | Reading]:
        """Let each detector that is due look at a frame, then those who judge sightings."""
        # Kept only for the picture of a judgement that comes between two looks.
        self._frame = frame if any(seat.is_judge for seat in self._seats) else None
        mono_s = frame.arrived_mono_s
        rows, columns = frame.luma.shape
        self._aspect = columns / rows if rows and columns else self._aspect
        due = [s for s in self._seats if self._is_due(s, mono_s, is_key=frame.is_key, is_awake=frame.is_awake)]
        # Who asks for colours first has them converted; the others and the event's picture share that.
        shared = msgspec.structs.replace(frame, colour=cache(frame.colour))
        told: list[EyeEvent | Reading] = []
        for seat in due:
            told += self._look(seat, shared)
        if due:
            told += self._judge(frame.at, mono_s, frame.motion, is_fresh=True)
        return told

    def tick(self, mono_s: float, *, is_live: bool) -> list[EyeEvent | Reading]:
        """Let those who judge sightings know that time has passed; tell of detectors that went off or on."""
        if is_live:
            self._ended_s = None
            said = self._judge(datetime.now(timezone.utc), mono_s, 0.0, is_fresh=False)
            return [*self._news(mono_s), *said]
        # Without a stream nobody knows who is there: nothing is judged, and soon nothing is followed.
        if self._ended_s is None:
            self._ended_s = mono_s
        if mono_s - self._ended_s > OUTAGE_S:
            self._frame = None
            for seat in self._seats:
                seat.forget()
        return self._news(mono_s)

    def hung(self) -> list[EyeEvent | Reading]:
        """Return what is told of the detector that does not come back."""
        told = [seat.hung() for seat in self._seats if seat.is_busy]
        return [*self._events(told, datetime.now(timezone.utc), time.monotonic(), None)]

    def _maker(self, kinds: Mapping[str, Kind[Detector]], detect: DetectSettings) -> Callable[[], Detector]:
        def make() -> Detector:
            if detect.type not in kinds:
                raise PluginError(self._texts("eye.no_detector", type=detect.type))
            # A zone of another preset is no mistake of the detector that names it.
            zones = {name: its[name] for its in self._settings.preset_zones.values() for name in its}
            standing = self._standing if detect.preset is None else detect.preset
            scene = Scene(
                camera=self.camera,
                zones={**zones, **self._settings.zones_at(standing)},
                ground=self._settings.ground_at(standing),
                folder=self._folder,
            )
            return kinds[detect.type].make(detect.options, scene)

        return make

    def _is_in_place(self, seat: Seat) -> bool:
        return not self._is_turning and self._presets[seat.name] in (None, self._standing)

    def _is_due(self, seat: Seat, mono_s: float, *, is_key: bool, is_awake: bool) -> bool:
        wants = seat.wants
        if not self._is_in_place(seat):
            return False
        if seat.is_judge or not seat.may_look(mono_s) or (wants.keyframes_only and not is_key):
            return False
        if wants.when == "motion" and not is_awake:
            return seat.has_company and mono_s >= seat.looked_s + max(VIGIL_S, wants.interval_s)
        return seat.witness.has_tentative or mono_s >= seat.looked_s + wants.interval_s - _EARLY_S

    def _look(self, seat: Seat, frame: Offered) -> list[EyeEvent | Reading]:
        seat.looked_s = mono_s = frame.arrived_mono_s
        context = self._context(frame.at, frame.motion, mono_s)
        answer = seat.ask(frame, context)
        if answer is None:
            return []
        detections = [one for one in answer if isinstance(one, Detection)]
        told = seat.witness.look(detections, frame.at, mono_s)
        seat.has_company = bool(seat.witness.sightings)
        told += _told(seat, answer)
        events = self._events(told, frame.at, mono_s, frame)
        return [*events, *self._readings(answer, frame.at)]

    def _judge(self, at: datetime, mono_s: float, motion: float, *, is_fresh: bool) -> list[EyeEvent | Reading]:
        said: list[EyeEvent | Reading] = []
        # A frame is older than the tick before it; for who measures durations time does not go back.
        self._judged_s = mono_s = max(mono_s, self._judged_s)
        for seat in self._seats:
            is_due = is_fresh or mono_s >= seat.looked_s + seat.wants.interval_s
            if not (seat.is_judge and is_due and seat.may_look(mono_s) and self._is_in_place(seat)):
                continue
            seat.looked_s = mono_s
            answer = seat.ask(None, self._context(at, motion, mono_s)) or ()
            said += [*self._events(_told(seat, answer), at, mono_s, self._frame), *self._readings(answer, at)]
        return said

    def _news(self, mono_s: float) -> list[EyeEvent | Reading]:
        news = [one for seat in self._seats for one in seat.news]
        for seat in self._seats:
            seat.news.clear()
        return [*self._events(news, datetime.now(timezone.utc), mono_s, None)]

    def _context(self, at: datetime, motion: float, mono_s: float) -> LookContext:
        return LookContext(at=at, motion=motion, sightings=self._sightings(), mono_s=mono_s, aspect=self._aspect)

    def _sightings(self) -> tuple[Sighting, ...]:
        return tuple(sighting for seat in self._seats for sighting in seat.witness.sightings)

    def _events(self, told: Sequence[Told], at: datetime, mono_s: float, frame: Frame | None) -> list[EyeEvent]:
        if not told:
            return []
        jpeg = self._picture(told, frame) if frame is not None else b""
        events = [
            EyeEvent(
                camera=self.camera,
                kind=one.kind,
                at=at,
                arrived_mono_s=mono_s,
                zone=one.zone,
                score=one.score,
                data=one.data,
                jpeg=jpeg,
                detector=one.detector,
            )
            for one in told
        ]
        for event in events:
            self._last.take(event)  # for a detector that is made anew
        return events

    def _readings(self, answer: Sequence[Detection | Observation], at: datetime) -> list[Reading]:
        return [
            Reading(camera=self.camera, kind=one.kind, at=at, zone=one.zone, data=one.data)
            for one in answer
            if isinstance(one, Observation) and not one.is_event
        ]

    def _picture(self, told: Sequence[Told], frame: Frame) -> bytes:
        causes: dict[Box, str] = {}
        for one in told:
            for box in one.boxes:
                causes.setdefault(box, str(one.data.get("label", "")))
        marks = [Mark(box=box, label=label) for box, label in causes.items()]
        marks += [Mark(box=s.box, label=s.label, is_cause=False) for s in self._sightings() if s.box not in causes]
        try:
            return self._fence(lambda: encode_marked(self._privacy.fit_to_leave(frame.colour()), marks, self._zones))
        except SiagaError as err:
            # An event without its picture is better than none.
            logger.warning("camera %s: an event's picture could not be made: %s", self.camera, err)
            return b""


def _named(detects: Sequence[DetectSettings]) -> Iterator[tuple[str, DetectSettings]]:
    """Name each detector by its type, the second of a type with its number."""
    seen: dict[str, int] = {}
    for detect in detects:
        seen[detect.type] = seen.get(detect.type, 0) + 1
        number = seen[detect.type]
        yield (detect.type if number == 1 else f"{detect.type} {number}"), detect


def _told(seat: Seat, answer: Sequence[Detection | Observation]) -> list[Told]:
    return [
        Told(kind=one.kind, zone=one.zone, score=one.score, data=one.data, boxes=one.boxes, detector=seat.name)
        for one in answer
        if isinstance(one, Observation) and one.is_event
    ]
