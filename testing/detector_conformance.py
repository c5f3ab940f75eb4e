"""The checks that a detector must pass: its answers, its pictures, its neighbours, and all that is odd."""

from __future__ import annotations

import gc
import json
import random
import weakref
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..core.contracts import Detector, LookContext, Resumes, Scene
from ..core.device_event_kinds import offer_event_kinds as device_kinds
from ..core.errors import PluginError
from ..core.event_kinds import offer_event_kinds as hub_kinds
from ..core.media.answers import checked, checked_wants
from ..core.plugin_offers import read_offers
from ..core.tasks import Crash, fenced_call
from ..core.texts import Texts
from ..core.types import Box, Detection, Frame, Observation, Sighting
from .findings import fail, shape_faults, skip, told
from .leaks import outside_calls
from .plugin_conformance import PluginConformance

Answer = tuple[Detection | Observation, ...]
Picture = NDArray[np.uint8]
_BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
# Who still holds so many pictures that were looked at keeps the eye's memory: a minute of them is a gigabyte.
_MOST_HELD, _SHOWN = 8, 40


class DetectorConformance(PluginConformance):
    """Check a detector; a class ``Test...`` of the plugin's tests derives from it and says ``module`` and ``kind``.

    ``right`` returns its options. ``pictures`` may return some that it has something to say about, uint8 BGR [height,
    width, 3]; without it a bright block that wanders is shown. ``size`` is what its camera shows, (width, height).
    """

    hook: ClassVar[str] = "offer_detectors"
    size: ClassVar[tuple[int, int]] = (320, 240)
    zones: ClassVar[dict[str, tuple[tuple[float, float], ...]]] = {
        "halaman": ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))
    }

    def pictures(self) -> Sequence[Picture]:
        """Return pictures of a camera in their order."""
        width, height = self.size
        shown = []
        for number in range(12):
            picture = np.full((height, width, 3), 90, np.uint8)
            left = (number * width // 14) % max(1, width - width // 6)
            picture[height // 3 : height * 2 // 3, left : left + width // 6] = (40, 180, 220)
            shown.append(picture)
        return shown

    # --- the checks -----------------------------------------------------------------------------

    def test_a_detector_has_every_method_of_the_contract(self) -> None:
        """``wants`` is usable and ``look`` takes (frame, context)."""
        made = self.made()
        self._none_of(shape_faults(made, Detector, f"the detector {self.kind!r}"))
        try:
            checked_wants(getattr(made, "wants", None), Texts("en"))
        except PluginError as err:
            fail(f"{self.kind!r}: {err}")

    def test_making_a_detector_reaches_nothing_outside(self) -> None:
        """The factory may load its model; it opens no connection, starts no process and writes no file."""
        with outside_calls() as calls:
            self.made()
        if calls:
            fail(f"the factory runs in each eye and at each restart; it did: {', '.join(calls)}")

    def test_its_answers_can_travel(self) -> None:
        """Detections and observations with scores of 0..1, boxes as fractions, and data that is plain JSON."""
        self._looked(self.pictures())

    def test_what_it_tells_is_documented(self) -> None:
        """Each kind of event is one of Siaga's or is offered by ``offer_event_kinds``, with every field of its data."""
        kinds = {kind.name: kind for kind in (*hub_kinds(), *device_kinds(), *self._own_kinds())}
        for answer in self._looked(self.pictures()):
            for one in answer:
                if not isinstance(one, Observation):
                    continue
                if one.kind not in kinds:
                    fail(f"it tells {one.kind!r}, which nobody documents: offer EventKind({one.kind!r}, ...)")
                if unknown := sorted(set(one.data) - set(kinds[one.kind].fields)):
                    fail(f"{one.kind!r} carries {', '.join(unknown)}, which its EventKind does not name")

    def test_it_leaves_pictures_as_they_are(self) -> None:
        """All detectors of a camera share one picture: who draws or blurs in it does so in a copy."""
        made = self.made()
        for number, picture in enumerate(self.pictures()):
            frame = _frame(picture, number)
            luma, colour = frame.luma.copy(), frame.colour().copy()
            self._look(made, frame, number)
            if not (np.array_equal(luma, frame.luma) and np.array_equal(colour, frame.colour())):
                fail("look() changed the pixels of its frame; work on frame.luma.copy()")

    def test_it_does_not_hoard_pictures(self) -> None:
        """After many looks most frames are free again: a view on a frame keeps the whole of it."""
        made, held = self.made(), []
        shown = list(self.pictures())
        for number in range(_SHOWN):
            frame = _frame(shown[number % len(shown)].copy(), number)
            held += [weakref.ref(frame.luma), weakref.ref(frame.colour())]
            self._look(made, frame, number)
            del frame
        gc.collect()
        alive = sum(1 for ref in held if ref() is not None)
        if alive > 2 * _MOST_HELD:
            fail(f"of {_SHOWN} frames {alive // 2} are still held after the looks; keep a small copy of what you need")

    def test_odd_pictures_are_survived(self) -> None:
        """Nothing at all, one pixel, black, white, noise, very wide, another size than a moment ago, 8K."""
        made = self.made()
        for number, (name, picture) in enumerate(_odd_pictures(self.size)):
            self._look(made, _frame(picture, number), number, what=f"on {name}")
        for number, picture in enumerate(self.pictures()):
            self._look(made, _frame(picture, 100 + number), 100 + number, what="on its usual pictures after odd ones")

    def test_time_that_stands_or_jumps_is_survived(self) -> None:
        """The wall clock is set an hour back, and two looks come at one moment."""
        made, shown = self.made(), list(self.pictures())
        for number, (at_s, mono_s) in enumerate([(0, 0), (1, 1), (1, 1), (-3600, 2), (86_400, 3), (4, 90_000)]):
            frame = _frame(shown[number % len(shown)], at_s)
            self._look(made, frame, at_s, mono_s=float(mono_s), what="after the clock was set")

    def test_cameras_do_not_hear_of_one_another(self) -> None:
        """What one camera's detector answers is the same whether another camera is looked at in between or not."""
        alone = [self._said(answer) for answer in self._looked(self.pictures())]
        made, other = self.made("gang"), self.made("pasar")
        noise = [picture for _, picture in _odd_pictures(self.size)][3:6]
        beside = []
        for number, picture in enumerate(self.pictures()):
            self._look(other, _frame(noise[number % len(noise)], number), number)
            beside.append(self._said(self._look(made, _frame(picture, number), number)))
        if alone != beside:
            fail("another camera's pictures change its answers: keep all state in the object, none in the module")

    def test_it_goes_on_from_what_it_told(self) -> None:
        """Where it has ``resume``: from nothing, from its own last data, and from data of an older version."""
        made = self.made()
        if not isinstance(made, Resumes):
            skip("this detector has no resume(): it starts anew with each eye")
        last = {one.kind: one.data for answer in self._looked(self.pictures()) for one in _observed(answer)}
        kept = json.loads(json.dumps(last))
        for words, told_before in (
            ("nothing", {}),
            ("its own data", kept),
            ("data without fields", {kind: {} for kind in kept}),
        ):
            self._resume(self.made(), words, told_before)

    # --- inside ---------------------------------------------------------------------------------

    def _resume(self, made: Detector, words: str, told_before: Mapping[str, Mapping[str, Any]]) -> None:
        outcome = fenced_call(lambda: cast(Resumes, made).resume(told_before))
        if isinstance(outcome, Crash):
            fail(f"resume() with {words} raised {told(outcome.error, self.module)}")
        self._look(made, _frame(self.pictures()[0], 0), 0, what=f"after resume() with {words}")

    def made(self, camera: str = "gang") -> Detector:
        """Build a detector as an eye would."""
        # They come to an eye as the message between the processes carries them.
        options = msgspec.msgpack.decode(msgspec.msgpack.encode(self.checked(self.right())), strict=False)
        outcome = fenced_call(lambda: self.offer().make(options, Scene(camera=camera, zones=dict(self.zones))))
        if isinstance(outcome, Crash):
            fail(f"the factory of {self.kind!r} raised {told(outcome.error, self.module)}")
        return cast(Detector, outcome)

    def _own_kinds(self) -> Sequence[Any]:
        offers = getattr(self.module, "offer_event_kinds", None)
        return () if offers is None else tuple(read_offers("offer_event_kinds", offers(), Texts("en")).values())

    def _looked(self, pictures: Sequence[Picture]) -> list[Answer]:
        made = self.made()
        return [self._look(made, _frame(picture, number), number) for number, picture in enumerate(pictures)]

    def _look(
        self, made: Detector, frame: Frame, at_s: float, *, mono_s: float | None = None, what: str = "on a picture"
    ) -> Answer:
        shown = None if made.wants.pixels == "none" else frame
        context = LookContext(
            at=_BEGIN + timedelta(seconds=at_s),
            sightings=_sightings(at_s),
            motion=0.1,
            mono_s=float(at_s) if mono_s is None else mono_s,
        )
        outcome = fenced_call(lambda: made.look(shown, context))
        if isinstance(outcome, Crash):
            fail(f"look() {what} raised {told(outcome.error, self.module)}; after some in a row it is switched off")
        try:
            return checked(outcome, Texts("en"))
        except PluginError as err:
            fail(f"look() {what}: {err}")

    @staticmethod
    def _said(answer: Answer) -> list[str]:
        return [repr(one) for one in answer]


def _observed(answer: Answer) -> Iterator[Observation]:
    return (one for one in answer if isinstance(one, Observation))


def _frame(picture: Picture, at_s: float) -> Frame:
    luma = np.ascontiguousarray(picture[..., 1])  # green is most of what the eye calls brightness

    def colour() -> Picture:
        return picture

    return Frame(
        camera="gang",
        at=_BEGIN + timedelta(seconds=at_s),
        arrived_mono_s=float(at_s),
        is_key=True,
        luma=luma,
        colour=colour,
    )


def _sightings(at_s: float) -> tuple[Sighting, ...]:
    """Return a person and a motorcycle that pass, for who judges sightings."""
    left = (at_s * 0.05) % 0.8
    seen = {"first_seen": _BEGIN, "last_seen": _BEGIN + timedelta(seconds=at_s)}
    box, other = Box(left=left, top=0.3, right=left + 0.1, bottom=0.7), Box(left=0.4, top=0.4, right=0.6, bottom=0.6)
    return (
        Sighting(track=1, label="person", score=0.8, box=box, zones=("halaman",), **seen),
        Sighting(track=2, label="motorcycle", score=0.6, box=other, zones=(), **seen),
    )


def _odd_pictures(size: tuple[int, int]) -> Iterator[tuple[str, Picture]]:
    width, height = size
    noise = random.Random(7).randbytes(width * height * 3)
    yield "a picture without pixels", np.zeros((0, 0, 3), np.uint8)
    yield "one pixel", np.zeros((1, 1, 3), np.uint8)
    yield "a line", np.full((1, width, 3), 128, np.uint8)
    yield "black", np.zeros((height, width, 3), np.uint8)
    yield "white", np.full((height, width, 3), 255, np.uint8)
    yield "noise", np.frombuffer(noise, np.uint8).reshape(height, width, 3)
    yield "odd sides", np.full((height - 1, width // 2 + 1, 3), 60, np.uint8)
    yield "8K", np.full((4320, 7680, 3), 100, np.uint8)
