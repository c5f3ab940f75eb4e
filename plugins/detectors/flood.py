"""Detector ``flood``: the water level on a staff gauge, its stage, and honesty when the gauge cannot be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import voluptuous as vol

from ...core import (
    Box,
    Detection,
    Detector,
    EventKind,
    Frame,
    Kind,
    LookContext,
    Observation,
    Scene,
    Wants,
    hookimpl,
    validators,
)
from .flood_watch import NORMAL_STAGE, GaugeReading, Level, LevelFilter, Stages

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A gauge that nobody could read for so long is told, once: somebody should look.
_BLIND_AFTER = timedelta(seconds=60)


class FloodDetector:
    """Read one gauge at each interval and tell level, stage and blindness."""

    def __init__(self, options: dict[str, Any], reader: _Reader) -> None:
        self.wants = Wants(pixels="luma", interval_s=options["interval"], keyframes_only=True, when="always")
        self._reader = reader
        self._is_by_lines = "lines" in options
        self._half: float = options["gauge"]["width"] if "gauge" in options else 0.05
        self._min_confidence: float = options["min_confidence"]
        self._step_cm: float = options["tell_step"]
        self._every = timedelta(seconds=options["tell_every"])
        self._filter = LevelFilter(options["max_rise"])
        self._stages = Stages(options["stages"], options["hysteresis"])
        self._level: Level | None = None
        self._told: tuple[datetime, float] | None = None
        self._blind_since: datetime | None = None
        self._is_blind_told = False

    def resume(self, told: Mapping[str, Mapping[str, Any]]) -> None:
        """Go on from the stage that was told last: what has not changed since is not told anew."""
        stage = told.get("flood.stage", {}).get("to")
        if stage in (1, 2, 3, NORMAL_STAGE):
            self._stages.resume(stage)

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Detection | Observation]:
        """Read the gauge in one picture."""
        assert frame is not None
        reading = self._reader.read(frame.luma, context)
        if reading.level_cm is None or reading.confidence < self._min_confidence:
            return self._cannot_see(context.at, reading.why or "unclear", reading.confidence)
        self._blind_since = None
        level = self._filter.add(context.at, reading.level_cm, reading.confidence)
        if level is None:
            return ()
        self._level = level
        return self._tell(context.at, level, reading.waterline)

    def _tell(self, at: datetime, level: Level, waterline: tuple[float, float] | None) -> Sequence[Observation]:
        change = self._stages.update(level.level_cm)
        is_event = self._is_worth_telling(at, level.level_cm) or change is not None
        if is_event:
            self._told = (at, level.level_cm)
        self._is_blind_told = False
        # Lines are steps: between two of them nothing is known, and no rise can be told.
        worse = self._stages.next_worse(level) if not self._is_by_lines else None
        data = {
            "level_cm": round(level.level_cm, 1),
            "stage": self._stages.stage,
            "rise_cm_h": None if self._is_by_lines else round(level.rise_cm_h, 1),
            "confidence": round(level.confidence, 2),
            "is_at_least": self._is_by_lines,
            "next_stage": worse[0] if worse else None,
            "next_stage_min": worse[1] if worse else None,
        }
        boxes = (self._mark(waterline),) if waterline else ()
        score = round(level.confidence, 2)
        told = [Observation(kind="flood.level", score=score, data=data, boxes=boxes, is_event=is_event)]
        if change is not None:
            moved = {**data, "from": change[0], "to": change[1]}
            told.append(Observation(kind="flood.stage", score=score, data=moved, boxes=boxes))
        return told

    def _is_worth_telling(self, at: datetime, level_cm: float) -> bool:
        if self._told is None or self._is_blind_told:
            return True
        told_at, told_cm = self._told
        return abs(level_cm - told_cm) >= self._step_cm or at - told_at >= self._every

    def _cannot_see(self, at: datetime, why: str, confidence: float) -> Sequence[Observation]:
        self._blind_since = self._blind_since or at
        data = {
            "level_cm": None,
            "reason": why,
            "confidence": round(confidence, 2),
            "blind_s": round((at - self._blind_since).total_seconds()),
            "last_level_cm": round(self._level.level_cm, 1) if self._level else None,
            "stage": self._stages.stage,
        }
        told = [Observation(kind="flood.level", data=data, is_event=False)]
        if not self._is_blind_told and at - self._blind_since >= _BLIND_AFTER:
            self._is_blind_told = True
            told.append(Observation(kind="flood.blind", data=data))
        return told

    def _mark(self, waterline: tuple[float, float]) -> Box:
        x, y = waterline
        half = self._half
        return Box(
            left=max(0.0, x - half), top=max(0.0, y - 0.004), right=min(1.0, x + half), bottom=min(1.0, y + 0.004)
        )


class _Reader(Protocol):
    def read(self, luma: NDArray[np.uint8], context: LookContext) -> GaugeReading: ...


def _make(options: dict[str, Any], scene: Scene) -> Detector:
    # OpenCV only here: the hub imports this module for its schema.
    from .flood_views import GaugeView, LinesView

    checked = SCHEMA(options)
    if "lines" in checked:
        lines = [(line["name"], *line["line"], line["cm"]) for line in checked["lines"]]
        return FloodDetector(checked, LinesView(lines))
    gauge = checked["gauge"]
    return FloodDetector(checked, GaugeView(gauge["points"], gauge["width"], follows=gauge["follow"]))


def _centimetres(value: Any) -> float:  # noqa: ANN401
    """Return centimetres from ``5`` or ``5 cm``."""
    text = str(value).strip().removesuffix("cm").strip()
    try:
        return float(text)
    except ValueError:
        raise _wrong("cm", value=value) from None


def _gauge_point(value: Any) -> tuple[float, float, float]:  # noqa: ANN401
    try:
        x, y, cm = (float(part) for part in value)
    except (TypeError, ValueError):
        raise _wrong("point") from None
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise _wrong("outside", x=x, y=y)
    return x, y, cm


def _gauge_points(value: Any) -> list[tuple[float, float, float]]:  # noqa: ANN401
    """Return two or more points of the gauge: x, y as fractions of the picture, and their centimetres."""
    if not isinstance(value, (list, tuple)) or not 2 <= len(value) <= 20:
        raise _wrong("points")
    points = sorted((_gauge_point(point) for point in value), key=lambda point: -point[2])
    for high, low in pairwise(points):
        if high[2] == low[2]:
            raise _wrong("same_cm", cm=high[2])
        if abs(high[0] - low[0]) + abs(high[1] - low[1]) < 0.01:
            raise _wrong("no_length")
        if high[1] >= low[1]:
            raise _wrong("upside_down", cm=high[2])
    return points


def _stages(value: Any) -> dict[int, float]:  # noqa: ANN401
    """Return from how many centimetres each stage counts; the smaller number is the worse."""
    if not isinstance(value, dict) or not value:
        raise _wrong("stages")
    try:
        stages = {int(stage): _centimetres(cm) for stage, cm in value.items()}
    except (TypeError, ValueError):
        raise _wrong("stages") from None
    if not set(stages) <= {1, 2, 3}:
        raise _wrong("stages")
    from_worst = [stages[stage] for stage in sorted(stages)]
    if any(worse <= better for worse, better in pairwise(from_worst)):
        raise _wrong("stage_order")
    return stages


def _wrong(key: str, **values: object) -> validators.Wrong:
    return validators.Wrong(f"flood.error.{key}", **values)


def _two_points(value: object) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return two different points, each of two fractions of the picture."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise _wrong("line")
    begin, end = (validators.point(point) for point in value)
    if abs(begin[0] - end[0]) + abs(begin[1] - end[1]) < 0.01:
        raise _wrong("line")
    return begin, end


def _lines(value: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return two lines or more of different heights."""
    heights = [line["cm"] for line in value]
    if len(value) < 2 or len(set(heights)) < len(heights):
        raise _wrong("lines")
    return value


