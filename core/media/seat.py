"""One detector at its camera: made and asked behind a fence, off for a while when it keeps failing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from ..contracts import Detector, LookContext, Resumes, Wants
from ..errors import SiagaError
from ..texts import Texts
from ..types import Detection, Frame, Json, Observation, Polygon
from .answers import checked, checked_wants
from .witness import FORGET_S, Told, Witness

logger = logging.getLogger(__name__)
T = TypeVar("T")

# A fault that comes and goes (one strange frame) is borne; one that stays is not.
FAULTS_TO_OFF = 5
# What failed for a missing file or a full memory may work again later; what never works costs one look an hour.
FIRST_OFF_S, LONGEST_OFF_S = 60.0, 3600.0
# Only a detector that has worked for so long starts again with the short wait.
STEADY_S = 600.0


class Fence(Protocol):
    """Call a stranger's code; whatever it raises becomes a SiagaError with the reason."""

    def __call__(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns."""
        ...


class Seat:
    """Hold one detector, what it follows, and whether it is off."""

    def __init__(self, camera: str, name: str, make: Callable[[], Detector], *, fence: Fence, texts: Texts) -> None:
        self.name = name
        self.wants = Wants()
        self.witness = Witness({})
        self.has_company = False
        self.looks = 0
        self.looked_s = float("-inf")
        self.off = ""
        self.news: list[Told] = []
        self.is_busy = False
        self._camera = camera
        self._make = make
        self._fence = fence
        self._texts = texts
        self._detector: Detector | None = None
        self._faults = 0
        self._wait_s = FIRST_OFF_S
        self._try_at_s = float("-inf")
        self._on_s = float("-inf")
        self._has_hung = False

    @property
    def is_judge(self) -> bool:
        """Say whether it judges what others see."""
        return self.wants.pixels == "none"

    def is_make_due(self, mono_s: float) -> bool:
        """Say whether the detector is not there and should be made now."""
        return self._detector is None and mono_s >= self._try_at_s

    def may_look(self, mono_s: float) -> bool:
        """Say whether it is on, or has been off for so long that it may try."""
        return self._detector is not None and (not self.off or mono_s >= self._try_at_s)

    def make(
        self,
        zones: Mapping[str, Polygon],
        numbers: Iterable[int],
        told: Mapping[str, Mapping[str, Json]],
        mono_s: float,
    ) -> None:
        """Make the detector and let it go on from what was told before; a failure switches it off for a while."""
        self.is_busy = True
        try:
            detector, wants = self._fence(self._made)
        except SiagaError as err:
            self._switch_off(str(err), mono_s)
            return
        finally:
            self.is_busy = False
        if told:
            self._resume(detector, told)
        self._detector, self.wants = detector, wants
        # A detector that looks once a minute follows what it sees over minutes.
        forget_s = max(FORGET_S, 3 * wants.interval_s)
        self.witness = Witness(
            zones, wanted_zones=wants.zones, clear_score=wants.min_score, numbers=numbers, forget_s=forget_s
        )
        # Who hung before must show first that it can look.
        if self.off and not self._has_hung:
            self._switch_on(mono_s)

    def ask(self, frame: Frame | None, context: LookContext) -> Sequence[Detection | Observation] | None:
        """Let the detector look; None when that failed."""
        detector = self._detector
        assert detector is not None
        self.looks += 1
        self.is_busy = True
        try:
            answer = self._fence(lambda: checked(detector.look(frame, context), self._texts))
        except SiagaError as err:
            self._faults += 1
            logger.warning(
                "camera %s: detector %s failed (%d in a row): %s", self._camera, self.name, self._faults, err
            )
            if self.off or self._faults >= FAULTS_TO_OFF:
                self._switch_off(str(err), context.mono_s)
            return None
        finally:
            self.is_busy = False
        self._faults = 0
        if self.off:
            self._switch_on(context.mono_s)
        return answer

    def hung(self) -> Told:
        """Return what is told of a detector that does not come back; the eye that replaces this one hears of it."""
        wait_s = min(2 * self._wait_s, LONGEST_OFF_S) if self._has_hung else FIRST_OFF_S
        data = {"detector": self.name, "reason": self._texts("eye.hung"), "wait_s": wait_s}
        return Told(kind="detector.off", data=data, detector=self.name)

    def begin_off(self, reason: str, wait_s: float, mono_s: float) -> None:
        """Begin switched off, since this detector hung in the eye before."""
        self.off, self._has_hung = reason or "?", True
        self._wait_s, self._try_at_s = wait_s, mono_s + wait_s

    def stand(self, zones: Mapping[str, Polygon], *, is_new_scene: bool) -> None:
        """Follow nothing any more, and go on with the zones that count now.

        ``is_new_scene``: what the detector learnt of its picture is of another one, so that it is made anew.
        """
        self.forget()
        self.witness.take_zones(zones)
        if is_new_scene and not self.off:
            self._detector = None

    def forget(self) -> None:
        """Follow nothing any more."""
        self.witness.forget()
        self.has_company = False

    def _made(self) -> tuple[Detector, Wants]:
        detector = self._make()
        return detector, checked_wants(detector.wants, self._texts)

    def _resume(self, detector: Detector, told: Mapping[str, Mapping[str, Json]]) -> None:
        try:
            self._fence(lambda: detector.resume(told) if isinstance(detector, Resumes) else None)
        except SiagaError as err:
            logger.warning("camera %s: detector %s begins anew, not where it was: %s", self._camera, self.name, err)

    def _switch_off(self, reason: str, mono_s: float) -> None:
        is_steady = not self.off and mono_s - self._on_s > STEADY_S
        self._wait_s = FIRST_OFF_S if is_steady else min(2 * self._wait_s, LONGEST_OFF_S)
        self._try_at_s = mono_s + self._wait_s
        reason = reason or "?"
        self._faults = 0
        if not self.off:
            self.news.append(Told(kind="detector.off", data={"detector": self.name, "reason": reason}))
        self.off = reason
        self.forget()
        again = f"tried again in {self._wait_s:.0f} s"
        logger.error("camera %s: detector %s is off, %s: %s", self._camera, self.name, again, reason)

    def _switch_on(self, mono_s: float) -> None:
        self.off, self._on_s, self._has_hung = "", mono_s, False
        self.news.append(Told(kind="detector.on", data={"detector": self.name}, detector=self.name))
        logger.info("camera %s: detector %s works again", self._camera, self.name)
