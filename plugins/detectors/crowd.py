"""The detector ``crowd``: how many are in a zone, told when it changes and stays, not when it flickers."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import voluptuous as vol

from ...core import (
    Detector,
    EventKind,
    FindsFaces,
    Frame,
    Kind,
    LookContext,
    Observation,
    Scene,
    Sighting,
    Texts,
    Wants,
    depth_in,
    face_finder,
    hookimpl,
    validators,
)

# The count is the median of what was seen in this time: people hide each other for a second or two.
WINDOW_S = 3.0
# A new count is told when it has stood for this long.
DWELL_S = 2.0
# Who stands there is found again within this time after an outage or a restart; nobody has left meanwhile.
SETTLE_S = 3.0
# Each costs a tenth of a second: a crowd does not come and go in two.
FACES_EVERY_S = 2.0
# Looked at again after so long without pictures, what was counted before says nothing of how long it has stood.
GAP_S = 10.0
# Beyond this boxes hide one another and the net finds a part of them only: the count is a least number.
MOST_COUNTED = 30
# A crowd gathers when so many more stand there than a minute ago, and at least this share of them.
TREND_S, TREND_COUNT, TREND_SHARE = 60.0, 3, 0.3
# More than ten looks a second teach nothing.
_MOST_SAMPLES = 60
_MOST_PAST = 200


def _seconds(value: Any) -> float:  # noqa: ANN401
    text = str(value).strip()
    factor = 60.0 if text.endswith("min") else 1.0
    try:
        return float(text.removesuffix("min").removesuffix("s").strip()) * factor
    except ValueError:
        raise vol.Invalid(Texts()("crowd.error.seconds", value=value)) from None


_COUNT = vol.All(int, vol.Range(1, 1000))
SCHEMA = vol.Schema(
    {
        vol.Optional("zone", default=None, description="crowd.option.zone"): vol.Any(None, str),
        vol.Optional("label", default="person", description="crowd.option.label"): str,
        vol.Optional("above", default=None, description="crowd.option.above"): vol.Any(None, _COUNT),
        vol.Optional("for", default=10.0, description="crowd.option.for"): vol.All(_seconds, vol.Range(0, 3600)),
        vol.Optional("clear_below", default=None, description="crowd.option.clear_below"): vol.Any(None, _COUNT),
        vol.Optional("area_m2", default=None, description="crowd.option.area"): vol.Any(
            None, vol.All(vol.Coerce(float), vol.Range(min=1, max=1_000_000))
        ),
        vol.Optional("faces", default=False, description="crowd.option.faces"): validators.boolean,
        vol.Optional("step", default=1, description="crowd.option.step"): _COUNT,
    }
)


class Smoothed:
    """Follow a flickering count: the median of a short while, believed when it stays."""

    def __init__(self) -> None:
        self.count = 0
        self._samples: deque[tuple[float, int]] = deque(maxlen=_MOST_SAMPLES)
        self._candidate: int | None = 0
        self._candidate_since_s = 0.0

    def restart(self) -> None:
        """Believe the last count until a new one has stood, the first one longer."""
        self._samples.clear()
        self._candidate = None

    def take(self, count: int, now_s: float) -> int:
        """Take one look's count; return the count that is believed."""
        self._samples.append((now_s, count))
        while self._samples[0][0] < now_s - WINDOW_S:
            self._samples.popleft()
        middle = round(statistics.median(seen for _, seen in self._samples))
        if middle != self._candidate:
            is_first = self._candidate is None and self.count > 0
            self._candidate, self._candidate_since_s = middle, now_s + (SETTLE_S if is_first else 0.0)
        if now_s - self._candidate_since_s >= DWELL_S:
            self.count = middle
        return self.count