def _one_way(options: dict[str, Any]) -> dict[str, Any]:
    """Ask for a gauge or for lines, not both."""
    if ("gauge" in options) == ("lines" in options):
        raise _wrong("gauge_or_lines")
    return options


_OPTIONS = vol.Schema(
    {
        vol.Optional("lines", description="flood.option.lines"): vol.All(
            [
                {
                    vol.Required("line", description="flood.option.line"): _two_points,
                    vol.Required("cm", description="flood.option.line_cm"): vol.All(_centimetres, vol.Range(0, 1000)),
                    vol.Optional("name", default="", description="flood.option.line_name"): str,
                }
            ],
            _lines,
        ),
        vol.Optional("gauge", description="flood.option.gauge"): {
            vol.Required("points", description="flood.option.points"): _gauge_points,
            vol.Optional("follow", default=True, description="flood.option.follow"): validators.boolean,
            vol.Optional("width", default=0.04, description="flood.option.width"): vol.All(
                vol.Coerce(float), vol.Range(0.005, 0.5)
            ),
        },
        vol.Required("stages", description="flood.option.stages"): _stages,
        vol.Optional("hysteresis", default=5.0, description="flood.option.hysteresis"): vol.All(
            _centimetres, vol.Range(0, 100)
        ),
        vol.Optional("interval", default=5.0, description="flood.option.interval"): vol.All(
            validators.duration, vol.Range(0.5, 3600)
        ),
        vol.Optional("min_confidence", default=0.5, description="flood.option.min_confidence"): vol.All(
            vol.Coerce(float), vol.Range(0, 1)
        ),
        # 50 cm a minute: faster than any flash flood reported from Jakarta's rivers.
        vol.Optional("max_rise", default=50.0, description="flood.option.max_rise"): vol.All(
            _centimetres, vol.Range(1, 10_000)
        ),
        vol.Optional("tell_step", default=10.0, description="flood.option.tell_step"): vol.All(
            _centimetres, vol.Range(1, 1000)
        ),
        # As river posts report from Siaga 2 on.
        vol.Optional("tell_every", default=900.0, description="flood.option.tell_every"): vol.All(
            validators.duration, vol.Range(10, 86_400)
        ),
    }
)
SCHEMA = vol.Schema(vol.All(_OPTIONS, _one_way))


