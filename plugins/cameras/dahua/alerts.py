"""What a Dahua device tells by its event manager, and which event of Siaga each code becomes."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from ....core import DeviceHttp

# A heartbeat comes every five seconds when it is asked for.
_HEARTBEAT_S, _SILENCE_S = 5, 30.0
_LARGEST_PART = 500_000
# Code -> kind, by Dahua's HTTP API; codes that stand nowhere here are left out.
KINDS = {
    "VideoMotion": "device.motion",
    "SmartMotionHuman": "device.person",
    "SmartMotionVehicle": "device.vehicle",
    "CrossLineDetection": "device.line",
    "CrossRegionDetection": "device.area",
    "WanderDetection": "device.loitering",
    "StayDetection": "device.loitering",
    "RioterDetection": "device.crowd",
    "CrowdDetection": "device.crowd",
    "ParkingDetection": "device.parking",
    "TrafficParking": "device.parking",
    "LeftDetection": "device.left_object",
    "TakenAwayDetection": "device.removed_object",
    "VideoBlind": "device.tamper",
    "SceneChange": "device.tamper",
    "VideoUnFocus": "device.tamper",
    "VideoAbnormalDetection": "device.tamper",
    "FaceDetection": "device.face",
    "AlarmLocal": "device.input",
    "AudioMutation": "device.audio",
    "AudioAnomaly": "device.audio",
    "FireDetection": "device.fire",
    "SmokeDetection": "device.fire",
    "FireWarning": "device.fire",
    "VideoLoss": "device.video_loss",
    "StorageNotExist": "device.storage",
    "StorageFailure": "device.storage",
    "StorageLowSpace": "device.storage",
    "LoginFailure": "device.login",
    "Reboot": "device.reboot",
}
# Of these the index is the number of an input, a disk or nothing, and not a channel.
_OF_DEVICE = ("device.input", "device.storage", "device.login", "device.reboot")
_OBJECTS = {"human": "device.person", "vehicle": "device.vehicle"}
_EVENT = re.compile(r"Code=(\w+);\s*action=(\w+);\s*index=(\d+)(?:;\s*data=(.*))?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Hold one word of a device; ``channel`` counts from 1, None is the device itself. ``is_on`` None: a moment."""

    channel: int | None
    kind: str
    source: str
    topic: str
    is_on: bool | None


async def read_alerts(http: DeviceHttp) -> AsyncIterator[Alert]:
    """Yield what the device tells; CameraLost when it stops."""
    asked = {"action": "attach", "codes": "[All]", "heartbeat": str(_HEARTBEAT_S)}
    path = "/cgi-bin/eventManager.cgi"
    async for part in http.parts(path, params=asked, silence_s=_SILENCE_S, largest_bytes=_LARGEST_PART):
        alert = alert_of(part.body.decode("utf-8", "replace"))
        if alert is not None:
            yield alert


def alert_of(text: str) -> Alert | None:
    """Return what a part means; None for a heartbeat and for what means nothing here."""
    found = _EVENT.search(text)
    kind = KINDS.get(found[1]) if found else None
    if found is None or kind is None:
        return None
    code, action, index = found[1], found[2].lower(), int(found[3])
    data = _data(found[4] or "")
    thing = str(_inside(data, "Object", "ObjectType") or "").lower()
    is_own = kind in _OF_DEVICE
    source = str(index + 1) if kind == "device.input" else str(_inside(data, "Name") or "")
    return Alert(
        channel=None if is_own else index + 1,
        kind=_OBJECTS.get(thing, kind) if kind in ("device.area", "device.motion") else kind,
        source=source[:100],
        topic=code,
        is_on={"start": True, "stop": False}.get(action),
    )


def _data(text: str) -> dict[str, Any]:
    """Return the JSON behind an event; some firmware cuts it off or writes what is none."""
    try:
        found = json.loads(text.strip() or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _inside(data: object, *path: str) -> object:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, str | int) else None
