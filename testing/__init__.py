"""The conformance kit: what a plugin's own tests stand on. Needs pytest, which Siaga itself does not."""

try:
    import pytest  # noqa: F401  asked for here, so that what is missing is said in words
except ModuleNotFoundError as err:
    if err.name != "pytest":
        raise
    raise ModuleNotFoundError(
        "siaga.testing needs pytest; install it with: pip install pytest pytest-asyncio", name="pytest"
    ) from None

from .action_conformance import ActionConformance
from .camera_conformance import CameraConformance
from .detector_conformance import DetectorConformance
from .device_thread import Device
from .fault_proxy import Fault, FaultProxy
from .loop_watch import LoopWatch
from .notifier_conformance import NotifierConformance
from .own_hub import OwnHub
from .own_services import OwnServices
from .store_conformance import StoreConformance

__all__ = [
    "ActionConformance",
    "CameraConformance",
    "DetectorConformance",
    "Device",
    "Fault",
    "FaultProxy",
    "LoopWatch",
    "NotifierConformance",
    "OwnHub",
    "OwnServices",
    "StoreConformance",
]
