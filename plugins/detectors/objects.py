"""The detector ``objects``: people, vehicles and animals by NanoDet, one net for all cameras of an eye."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import voluptuous as vol

from ...core import Detection, Detector, EventKind, Frame, Kind, LookContext, Scene, Texts, Wants, hookimpl

# The 80 things of COCO (Lin et al., 2014) in the order of the net's outputs.
LABELS = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear",
    "hair drier", "toothbrush",
)  # fmt: skip
# A fainter detection only continues a track; below this the net sees people in every shadow.
FAINT_SCORE = 0.25


def _label(value: Any) -> str:  # noqa: ANN401
    if value in LABELS:
        return str(value)
    near = difflib.get_close_matches(str(value), LABELS, n=1)
    if near:
        raise vol.Invalid(Texts()("objects.error.label_near", label=value, near=near[0]))
    raise vol.Invalid(Texts()("objects.error.label", label=value))


def _seconds(value: Any) -> float:  # noqa: ANN401
    text = str(value).strip().removesuffix("s").strip()
    try:
        return float(text)
    except ValueError:
        raise vol.Invalid(Texts()("objects.error.seconds", value=value)) from None


def _tiles(value: Any) -> int:  # noqa: ANN401
    """Take off, auto, or how many parts a side is cut into (2 to 4)."""
    if value == "off" or value is False:
        return 1
    if value == "auto":
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 4:
        return value
    raise vol.Invalid(Texts()("objects.error.tiles", value=value))


SCHEMA = vol.Schema(
    {
        vol.Optional("labels", default=["person"], description="objects.option.labels"): vol.All(
            [_label], vol.Length(min=1)
        ),
        vol.Optional("zones", default=[], description="objects.option.zones"): [str],
        vol.Optional("min_score", default=0.5, description="objects.option.min_score"): vol.All(
            vol.Coerce(float), vol.Range(FAINT_SCORE, 0.95)
        ),
        vol.Optional("interval", default=0.2, description="objects.option.interval"): vol.All(
            _seconds, vol.Range(0.05, 60)
        ),
        vol.Optional("tiles", default="off", description="objects.option.tiles"): _tiles,
        vol.Optional("looks", default="changes", description="objects.option.looks"): vol.In(["changes", "whole"]),
        vol.Optional("min_size", default=0.02, description="objects.option.min_size"): vol.All(
            vol.Coerce(float), vol.Range(0, 1)
        ),
    }
)


class ObjectsDetector:
    """Look for the wanted labels on one camera."""

    def __init__(self, options: dict[str, Any], scene: Scene) -> None:
        from .objects_motion import MotionLooks
        from .objects_net import NanoDet
        from .objects_tiles import find_in_tiles

        checked = SCHEMA(options)
        unknown = [zone for zone in checked["zones"] if zone not in scene.zones]
        if unknown:
            known = ", ".join(sorted(scene.zones)) or "-"
            raise ValueError(Texts()("objects.error.zone", zone=unknown[0], known=known))
        self.wants = Wants(
            pixels="colour",
            interval_s=checked["interval"],
            min_score=checked["min_score"],
            zones=tuple(checked["zones"]),
        )
        self._labels = {LABELS.index(label): label for label in checked["labels"]}
        self._min_size = checked["min_size"]
        net = NanoDet.shared()
        self._find = partial(find_in_tiles, net, wanted=checked["tiles"]) if checked["tiles"] != 1 else net.find
        self._changes = MotionLooks(net) if checked["tiles"] == 1 and checked["looks"] == "changes" else None

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Detection]:
        """Return what is seen, also faintly; ``min_size`` is a share of the picture's height."""
        if frame is None:
            return ()
        labels = tuple(self._labels)
        if self._changes is not None:
            now_s = frame.arrived_mono_s
            found = self._changes.find(frame.luma, frame.colour(), labels, min_score=FAINT_SCORE, now_s=now_s)
        else:
            found = self._find(frame.colour(), labels, min_score=FAINT_SCORE)
        return [
            Detection(label=self._labels[number], score=score, box=box)
            for number, score, box in found
            if box.bottom - box.top >= self._min_size
        ]


@hookimpl
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Offer the detector ``objects``."""
    return (
        Kind(
            "objects",
            SCHEMA,
            ObjectsDetector,
            "Mengenali orang, kendaraan dan hewan, lalu mengikutinya antarzona.",
            "Sees people, vehicles and animals, and follows them from zone to zone.",
        ),
    )


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document what this detector's sightings tell."""
    thing = {"track": "nomor benda yang diikuti, tetap selama terlihat", "label": "jenis benda"}
    seen = {**thing, "zones": "zona tempat benda berdiri", "box": "kiri, atas, kanan, bawah; 0..1"}
    return tuple(
        EventKind(name=f"object.{label.replace(' ', '_')}", summary=f"Terlihat: {label}", fields=seen)
        for label in LABELS
    )
