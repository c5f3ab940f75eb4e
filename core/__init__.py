"""The vendor's API: every name that a plugin may import, and nothing else."""

from . import validators
from .api_version import API_VERSION
from .camera_kinds import CameraKind
from .card_recordings import KeepsRecordings, RecordedSpan, ReplaySource
from .clock import Clock
from .contracts import (
    Camera,
    Carries,
    Detector,
    EventKind,
    Kind,
    Link,
    LookContext,
    Notifier,
    Ptz,
    Scene,
    Services,
    Store,
    StreamSource,
    Wants,
)
from .device_contracts import (
    EditsPresets,
    FoundCamera,
    GoesHome,
    GoesToPosition,
    HasClock,
    KnowsPosition,
    PtzPosition,
    TakesSnapshots,
)
from .device_events import DeviceEvents
from .device_http import DeviceAnswer, DeviceHttp
from .device_outputs import DeviceOutputs
from .device_parts import DevicePart
from .device_streams import SharedStream, SharedStreams
from .device_xml import find_all, local_name, read_xml, text_of
from .errors import (
    ActionFailed,
    AuthFailed,
    CameraError,
    CameraLost,
    LinkLost,
    MediaError,
    NotSupported,
    PluginError,
    SendFailed,
    SiagaError,
    StoreFailed,
    TemplateFailed,
)
from .eye_lending import FindsFaces, face_finder, open_net
from .ground import Ground
from .hookspecs import hookimpl
from .inbound import Inbound, InboundRequest, InboundResult, KeyedReceipt, Reply
from .outputs import HasOutputs, Outputs
from .picture_relay import PICTURE_OPTIONS, PictureRelay
from .polygons import depth_in
from .ptz.lease import CameraHeld, Mover
from .retry_after import retry_after_s
from .rule_contracts import Action, Condition, Hub, Moment, State, States, Subject, Trigger, TurnsCameras, Verdict
from .settings import CameraSettings, LinkSettings, NotifierSettings
from .texts import Texts
from .types import (
    ActionCall,
    ActionResult,
    Box,
    Clip,
    Detection,
    Event,
    Frame,
    Notice,
    Observation,
    Receipt,
    Sighting,
)

__all__ = [
    "API_VERSION",
    "PICTURE_OPTIONS",
    "Action",
    "ActionCall",
    "ActionFailed",
    "ActionResult",
    "AuthFailed",
    "Box",
    "Camera",
    "CameraError",
    "CameraHeld",
    "CameraKind",
    "CameraLost",
    "CameraSettings",
    "Carries",
    "Clip",
    "Clock",
    "Condition",
    "Detection",
    "Detector",
    "DeviceAnswer",
    "DeviceEvents",
    "DeviceHttp",
    "DeviceOutputs",
    "DevicePart",
    "EditsPresets",
    "Event",
    "EventKind",
    "FindsFaces",
    "FoundCamera",
    "Frame",
    "GoesHome",
    "GoesToPosition",
    "Ground",
    "HasClock",
    "HasOutputs",
    "Hub",
    "Inbound",
    "InboundRequest",
    "InboundResult",
    "KeepsRecordings",
    "KeyedReceipt",
    "Kind",
    "KnowsPosition",
    "Link",
    "LinkLost",
    "LinkSettings",
    "LookContext",
    "MediaError",
    "Moment",
    "Mover",
    "NotSupported",
    "Notice",
    "Notifier",
    "NotifierSettings",
    "Observation",
    "Outputs",
    "PictureRelay",
    "PluginError",
    "Ptz",
    "PtzPosition",
    "Receipt",
    "RecordedSpan",
    "ReplaySource",
    "Reply",
    "Scene",
    "SendFailed",
    "Services",
    "SharedStream",
    "SharedStreams",
    "SiagaError",
    "Sighting",
    "State",
    "States",
    "Store",
    "StoreFailed",
    "StreamSource",
    "Subject",
    "TakesSnapshots",
    "TemplateFailed",
    "Texts",
    "Trigger",
    "TurnsCameras",
    "Verdict",
    "Wants",
    "depth_in",
    "face_finder",
    "find_all",
    "hookimpl",
    "local_name",
    "open_net",
    "read_xml",
    "retry_after_s",
    "text_of",
    "validators",
]
