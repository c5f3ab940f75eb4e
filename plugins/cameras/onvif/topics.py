"""Which event of Siaga each ONVIF topic becomes: the standard's own words, and those of makers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from ....core import find_all, text_of

# Beginning of a topic without prefixes, in lower case -> kind; the longest beginning that fits counts. The first block
# is of the ONVIF specifications (Event Handling, Video Analytics, Imaging), the others are what makers add.
TOPICS = {
    "ruleengine/cellmotiondetector/motion": "device.motion",
    "ruleengine/motionregiondetector/motion": "device.motion",
    "videosource/motionalarm": "device.motion",
    "videoanalytics/motion": "device.motion",
    "ruleengine/linedetector/crossed": "device.line",
    "ruleengine/linecounter": "device.line",
    "ruleengine/fielddetector/objectsinside": "device.area",
    "ruleengine/loiteringdetector": "device.loitering",
    "ruleengine/declarativemotiondetector": "device.motion",
    "ruleengine/tamperdetector": "device.tamper",
    "ruleengine/objectdetection": "device.area",
    "ruleengine/facedetector": "device.face",
    "videosource/globalscenechange": "device.tamper",
    "videosource/imagetooblurry": "device.tamper",
    "videosource/imagetoodark": "device.tamper",
    "videosource/imagetoobright": "device.tamper",
    "videosource/signalloss": "device.video_loss",
    "videosource/connectionfailed": "device.video_loss",
    "device/trigger/digitalinput": "device.input",
    "device/trigger/relay": "device.output",
    "device/hardwarefailure/storagefailure": "device.storage",
    "audioanalytics/audio/detectedsound": "device.audio",
    "monitoring/operatingtime/lastreboot": "device.reboot",
    # Axis
    "ruleengine/vmd3": "device.motion",
    "cameraapplicationplatform/vmd": "device.motion",
    "cameraapplicationplatform/objectanalytics": "device.area",
    "cameraapplicationplatform/fenceguard": "device.line",
    "cameraapplicationplatform/loiteringguard": "device.loitering",
    "videosource/tampering": "device.tamper",
    "device/io/port": "device.input",
    "device/io/virtualinput": "device.input",
    # Reolink
    "ruleengine/myruledetector/peopledetect": "device.person",
    "ruleengine/myruledetector/vehicledetect": "device.vehicle",
    "ruleengine/myruledetector/dogcatdetect": "device.animal",
    "ruleengine/myruledetector/facedetect": "device.face",
    "ruleengine/myruledetector/visitor": "device.input",
    # TP-Link
    "ruleengine/peopledetector/people": "device.person",
    "ruleengine/cellmotiondetector/people": "device.person",
    "ruleengine/cellmotiondetector/intrusion": "device.area",
    "ruleengine/cellmotiondetector/linecross": "device.line",
    "ruleengine/cellmotiondetector/tamper": "device.tamper",
    "ruleengine/cellmotiondetector/tpsmartevent": "device.motion",
    "ruleengine/linecrossdetector": "device.line",
    "ruleengine/intrusiondetector": "device.area",
    "ruleengine/tpsmarteventdetector": "device.motion",
    # Dahua
    "useralarm/iva/humanshapedetect": "device.person",
    "ruleengine/humandetector": "device.person",
    # Hikvision and Uniview beside the standard's words
    "ruleengine/regionentrancedetector": "device.area",
    "ruleengine/regionexitingdetector": "device.area",
    "ruleengine/unattendedbaggagedetector": "device.left_object",
    "ruleengine/attendedbaggagedetector": "device.removed_object",
    "ruleengine/crowddetector": "device.crowd",
    "ruleengine/firedetector": "device.fire",
    "ruleengine/smokedetector": "device.fire",
}
# TP-Link tells what it saw by the name of the value, whatever the topic.
_VALUES = {
    "ispeople": "device.person",
    "isvehicle": "device.vehicle",
    "ispet": "device.animal",
    "islinecross": "device.line",
    "isintrusion": "device.area",
    "istamper": "device.tamper",
}
_TRUE, _FALSE = ("true", "1", "active", "on"), ("false", "0", "inactive", "off")
_NUMBERS = ("objectid", "count", "id", "level", "value", "direction", "timestamp", "utctime")
# These name who saw it where the source names several.
_RULE_NAMES = ("rule", "inputtoken", "relaytoken", "token", "port", "videosourceconfigurationtoken")


@dataclass(frozen=True, kw_only=True)
class Word:
    """Hold one word of a device. ``video``: its source's token, empty where it names none; ``is_on`` None: a moment."""

    kind: str
    source: str
    topic: str
    video: str
    is_on: bool | None


def words_of(body: Element) -> Iterator[Word]:
    """Yield what the messages of a pull mean; what means nothing here is passed over."""
    for message in find_all(body, "NotificationMessage"):
        topic = "/".join(part.rpartition(":")[2] for part in text_of(message, "Topic").split("/"))
        sources, values = _items(message, "Source"), _items(message, "Data")
        if not values and not sources:
            continue
        kind = _kind(topic.lower(), values)
        if kind is None:
            continue
        inner = next((one for one in find_all(message, "Message") if one.get("PropertyOperation")), None)
        operation = inner.get("PropertyOperation", "") if inner is not None else ""
        yield Word(
            kind=kind,
            source=next((sources[name] for name in _RULE_NAMES if sources.get(name)), ""),
            topic=topic,
            video=next((value for name, value in sources.items() if "video" in name or name == "source"), ""),
            is_on=False if operation == "Deleted" else _state(_of_kind(values, kind)),
        )


def _items(message: Element, where: str) -> dict[str, str]:
    found = {}
    for part in find_all(message, where):
        for item in find_all(part, "SimpleItem"):
            found[item.get("Name", "").lower()] = item.get("Value", "").strip()
    return found


def _kind(topic: str, values: dict[str, str]) -> str | None:
    named = {name: kind for name, kind in _VALUES.items() if name in values}
    # Several may stand in one message: the one that is so now is meant.
    for name in sorted(named, key=lambda name: values[name].lower() not in _TRUE):
        return named[name]
    fitting = [begin for begin in TOPICS if topic.startswith(begin)]
    return TOPICS[max(fitting, key=len)] if fitting else None


def _of_kind(values: dict[str, str], kind: str) -> dict[str, str]:
    """Return the values that speak of a kind, where they name kinds."""
    own = {name: value for name, value in values.items() if _VALUES.get(name) == kind}
    return own or values


def _state(values: dict[str, str]) -> bool | None:
    """Return what a message's value says; None where it says that something happened, and not that it goes on."""
    for name, value in values.items():
        # A number that counts or names a thing is no state, also where it is 0 or 1.
        if name in _NUMBERS:
            continue
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
    return None
