"""Every call that may cross between the hub and a plugin's process, with the types of its arguments and its answer."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from .. import errors
from ..card_recordings import KeepsRecordings, RecordedSpan, ReplaySource
from ..contracts import Camera, Ptz, StreamSource
from ..device_contracts import (
    EditsPresets,
    GoesHome,
    GoesToPosition,
    HasClock,
    KnowsPosition,
    PtzPosition,
    TakesSnapshots,
)
from ..errors import SiagaError
from ..outputs import Outputs
from ..types import Clip, Json

_NAMES = tuple[str, ...]
_AXES = tuple[float, float, float]


class CallType(NamedTuple):
    """The types of a call. ``limit_s``: what its contract grants, None where the caller has a limit of his own."""

    arguments: Any
    answer: Any
    limit_s: float | None = 10.0


# ``ptz.`` and ``io.`` are the camera's own objects of that name.
CALLS: Mapping[str, CallType] = {
    "start": CallType(tuple[()], None, None),
    "streams": CallType(tuple[()], tuple[StreamSource, ...], None),
    "stop": CallType(tuple[()], None, 5.0),
    "snapshot": CallType(tuple[()], bytes),
    "device_time": CallType(tuple[()], datetime),
    "recordings": CallType(tuple[datetime, datetime], tuple[RecordedSpan, ...], 30.0),
    "replay": CallType(tuple[datetime, datetime], ReplaySource, 30.0),
    "ptz.presets": CallType(tuple[()], _NAMES),
    "ptz.goto": CallType(tuple[str], None),
    "ptz.move": CallType(tuple[float, float, float, float], None),
    "ptz.stop": CallType(tuple[()], None),
    "ptz.set_preset": CallType(tuple[str], None),
    "ptz.remove_preset": CallType(tuple[str], None),
    "ptz.position": CallType(tuple[()], PtzPosition),
    "ptz.go_to": CallType(_AXES, None),
    "ptz.shift": CallType(_AXES, None),
    "ptz.home": CallType(tuple[()], None),
    "io.outputs": CallType(tuple[()], _NAMES),
    "io.switch": CallType(tuple[str, bool, float], None),
    "io.play": CallType(tuple[str], None),
}
PROTOCOLS: Mapping[str, tuple[type, ...]] = {
    "": (Camera, TakesSnapshots, HasClock, KeepsRecordings),
    "ptz.": (Ptz, EditsPresets, KnowsPosition, GoesToPosition, GoesHome),
    "io.": (Outputs,),
}
SERVICES: Mapping[str, CallType] = {
    "emit": CallType(tuple[str, str | None, float | None, dict[str, Json]], None, 60.0),
    "remember": CallType(tuple[str, Json], None),
    "recall": CallType(tuple[str], Json),
    "clip": CallType(tuple[str], Clip | None),
}


def offered(camera: object) -> tuple[str, ...]:
    """Return the calls that an object fulfils: a protocol's, where it has every one of its methods."""
    found: list[str] = []
    for prefix, protocols in PROTOCOLS.items():
        held = getattr(camera, prefix[:-1], None) if prefix else camera
        for protocol in protocols if held is not None else ():
            methods = methods_of(protocol)
            if all(callable(getattr(held, method, None)) for method in methods):
                found += [prefix + method for method in methods]
    return tuple(found)


def methods_of(protocol: type) -> Iterable[str]:
    """Return the names of a protocol's methods."""
    return [name for name, value in vars(protocol).items() if name[0] != "_" and inspect.isfunction(value)]


def held(camera: object, call: str) -> tuple[object, str]:
    """Return the object that holds a call's method, and the method's name."""
    part, _, method = call.rpartition(".")
    return (getattr(camera, part, None) if part else camera), method


def packed(value: object) -> bytes:
    """Return a value as it travels. TypeError, msgspec.MsgspecError where it cannot."""
    return msgspec.msgpack.encode(value)


def unpacked(content: bytes, kind: Any) -> Any:  # noqa: ANN401  whatever the call's table says
    """Return what travelled. msgspec.MsgspecError where it is of another type."""
    return msgspec.msgpack.decode(content, type=kind)


def error_of(name: str, words: str) -> SiagaError:
    """Return the error that a plugin raised, as its own class where that is one of the house."""
    kind = getattr(errors, name, None)
    plain = isinstance(kind, type) and issubclass(kind, SiagaError) and kind.__init__ is SiagaError.__init__
    return kind(words) if plain and kind is not None else errors.PluginError(words)
