"""The conformance kit: what a plugin's own tests stand on. Needs pytest, which Siaga itself does not."""

try:
    import pytest  # noqa: F401  asked for here, so that what is missing is said in words
except ModuleNotFoundError as err:
    if err.name != "pytest":
        raise
    raise ModuleNotFoundError(
        "siaga.testing needs pytest; install it with: pip install pytest pytest-asyncio", name="pytest"
    ) from None

from .camera_conformance import CameraConformance
from .device_thread import Device
from .fault_proxy import Fault, FaultProxy
from .loop_watch import LoopWatch
from .own_services import OwnServices

__all__ = ["CameraConformance", "Device", "Fault", "FaultProxy", "LoopWatch", "OwnServices"]
