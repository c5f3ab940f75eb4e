"""What a Hikvision device's alert stream says, and which event of Siaga each word becomes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from ....core import CameraLost, DeviceHttp, Texts, find_all, read_xml, text_of

# A device says "videoloss, inactive" every few seconds when nothing happens; a minute of nothing is a dead link.
SILENCE_S = 60.0
_LARGEST_PART = 2_000_000

# eventType, in lower case -> kind. By Hikvision's ISAPI manual (EventNotificationAlert) and what devices were seen to
# send; a word that stands nowhere here is left out.
KINDS = {
    "vmd": "device.motion",
    "motiondetection": "device.motion",
    "pir": "device.motion",
    "linedetection": "device.line",
    "fielddetection": "device.area",
    "regionentrance": "device.area",
    "regionexiting": "device.area",
    "loitering": "device.loitering",
    "group": "device.crowd",
    "regiongathering": "device.crowd",
    "parking": "device.parking",
    "unattendedbaggage": "device.left_object",
    "attendedbaggage": "device.removed_object",
    "tamperdetection": "device.tamper",
    "shelteralarm": "device.tamper",
    "scenechangedetection": "device.tamper",
    "defocus": "device.tamper",
    "facedetection": "device.face",
    "facesnap": "device.face",
    "io": "device.input",
    "audioexception": "device.audio",
    "firedetection": "device.fire",
    "smokedetection": "device.fire",
    "tma": "device.fire",
    "videoloss": "device.video_loss",
    "diskfull": "device.storage",
    "diskerror": "device.storage",
    "hdfull": "device.storage",
    "hderror": "device.storage",
    "illaccess": "device.login",
}
_TARGETS = {"human": "device.person", "people": "device.person", "vehicle": "device.vehicle"}
# These name a thing only where the device says which; without it they are what they are.
_OF_THINGS = ("device.motion", "device.area")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Hold one word of a device: which channel (None: the device itself), what, and whether it goes on."""

    channel: int | None
    kind: str
    source: str
    topic: str
    is_on: bool


async def read_alerts(http: DeviceHttp, texts: Texts) -> AsyncIterator[Alert]:
    """Yield what the device tells; CameraLost when it stops. A part that is no alert is passed over."""
    async for part in http.parts(
        "/ISAPI/Event/notification/alertStream", silence_s=SILENCE_S, largest_bytes=_LARGEST_PART
    ):
        # Pictures follow some alerts as parts of their own.
        if b"<" not in part.body[:200]:
            continue
        try:
            alert = alert_of(part.body, texts)
        except CameraLost:
            continue
        if alert is not None:
            yield alert


def alert_of(body: bytes, texts: Texts) -> Alert | None:
    """Return what an EventNotificationAlert means; None where it means nothing here. CameraLost on what is no XML."""
    root = read_xml(body, texts)
    word = text_of(root, "eventType").strip()
    kind = KINDS.get(word.lower())
    if kind is None:
        return None
    target = next((one.text or "" for one in find_all(root, "detectionTarget")), "").lower()
    kind = _TARGETS.get(target, kind) if kind in _OF_THINGS else kind
    is_on = text_of(root, "eventState").lower() != "inactive"
    source = text_of(root, "inputIOPortID") or text_of(root, "dynInputIOPortID") if kind == "device.input" else ""
    region = next((one.text or "" for one in find_all(root, "regionID")), "")
    return Alert(
        channel=_channel(text_of(root, "dynChannelID") or text_of(root, "channelID")),
        kind=kind,
        source=source or (region if kind in ("device.line", "device.area") else ""),
        topic=word,
        is_on=is_on,
    )


def _channel(text: str) -> int | None:
    # A device speaks of itself (its disk, its doors) as channel 0 or without one.
    return int(text) if text.isdecimal() and int(text) > 0 else None
