"""The schemas of what the product itself knows in a configuration; plugins bring those of their options."""

from __future__ import annotations

from typing import Any

import voluptuous as vol

from .ground_options import four_points, metres, sound_ground
from .ptz.options import PRESETS, PTZ
from .validators import (
    Each,
    boolean,
    duration,
    number,
    optional_text,
    polygon,
    size,
    slug,
    text,
    time_zone,
)

# Keys that begin so are nobody's: a place for YAML anchors.
FREE_KEY_START = "x-"
SECTIONS = (
    "site", "web", "storage", "media", "places", "cameras", "notifiers", "links", "contacts", "teams", "rotas",
    "holidays", "rules", "scripts", "plugins",
)  # fmt: skip


def _whole(least: int, most: int) -> vol.All:
    return vol.All(_no_switch, int, vol.Range(min=least, max=most))


def _no_switch(value: object) -> object:
    # To Python, true is the number 1.
    if isinstance(value, bool):
        raise vol.TypeInvalid("expected int")
    return value


SITE = vol.Schema(
    {
        vol.Required("name", description="site.option.name"): text,
        vol.Optional("id", description="site.option.id"): slug,
        vol.Optional("kecamatan", default="", description="site.option.kecamatan"): optional_text,
        vol.Optional("kota", default="", description="site.option.kota"): optional_text,
        vol.Optional("timezone", default="Asia/Jakarta", description="site.option.timezone"): time_zone,
        vol.Optional("language", default="id", description="site.option.language"): vol.In(["id", "en"]),
        vol.Optional("contact", default="", description="site.option.contact"): optional_text,
        vol.Optional("latitude", description="site.option.latitude"): vol.All(number, vol.Range(min=-90, max=90)),
        vol.Optional("longitude", description="site.option.longitude"): vol.All(number, vol.Range(min=-180, max=180)),
    }
)
WEB = vol.Schema(
    {
        vol.Optional("host", default="127.0.0.1", description="web.option.host"): text,
        vol.Optional("port", default=8080, description="web.option.port"): _whole(0, 65535),
        vol.Optional("secure_cookies", default=False, description="web.option.secure_cookies"): boolean,
    }
)
STORAGE = vol.Schema(
    {
        vol.Optional("path", default="var", description="storage.option.path"): text,
        vol.Optional("keep_days", default=14, description="storage.option.keep_days"): _whole(1, 3650),
        vol.Optional("min_free", default="2 GB", description="storage.option.min_free"): size,
    }
)
MEDIA = vol.Schema(
    {
        vol.Optional("eyes", default=0, description="media.option.eyes"): _whole(0, 64),
        vol.Optional("ring", default=20, description="media.option.ring"): vol.All(duration, vol.Range(min=2, max=300)),
        vol.Optional("ring_size", default="24 MB", description="media.option.ring_size"): vol.All(
            size, vol.Range(min=1_000_000, max=1_000_000_000)
        ),
        vol.Optional("detect_budget", default=0.8, description="media.option.detect_budget"): vol.All(
            _no_switch, vol.Coerce(float), vol.Range(min=0.05, max=1)
        ),
    }
)
PLACE = vol.Schema(
    {
        vol.Required("name", description="place.option.name"): text,
        vol.Optional("kind", default="", description="place.option.kind"): optional_text,
    }
)


def _bandwidth(value: Any) -> Any:  # noqa: ANN401  what stood in the YAML
    """Let ``bandwidth: auto`` stand for ``bandwidth: {mode: auto}``."""
    return {"mode": value} if isinstance(value, str) else value


# The common part of a camera; every other key is an option of its kind.
CAMERA = vol.Schema(
    {
        vol.Required("type", description="camera.option.type"): text,
        vol.Optional("name", description="camera.option.name"): text,
        vol.Optional("place", description="camera.option.place"): vol.Any(None, text),
        vol.Optional("groups", default=list, description="camera.option.groups"): Each(text),
        vol.Optional("purpose", default="", description="camera.option.purpose"): optional_text,
        vol.Optional("presets", description="camera.option.presets"): PRESETS,
        vol.Optional("ptz", description="camera.option.ptz"): PTZ,
        vol.Optional("zones", default=dict, description="camera.option.zones"): {slug: polygon},
        vol.Optional("ground", description="camera.option.ground"): vol.All(
            {
                vol.Required("points", description="camera.option.ground_points"): four_points,
                vol.Required("metres", description="camera.option.ground_metres"): metres,
                vol.Optional("preset", description="camera.option.ground_preset"): text,
            },
            sound_ground,
        ),
        vol.Optional("privacy", default=dict, description="camera.option.privacy"): {
            vol.Optional("masks", default=list, description="camera.option.privacy_masks"): Each(polygon),
            vol.Optional("faces", default="show", description="camera.option.privacy_faces"): vol.In(["show", "blur"]),
        },
        vol.Optional("detect", default=list, description="camera.option.detect"): [dict],
        vol.Optional("bandwidth", default=dict, description="camera.option.bandwidth"): vol.All(
            _bandwidth,
            {
                vol.Optional("mode", default="full", description="camera.option.bandwidth_mode"): vol.In(
                    ["full", "sub", "keyframes", "snapshot", "auto"]
                ),
                vol.Optional("every", default="10 s", description="camera.option.bandwidth_every"): vol.All(
                    duration, vol.Range(min=1, max=3600)
                ),
            },
        ),
        vol.Optional("record", default=dict, description="camera.option.record"): {
            vol.Optional("mode", default="events", description="camera.option.record_mode"): vol.In(["events", "off"]),
            # Off: on a paid link nobody wants to find out from the bill.
            vol.Optional("fill_gaps", default=False, description="camera.option.fill_gaps"): boolean,
            vol.Optional("fill_longest", default=600.0, description="camera.option.fill_longest"): vol.All(
                duration, vol.Range(10, 3600)
            ),
        },
    }
)
# What an entry of ``detect`` has beside its type and the options of its kind.
BOUND = vol.Schema({vol.Required("preset", description="detect.option.preset"): text})
PLUGINS = vol.Schema(
    {
        vol.Optional("disabled", default=list, description="plugins.option.disabled"): Each(text),
        vol.Optional("isolated", default=True, description="plugins.option.isolated"): boolean,
    }
)
TYPED = vol.Schema({vol.Required("type", description="option.type"): text}, extra=vol.ALLOW_EXTRA)