class Trend:
    """Say whether a count rises or falls, by what it was a minute ago."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, int]] = deque(maxlen=_MOST_PAST)

    def take(self, count: int, now_s: float) -> Literal["gathering", "dispersing", "steady"]:
        """Take a believed count; return where it is going. A time without looks begins anew."""
        if self._past and now_s - self._past[-1][0] > GAP_S:
            self._past.clear()
        self._past.append((now_s, count))
        while now_s - self._past[0][0] > TREND_S:
            self._past.popleft()
        change, larger = count - self._past[0][1], max(count, self._past[0][1])
        if abs(change) < max(TREND_COUNT, TREND_SHARE * larger):
            return "steady"
        return "gathering" if change > 0 else "dispersing"


class CrowdDetector:
    """Count the sightings of one label in one zone (or the whole picture)."""

    def __init__(self, options: dict[str, Any], scene: Scene, faces: FindsFaces | None = None) -> None:
        checked = SCHEMA(options)
        self.wants = Wants(pixels="none", interval_s=1.0, when="always", sightings=True)
        self._faces: FindsFaces | None = None
        if checked["faces"]:
            # It looks itself; whom others see it is told as it was before this picture.
            self.wants = Wants(pixels="colour", interval_s=FACES_EVERY_S, when="always")
            self._faces = faces or face_finder()
        self._zone = scene.known_zone(checked["zone"])
        self._outline = scene.zones[self._zone] if self._zone is not None else None
        self._label: str = checked["label"]
        self._above: int | None = checked["above"]
        # Half an hour at the limit, one coming and one going, is one crowd.
        self._clear_below: int = checked["clear_below"] or max(1, round(0.8 * (self._above or 1)))
        self._for_s: float = checked["for"]
        self._step: int = checked["step"]
        self._area_m2: float | None = checked["area_m2"] or _measured(scene, self._zone)
        self._smoothed = Smoothed()
        self._trend = Trend()
        self._told = 0
        self._high_since_s: float | None = None
        self._is_high = False
        self._looked_s = float("-inf")

    def resume(self, told: Mapping[str, Mapping[str, Any]]) -> None:
        """Go on from the count that was told last: a crowd that is still there is not told anew."""
        count = told.get("crowd.count", {}).get("count")
        if isinstance(count, int):
            self._told = self._smoothed.count = count
            self._is_high = "crowd.high" in told and count >= self._clear_below

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Return the reading, and what became an event by it."""
        now_s = context.mono_s
        if now_s - self._looked_s > GAP_S:
            self._smoothed.restart()
            self._high_since_s = None
        self._looked_s = now_s
        bodies = sum(self._counts(sighting) for sighting in context.sightings)
        count = self._smoothed.take(max(bodies, self._faces_in(frame)), now_s)
        seen = self._data(count, self._trend.take(count, now_s))
        said = [Observation(kind="crowd.count", zone=self._zone, data=seen, is_event=False)]
        if abs(count - self._told) >= self._step or (count == 0 and self._told):
            self._told = count
            said.append(Observation(kind="crowd.count", zone=self._zone, data=seen))
        if self._rises(count, now_s):
            said.append(Observation(kind="crowd.high", zone=self._zone, data=seen))
        return said

    def _faces_in(self, frame: Frame | None) -> int:
        """Count faces in the zone: where bodies hide one another, heads still look out."""
        if self._faces is None or frame is None or frame.luma.size == 0:
            return 0
        found = self._faces.find(frame.colour())
        return sum(1 for box in found if self._outline is None or depth_in(self._outline, box.middle) >= 0)

    def _counts(self, sighting: Sighting) -> bool:
        return sighting.label == self._label and sighting.is_in(self._zone)

    def _rises(self, count: int, now_s: float) -> bool:
        """Say whether the limit has been passed for long enough, once until it clears."""
        if self._above is None:
            return False
        if count < self._clear_below:
            self._is_high = False
        if count <= self._above:
            self._high_since_s = None
            return False
        if self._high_since_s is None:
            self._high_since_s = now_s
        if self._is_high or now_s - self._high_since_s < self._for_s:
            return False
        self._is_high = True
        return True

    def _data(self, count: int, trend: str) -> dict[str, Any]:
        seen: dict[str, Any] = {"count": count, "zone": self._zone, "label": self._label, "limit": self._above}
        seen |= {"trend": trend, "is_at_least": count > MOST_COUNTED}
        return seen | ({"per_m2": round(count / self._area_m2, 2)} if self._area_m2 else {})


def _measured(scene: Scene, zone: str | None) -> float | None:
    """Return a zone's area where the camera's ground is known; None where a corner of it is no ground."""
    area = scene.ground.area_m2(scene.zones[zone]) if scene.ground is not None and zone is not None else None
    return area if area is not None and area >= 1.0 else None


@hookimpl
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Offer the detector ``crowd``."""
    return (
        Kind(
            "crowd",
            SCHEMA,
            CrowdDetector,
            "Menghitung orang di sebuah zona; perlu detektor objects pada kamera yang sama.",
            "Counts people in a zone; needs the detector objects on the same camera.",
        ),
    )


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document what this detector tells."""
    fields = {
        "count": "jumlah yang terlihat, diratakan",
        "zone": "zona yang dihitung; null untuk seluruh gambar",
        "label": "yang dihitung",
        "limit": "batas keramaian; null bila tidak ditetapkan",
        "trend": "gathering: bertambah sejak satu menit lalu; dispersing: berkurang; steady: tetap",
        "is_at_least": "true: sebanyak itu atau lebih; di atas 30 orang saling menutupi",
        "per_m2": "orang per meter persegi; hanya bila area_m2 atau ground ditulis",
    }
    return (
        EventKind(name="crowd.count", summary="Jumlah orang berubah", fields=fields),
        EventKind(name="crowd.high", summary="Lebih banyak orang daripada batas", fields=fields),
    )
