"""Detector ``plates``: reads number plates of vehicles that others see. Off unless switched on with its legal basis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ....core import Detector, EventKind, Kind, PluginError, Scene, Texts, hookimpl, validators

VEHICLES = ("car", "motorcycle", "bus", "truck")
SCHEMA = vol.Schema(
    {
        # Pelindungan Data Pribadi: nobody reads plates because a key was copied from an example.
        vol.Required("legal_basis", description="plates.option.legal_basis"): vol.All(
            validators.text, vol.Length(min=10)
        ),
        vol.Required("role", description="plates.option.role"): validators.text,
        vol.Required("keep_days", description="plates.option.keep_days"): vol.All(int, vol.Range(1, 365)),
        vol.Optional("zone", default=None, description="plates.option.zone"): vol.Any(None, str),
        vol.Optional("labels", default=list(VEHICLES), description="plates.option.labels"): vol.All(
            [str], vol.Length(min=1)
        ),
        vol.Optional("interval", default="400 ms", description="plates.option.interval"): vol.All(
            validators.duration, vol.Range(0.1, 60)
        ),
        vol.Optional("min_confidence", default=0.25, description="plates.option.min_confidence"): vol.All(
            vol.Coerce(float), vol.Range(0, 1)
        ),
    }
)


def make_plates(options: dict[str, Any], scene: Scene) -> Detector:
    """Build the detector of one camera; its nets are loaded once a process. PluginError where rapidocr is missing."""
    # Pixels: not for the hub, which reads the schema alone.
    from .detector import PlatesDetector

    checked, texts = SCHEMA(options), Texts()
    scene.known_zone(checked["zone"])
    try:
        from .reader import load_nets

        nets = load_nets()
    except ModuleNotFoundError as err:
        raise PluginError(texts("plates.error.missing", name=err.name)) from err
    except FileNotFoundError as err:
        raise PluginError(texts("plates.error.no_model", file=err.filename)) from err
    return PlatesDetector(checked, nets)


@hookimpl
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Offer ``plates``."""
    return (
        Kind(
            "plates",
            SCHEMA,
            make_plates,
            "Membaca pelat nomor; hanya dengan dasar hukum, penanggung jawab dan masa simpan. Perlu detektor objects.",
            "Reads number plates; only with a legal basis, who is responsible and a retention. Needs objects.",
        ),
    )


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document what it tells."""
    fields = {
        "plate": "nomor pelat, tanpa spasi",
        "area": "huruf daerah di depannya",
        "confidence": "0..1: keyakinan bacaan",
        "looks": "berapa kali terbaca sama",
        "label": "jenis kendaraan",
        "track": "nomor kendaraan yang diikuti",
    }
    return (EventKind(name="plate.read", summary="Pelat nomor terbaca", fields=fields),)
