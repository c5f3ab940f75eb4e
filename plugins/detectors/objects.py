"""The detector ``objects``: people, vehicles and animals by NanoDet, one net for all cameras of an eye."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import voluptuous as vol

from ...core import (
    Detection,
    Detector,
    EventKind,
    Frame,
    Kind,
    LookContext,
    PluginError,
    Scene,
    Texts,
    Wants,
    hookimpl,
    validators,
)

if TYPE_CHECKING:
    from .objects_motion import MotionLooks
    from .objects_tiles import Net

Find = Callable[..., Sequence[tuple[int, float, Any]]]

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
FORMATS = ("yolo", "detr", "rf-detr", "ssd", "nanodet")
# A fainter detection only continues a track; below this the net sees people in every shadow.
FAINT_SCORE = 0.25


def _known(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse labels that nobody knows, and options of a net of one's own without one."""
    if options["model"] is None:
        for key in ("format", "model_labels", "input"):
            if options[key] is not None:
                raise vol.Invalid(Texts()("objects.error.no_model", name=key), path=[key])
    elif options["format"] is None:
        raise vol.Invalid(Texts()("objects.error.no_format"), path=["model"])
    if options["model_labels"] is None:
        for number, label in enumerate(options["labels"]):
            if label not in LABELS:
                near = difflib.get_close_matches(label, LABELS, n=1)
                words = Texts()("objects.error.label_near", label=label, near=near[0]) if near else ""
                raise vol.Invalid(words or Texts()("objects.error.label", label=label), path=["labels", number])
    return options


def _seconds(value: Any) -> float:  # noqa: ANN401
    text = str(value).strip().removesuffix("s").strip()
    try:
        return float(text)
    except ValueError:
        raise vol.Invalid(Texts()("objects.error.seconds", value=value)) from None


def _size(value: object) -> tuple[int, int]:
    """Take [width, height] of what the net is shown, multiples of 32."""
    if (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(side, int) and 32 <= side <= 2048 and side % 32 == 0 for side in value)
    ):
        return int(value[0]), int(value[1])
    raise vol.Invalid(Texts()("objects.error.input", value=value))


def _tiles(value: object) -> int:
    """Take off, auto, or how many parts a side is cut into (2 to 4)."""
    if value == "off" or value is False:
        return 1
    if value == "auto":
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 4:
        return value
    raise vol.Invalid(Texts()("objects.error.tiles", value=value))


_OPTIONS = vol.Schema(
    {
        vol.Optional("labels", default=["person"], description="objects.option.labels"): vol.All(
            [validators.text], vol.Length(min=1)
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
        vol.Optional("model", default=None, description="objects.option.model"): vol.Any(None, validators.text),
        vol.Optional("format", default=None, description="objects.option.format"): vol.Any(None, vol.In(FORMATS)),
        vol.Optional("model_labels", default=None, description="objects.option.model_labels"): vol.Any(
            None, validators.text
        ),
        vol.Optional("input", default=None, description="objects.option.input"): vol.Any(None, _size),
    }
)
SCHEMA = vol.Schema(vol.All(_OPTIONS, _known))


class ObjectsDetector:
    """Look for the wanted labels on one camera."""

    def __init__(self, options: dict[str, Any], scene: Scene) -> None:
        checked = SCHEMA(options)
        for zone in checked["zones"]:
            scene.known_zone(zone)
        self.wants = Wants(
            pixels="colour",
            interval_s=checked["interval"],
            min_score=checked["min_score"],
            zones=tuple(checked["zones"]),
        )
        self._min_size = checked["min_size"]
        self._changes: MotionLooks | None = None
        if checked["model"] is not None:
            self._own_net(checked, Path(scene.folder))
        else:
            self._built_in_net(checked)

    def _built_in_net(self, checked: dict[str, Any]) -> None:
        from .objects_motion import MotionLooks
        from .objects_net import NanoDet

        net = NanoDet.shared()
        self._labels = {LABELS.index(label): label for label in checked["labels"]}
        self._find = _in_tiles(net, checked["tiles"])
        if checked["tiles"] == 1 and checked["looks"] == "changes":
            self._changes = MotionLooks(net)

    def _own_net(self, checked: dict[str, Any], folder: Path) -> None:
        from .objects_model import shared_model
        from .objects_net import NanoDet

        size = tuple(checked["input"]) if checked["input"] else None
        names_file = str(folder / checked["model_labels"]) if checked["model_labels"] else None
        if checked["format"] == "nanodet":
            net: Net = NanoDet.of(folder / checked["model"])
            names: Sequence[str | None] = LABELS
        else:
            model = shared_model(str(folder / checked["model"]), checked["format"], size, names_file, LABELS)
            net, names = model, model.names
        unknown = [label for label in checked["labels"] if label not in names]
        if unknown:
            known = ", ".join(sorted(name for name in names if name)[:20])
            raise PluginError(Texts()("objects.model.label", label=unknown[0], known=known))
        self._labels = {number: name for number, name in enumerate(names) if name in checked["labels"]}
        self._find = _in_tiles(net, checked["tiles"])

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Detection]:
        """Return what is seen, also faintly; ``min_size`` is a share of the picture's height."""
        if frame is None:
            return ()
        labels = tuple(self._labels)
        if self._changes is not None:
            now_s = frame.arrived_mono_s
            found: Sequence[tuple[int, float, Any]] = self._changes.find(
                frame.luma, frame.colour(), labels, min_score=FAINT_SCORE, now_s=now_s
            )
        else:
            found = self._find(frame.colour(), labels, min_score=FAINT_SCORE)
        return [
            Detection(label=self._labels[number], score=score, box=box)
            for number, score, box in found
            if box.bottom - box.top >= self._min_size
        ]


def _in_tiles(net: Net, tiles: int) -> Find:
    from .objects_tiles import find_in_tiles

    return partial(find_in_tiles, net, wanted=tiles) if tiles != 1 else net.find


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
