"""What the detectors of one camera see: when each looks, what became of it, what is told."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Protocol, TypeVar

from ..contracts import Detector, Kind, LookContext, Scene
from ..errors import PluginError, SiagaError
from ..settings import CameraSettings, DetectSettings
from ..types import Box, Detection, Frame, Observation, Sighting
from .messages import EyeEvent, Reading
from .picture import Mark, encode_marked
from .witness import Told, Witness

logger = logging.getLogger(__name__)
T = TypeVar("T")

# A fault that comes and goes (one strange frame) is borne; one that stays is not.
FAULTS_TO_OFF = 5
# What was seen last and stands still is looked after at this pace while the scene sleeps, so that
# a parked motorcycle keeps its id and a crowd that waits is still counted.
VIGIL_S = 4.0
# Frames come a little early or late; a look is not put off by a whole frame for that.
_EARLY_S = 0.02
# Below this a detector that looks always needs more than keyframes.
_KEYFRAME_PACE_S = 1.0


class Fence(Protocol):
    """Call a stranger's code; whatever it raises becomes a SiagaError with the reason."""

    def __call__(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns."""
        ...


class Offered(Frame):
    """A frame on its way to the detectors, with what the gate knew when it was offered."""

    is_awake: bool
    motion: float


class CameraLooks:
    """Own one camera's detectors; lives in the thread that looks."""

    def __init__(self, settings: CameraSettings, kinds: Mapping[str, Kind[Detector]], fence: Fence) -> None:
        self.camera = settings.id
        self.off: dict[str, str] = {}
        self._untold_off: list[str] = []
        self._zones = settings.zones
        self._fence = fence
        self._frame: Frame | None = None
        numbers = itertools.count(1)
        self._seats: list[_Seat] = []
        for name, detect in _named(settings.detect):
            try:
                self._seats.append(self._seat(name, kinds, detect, numbers))
            except SiagaError as err:
                self._switch_off(name, str(err))

    @property
    def looks(self) -> dict[str, int]:
        """Return how often each detector looked."""
        return {seat.name: seat.looks for seat in self._seats}

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
            if seat.name not in self.off
        )

    def wants(self, mono_s: float, *, is_key: bool, is_awake: bool) -> bool:
        """Say whether any detector would look at a frame of that time."""
        return any(self._is_due(seat, mono_s, is_key=is_key, is_awake=is_awake) for seat in self._seats)

    def look(self, frame: Offered) -> list[EyeEvent | Reading]:
        """Let each detector that is due look at a frame, then those who judge sightings."""
        # Kept only for the picture of a judgement that comes between two looks.
        self._frame = frame if any(seat.is_judge for seat in self._seats) else None
        # Held while it is looked at, so that all who want colours share one conversion.
        bgr = frame.colour() if any(seat.wants.pixels == "colour" for seat in self._seats) else None
        told: list[EyeEvent | Reading] = []
        has_tracked = False
        for seat in self._seats:
            if self._is_due(seat, frame.arrived_mono_s, is_key=frame.is_key, is_awake=frame.is_awake):
                told += self._look(seat, frame)
                has_tracked = True
        if has_tracked:
            told += self._judge(frame.at, frame.arrived_mono_s, frame.motion, is_fresh=True)
        del bgr
        return told

    def tick(self, mono_s: float) -> list[EyeEvent | Reading]:
        """Let those who judge sightings know that time has passed; tell of detectors that went off."""
        at = datetime.now(timezone.utc)
        off = [
            Told(kind="detector.off", data={"detector": name, "reason": self.off[name]}) for name in self._untold_off
        ]
        self._untold_off = []
        return [*self._events(off, at, mono_s, None), *self._judge(at, mono_s, 0.0, is_fresh=False)]

    def _seat(
        self, name: str, kinds: Mapping[str, Kind[Detector]], detect: DetectSettings, numbers: Iterator[int]
    ) -> _Seat:
        if detect.type not in kinds:
            raise PluginError(f"there is no detector {detect.type!r}")
        scene = Scene(camera=self.camera, zones=self._zones)
        detector = self._fence(lambda: kinds[detect.type].make(detect.options, scene))
        wants = detector.wants
        witness = Witness(self._zones, wanted_zones=wants.zones, clear_score=wants.min_score, numbers=numbers)
        return _Seat(name, detector, witness)

    def _is_due(self, seat: _Seat, mono_s: float, *, is_key: bool, is_awake: bool) -> bool:
        wants = seat.wants
        if seat.is_judge or seat.name in self.off or (wants.keyframes_only and not is_key):
            return False
        if wants.when == "motion" and not is_awake:
            return seat.has_company and mono_s >= seat.looked_s + max(VIGIL_S, wants.interval_s)
        return seat.witness.has_tentative or mono_s >= seat.looked_s + wants.interval_s - _EARLY_S

    def _look(self, seat: _Seat, frame: Offered) -> list[EyeEvent | Reading]:
        seat.looked_s = frame.arrived_mono_s
        context = LookContext(at=frame.at, motion=frame.motion, sightings=self._sightings())
        answer = self._ask(seat, frame, context)
        if answer is None:
            return []
        detections = [one for one in answer if isinstance(one, Detection)]
        told = seat.witness.look(detections, frame.at, frame.arrived_mono_s)
        seat.has_company = bool(seat.witness.sightings)
        told += [_told(one) for one in answer if isinstance(one, Observation) and one.is_event]
        events = self._events(told, frame.at, frame.arrived_mono_s, frame)
        return [*events, *self._readings(answer, frame.at)]

    def _judge(self, at: datetime, mono_s: float, motion: float, *, is_fresh: bool) -> list[EyeEvent | Reading]:
        said: list[EyeEvent | Reading] = []
        for seat in self._seats:
            is_due = is_fresh or mono_s >= seat.looked_s + seat.wants.interval_s
            if not seat.is_judge or seat.name in self.off or not is_due:
                continue
            seat.looked_s = mono_s
            answer = self._ask(seat, None, LookContext(at=at, motion=motion, sightings=self._sightings()))
            observations = [one for one in answer or () if isinstance(one, Observation)]
            told = [_told(one) for one in observations if one.is_event]
            said += [*self._events(told, at, mono_s, self._frame), *self._readings(observations, at)]
        return said

    def _ask(self, seat: _Seat, frame: Frame | None, context: LookContext) -> Sequence[Detection | Observation] | None:
        seat.looks += 1
        try:
            answer = self._fence(lambda: tuple(seat.detector.look(frame, context)))
        except SiagaError as err:
            seat.faults += 1
            logger.warning("camera %s: detector %s failed (%d in a row): %s", self.camera, seat.name, seat.faults, err)
            if seat.faults >= FAULTS_TO_OFF:
                self._switch_off(seat.name, str(err))
            return None
        seat.faults = 0
        return answer

    def _switch_off(self, name: str, reason: str) -> None:
        self.off[name] = reason
        self._untold_off.append(name)
        logger.error("camera %s: detector %s is switched off: %s", self.camera, name, reason)

    def _sightings(self) -> tuple[Sighting, ...]:
        return tuple(sighting for seat in self._seats for sighting in seat.witness.sightings)

    def _events(self, told: Sequence[Told], at: datetime, mono_s: float, frame: Frame | None) -> list[EyeEvent]:
        if not told:
            return []
        jpeg = self._picture(told, frame) if frame is not None else b""
        return [
            EyeEvent(
                camera=self.camera,
                kind=one.kind,
                at=at,
                arrived_mono_s=mono_s,
                zone=one.zone,
                score=one.score,
                data=one.data,
                jpeg=jpeg,
            )
            for one in told
        ]

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
        return encode_marked(frame.colour(), marks, self._zones)


class _Seat:
    """One detector at its camera, with what it follows."""

    def __init__(self, name: str, detector: Detector, witness: Witness) -> None:
        self.name = name
        self.detector = detector
        self.wants = detector.wants
        self.is_judge = detector.wants.pixels == "none"
        self.witness = witness
        self.has_company = False
        self.looks = 0
        self.faults = 0
        self.looked_s = float("-inf")


def _named(detects: Sequence[DetectSettings]) -> Iterator[tuple[str, DetectSettings]]:
    """Name each detector by its type, the second of a type with its number."""
    seen: dict[str, int] = {}
    for detect in detects:
        seen[detect.type] = seen.get(detect.type, 0) + 1
        number = seen[detect.type]
        yield (detect.type if number == 1 else f"{detect.type} {number}"), detect


def _told(observation: Observation) -> Told:
    return Told(
        kind=observation.kind,
        zone=observation.zone,
        score=observation.score,
        data=observation.data,
        boxes=observation.boxes,
    )
