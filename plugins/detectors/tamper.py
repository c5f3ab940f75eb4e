"""Detector ``tamper``: tells when a fixed camera was covered, turned, blurred, blinded, or shows a frozen picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import voluptuous as vol

from ...core import (
    Detector,
    EventKind,
    Frame,
    Kind,
    LookContext,
    Observation,
    Scene,
    Texts,
    Wants,
    hookimpl,
    validators,
)

# A sign that is missing for one look in between has not gone.
_FORGIVEN_LOOKS = 2
# Looked at again after so long without pictures, what was counted before says nothing.
_GAP_S = 30.0
# A picture that repeats for so many looks did not do so by chance, whatever the time.
_FROZEN_LOOKS = 5
_QUIET = ("ok", "unsure")
SIGNS = ("covered", "turned", "blurred", "dark", "frozen", "noise", "colour")


class TamperDetector:
    """Watch one camera's own state by its pictures."""

    def __init__(self, options: dict[str, Any], place: _Place, texts: Texts, colours: _Colours | None = None) -> None:
        self.wants = Wants(pixels="luma", interval_s=options["interval"], keyframes_only=True, when="always")
        self._place = place
        self._texts = texts
        self._colours = colours if "colour" not in options["ignore"] else None
        self._after_s: float = options["after"]
        self._ignored = (*_QUIET, *options["ignore"])
        self._frozen_s: float = options["frozen_after"]
        self._accept_s: float = options["accept_after"]
        self._sign = ""
        self._sign_since_s = 0.0
        self._other_looks = 0
        self._told = ""
        self._told_since_s = 0.0
        self._same_since_s = 0.0
        self._looked_s = float("-inf")

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Look at one keyframe."""
        if frame is None:
            return ()
        now_s = context.mono_s
        if now_s - self._looked_s > _GAP_S:
            self._sign, self._other_looks = "", 0
            self._same_since_s = now_s
        self._looked_s = now_s
        return [*self._signs(frame, now_s), *self._colour(frame, now_s)]

    def _signs(self, frame: Frame, now_s: float) -> Sequence[Observation]:
        what = self._what(frame, now_s)
        self._follow(what, now_s)
        if self._told:
            return self._over(what, now_s)
        if self._sign in self._ignored or now_s - self._sign_since_s < self._wait_s(self._sign):
            return ()
        self._told, self._told_since_s = self._sign, now_s
        return (self._observe("camera.tampered", self._sign, 0.0),)

    def _colour(self, frame: Frame, now_s: float) -> Sequence[Observation]:
        """Tell of colours beside the other signs: a grey picture may be covered as well."""
        news = self._colours.take(frame, now_s) if self._colours is not None else None
        if news is None:
            return ()
        return (self._observe("camera.tampered" if news[0] == "lost" else "camera.clear", "colour", news[1]),)

    def _what(self, frame: Frame, now_s: float) -> str:
        seen = self._place.judge(frame.luma)
        if not self._place.same_looks:
            self._same_since_s = now_s
        is_frozen = self._place.same_looks >= _FROZEN_LOOKS and now_s - self._same_since_s >= self._frozen_s
        return "frozen" if is_frozen and self._frozen_s > 0 else str(seen.what)

    def _wait_s(self, what: str) -> float:
        return 0.0 if what == "frozen" else self._after_s

    def _follow(self, what: str, now_s: float) -> None:
        """Keep the sign that lasts; another one must come a few times before it counts."""
        if what == self._sign:
            self._other_looks = 0
            return
        self._other_looks += 1
        if self._other_looks > _FORGIVEN_LOOKS or self._sign in ("", *_QUIET):
            self._sign, self._sign_since_s, self._other_looks = what, now_s, 0

    def _over(self, what: str, now_s: float) -> Sequence[Observation]:
        lasted_s = now_s - self._told_since_s
        if what == "ok" and self._sign == "ok" and now_s - self._sign_since_s >= self._after_s:
            is_accepted = False
        elif self._told == "turned" and lasted_s >= self._accept_s:
            # Nobody turned it back: it was meant, and what it sees now is the place.
            self._place.forget()
            is_accepted = True
        else:
            return ()
        told, self._told, self._sign = self._told, "", ""
        return (self._observe("camera.clear", told, lasted_s, is_accepted=is_accepted),)

    def _observe(self, kind: str, what: str, lasted_s: float, *, is_accepted: bool = False) -> Observation:
        if kind == "camera.tampered":
            return Observation(kind=kind, data={"what": what, "reason": self._texts(f"tamper.reason.{what}")})
        return Observation(kind=kind, data={"what": what, "seconds": round(lasted_s), "is_accepted": is_accepted})


class _Colours(Protocol):
    def take(self, frame: Frame, now_s: float) -> tuple[str, float] | None: ...


class _Place(Protocol):
    @property
    def same_looks(self) -> int: ...

    def judge(self, luma: Any) -> Any: ...  # noqa: ANN401

    def forget(self) -> None: ...


def _make(options: dict[str, Any], scene: Scene) -> Detector:
    # OpenCV only here: the hub imports this module for its schema.
    from .tamper_colour import Colours
    from .tamper_scene import Place

    return TamperDetector(SCHEMA(options), Place(), Texts(), Colours())


def _time(least_s: float, most_s: float) -> vol.All:
    return vol.All(validators.duration, vol.Range(min=least_s, max=most_s))


SCHEMA = vol.Schema(
    {
        vol.Optional("after", default="10 s", description="tamper.option.after"): _time(2, 600),
        vol.Optional("frozen_after", default="2 min", description="tamper.option.frozen_after"): _time(0, 3600),
        vol.Optional("accept_after", default="30 min", description="tamper.option.accept_after"): _time(60, 86_400),
        vol.Optional("ignore", default=list, description="tamper.option.ignore"): [vol.In(SIGNS)],
        vol.Optional("interval", default="2 s", description="tamper.option.interval"): _time(1, 60),
    }
)


@hookimpl
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Offer the detector ``tamper``."""
    return (
        Kind(
            "tamper",
            SCHEMA,
            _make,
            "Memberi tahu bila kamera tetap ditutup, diputar, kabur, gelap, beku, kehilangan warna, atau rusak",
            "Tells when a fixed camera is covered, turned, blurred, dark, frozen, without colour or full of noise",
        ),
    )


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document the end; the beginning is one of the hub's own kinds."""
    return (
        EventKind(
            name="camera.clear",
            summary="Gambar kamera kembali wajar",
            fields={
                "what": "gangguan yang berakhir, misalnya covered",
                "seconds": "detik: berapa lama gangguan itu",
                "is_accepted": "true bila kamera tetap terputar dan arah barunya diterima",
            },
        ),
    )
