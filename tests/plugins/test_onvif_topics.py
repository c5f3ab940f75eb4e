"""What makers' cameras write as ONVIF events, and what each must become."""

import pytest
from onvif_device import ENVELOPE, message

from siaga.core.device_xml import read_xml
from siaga.core.texts import Texts
from siaga.plugins.cameras.onvif.topics import words_of

CAMERA = {"VideoSourceConfigurationToken": "VideoSource_1", "Rule": "aturan"}
AXIS = "tnsaxis:CameraApplicationPlatform"
SHAPES = [
    # the standard's own, as Hikvision, Dahua and Uniview tell them
    ("tns1:RuleEngine/CellMotionDetector/Motion", {"IsMotion": "true"}, "Changed", "device.motion", True),
    ("tns1:VideoSource/MotionAlarm", {"State": "false"}, "Changed", "device.motion", False),
    ("tns1:RuleEngine/LineDetector/Crossed", {"ObjectId": "15"}, "", "device.line", None),
    ("tns1:RuleEngine/LineDetector/Crossed", {"ObjectId": "1"}, "Changed", "device.line", None),
    ("tns1:RuleEngine/LineDetector/Crossed", {"ObjectId": "0"}, "Changed", "device.line", None),
    ("tns1:RuleEngine/FieldDetector/ObjectsInside", {"IsInside": "true"}, "Changed", "device.area", True),
    ("tns1:RuleEngine/FieldDetector/ObjectsInside", {"IsInside": "false"}, "Initialized", "device.area", False),
    ("tns1:RuleEngine/TamperDetector/Tamper", {"IsTamper": "1"}, "Changed", "device.tamper", True),
    ("tns1:VideoSource/GlobalSceneChange/ImagingService", {"State": "true"}, "Changed", "device.tamper", True),
    ("tns1:VideoSource/ImageTooDark/AnalyticsService", {"State": "true"}, "Changed", "device.tamper", True),
    ("tns1:Device/Trigger/DigitalInput", {"LogicalState": "true"}, "Changed", "device.input", True),
    ("tns1:Device/Trigger/Relay", {"LogicalState": "active"}, "Changed", "device.output", True),
    ("tns1:Device/Trigger/DigitalInput", {"LogicalState": "true"}, "Deleted", "device.input", False),
    ("tns1:VideoSource/SignalLoss", {"State": "true"}, "Changed", "device.video_loss", True),
    ("tns1:Device/HardwareFailure/StorageFailure", {"Failed": "true"}, "Changed", "device.storage", True),
    ("tns1:AudioAnalytics/Audio/DetectedSound", {"IsSoundDetected": "true"}, "Changed", "device.audio", True),
    # Axis
    (f"{AXIS}/VMD/Camera1Profile1", {"active": "1"}, "Changed", "device.motion", True),
    (f"{AXIS}/ObjectAnalytics/Device1Scenario1", {"active": "0"}, "Changed", "device.area", False),
    (f"{AXIS}/FenceGuard/Camera1Profile1", {"active": "1"}, "Changed", "device.line", True),
    ("tns1:VideoSource/tnsaxis:Tampering", {"tampering": "1"}, "", "device.tamper", True),
    # Reolink
    ("tns1:RuleEngine/MyRuleDetector/PeopleDetect", {"State": "true"}, "Changed", "device.person", True),
    ("tns1:RuleEngine/MyRuleDetector/VehicleDetect", {"State": "true"}, "Changed", "device.vehicle", True),
    ("tns1:RuleEngine/MyRuleDetector/DogCatDetect", {"State": "false"}, "Changed", "device.animal", False),
    ("tns1:RuleEngine/MyRuleDetector/Visitor", {"State": "true"}, "Changed", "device.input", True),
    # TP-Link
    ("tns1:RuleEngine/PeopleDetector/People", {"IsPeople": "true"}, "Changed", "device.person", True),
    ("tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent", {"IsVehicle": "true"}, "Changed", "device.vehicle", True),
    (
        "tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent",
        {"IsPeople": "false", "IsVehicle": "true"},
        "Changed",
        "device.vehicle",
        True,
    ),
    ("tns1:RuleEngine/CellMotionDetector/Intrusion", {"IsIntrusion": "true"}, "Changed", "device.area", True),
    ("tns1:RuleEngine/CellMotionDetector/LineCross", {"IsLineCross": "true"}, "Changed", "device.line", True),
    ("tns1:RuleEngine/CellMotionDetector/Tamper", {"IsTamper": "false"}, "Changed", "device.tamper", False),
    # Dahua and Uniview beside the standard's words
    ("tns1:UserAlarm/IVA/HumanShapeDetect", {"State": "true"}, "Changed", "device.person", True),
    ("tns1:RuleEngine/SmokeDetector/Smoke", {"State": "true"}, "Changed", "device.fire", True),
    ("tns1:RuleEngine/UnattendedBaggageDetector/Left", {"State": "true"}, "Changed", "device.left_object", True),
]


def read(*messages):
    return list(words_of(read_xml(ENVELOPE.format("".join(messages)).encode(), Texts("id"))))


@pytest.mark.parametrize(("topic", "data", "operation", "kind", "is_on"), SHAPES)
def test_what_a_camera_writes_means_what_it_says(topic, data, operation, kind, is_on):
    [word] = read(message(topic, data, CAMERA, operation))
    assert (word.kind, word.is_on, word.source, word.video) == (kind, is_on, "aturan", "VideoSource_1")


@pytest.mark.parametrize(
    "topic",
    ["tns1:Monitoring/ProcessorUsage", "tns1:Media/ProfileChanged", "tns1:RecordingConfig/JobState", "apa saja"],
)
def test_what_means_nothing_here_is_passed_over(topic):
    assert read(message(topic, {"Value": "42"}, CAMERA)) == []


def test_several_messages_of_one_pull_are_all_read_and_an_empty_one_is_not_minded():
    empty = message("tns1:VideoSource/MotionAlarm", {}, {})
    found = read(
        message(SHAPES[0][0], SHAPES[0][1], CAMERA), empty, message(SHAPES[10][0], SHAPES[10][1], {"InputToken": "1"})
    )
    assert [word.kind for word in found] == ["device.motion", "device.input"]