@hookimpl
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Offer the detector ``flood``."""
    return (
        Kind(
            "flood",
            SCHEMA,
            _make,
            "Membaca tinggi muka air pada papan duga, atau dari garis di jalan, dan menentukan tahap siaga.",
            "Reads the water level on a staff gauge, or by lines in a street, and decides the flood stage.",
        ),
    )


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document what this detector tells."""
    level = {
        "level_cm": "cm: tinggi muka air; null bila tidak terlihat",
        "stage": "1..4: tahap siaga sekarang, 4 normal, makin kecil makin gawat; null bila belum diketahui",
        "rise_cm_h": "cm/jam: kenaikan, negatif bila surut",
        "confidence": "0..1: keyakinan pembacaan",
        "is_at_least": "true: setinggi itu atau lebih; dibaca dari garis, bukan papan duga",
        "next_stage": "tahap berikutnya yang lebih gawat bila air terus naik; null bila tidak naik",
        "next_stage_min": "menit sampai tahap itu, menurut kenaikan sekarang",
    }
    blind = {
        "reason": "dark, covered, unclear, small, turned: mengapa tidak terbaca",
        "blind_s": "detik sejak terakhir terbaca",
        "last_level_cm": "cm: tinggi terakhir yang terbaca",
    }
    moved = {"from": "tahap sebelumnya; null pada pembacaan pertama", "to": "tahap yang baru"}
    return (
        EventKind(name="flood.level", summary="Tinggi muka air berubah", fields={**level, **blind}),
        EventKind(name="flood.stage", summary="Tahap siaga banjir berubah", fields={**level, **moved}),
        EventKind(name="flood.blind", summary="Papan duga tidak terbaca", fields={**level, **blind}),
    )
