"""Where a camera, or what it says of its streams, does not fit the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote, urlsplit

from ..core import contracts, device_contracts, outputs
from .findings import shape_faults

_SCHEMES = {"rtsp", "rtsps", "http", "https", ""}
_OF_CAMERA = (device_contracts.TakesSnapshots, device_contracts.HasClock)
_OF_PTZ = (
    device_contracts.EditsPresets,
    device_contracts.KnowsPosition,
    device_contracts.GoesToPosition,
    device_contracts.GoesHome,
)


def camera_faults(camera: object) -> list[str]:
    """Return every method that lacks, is not async or takes other parameters, the optional abilities' too."""
    faults = shape_faults(camera, contracts.Camera, "the camera")
    faults += _abilities(camera, _OF_CAMERA, "the camera")
    if not hasattr(camera, "ptz"):
        faults.append("the camera has no attribute ptz; write `ptz: Ptz | None = None` where it cannot turn")
    elif (ptz := getattr(camera, "ptz")) is not None:  # noqa: B009  an object that may lack it
        faults += shape_faults(ptz, contracts.Ptz, "ptz") + _abilities(ptz, _OF_PTZ, "ptz")
    if (io := getattr(camera, "io", None)) is not None:
        faults += shape_faults(io, outputs.Outputs, "io")
    return faults


def source_faults(sources: object, secrets: Iterable[str]) -> list[str]:
    """Return what is wrong with the answer of ``streams``."""
    if isinstance(sources, str) or not isinstance(sources, Sequence):
        return [f"streams returned {type(sources).__name__}; return a tuple of one or two StreamSource"]
    if not all(isinstance(source, contracts.StreamSource) for source in sources):
        return ["streams returned something that is no siaga.core.StreamSource"]
    roles = [source.role for source in sources]
    if roles.count("main") != 1 or roles.count("sub") > 1 or len(roles) > 2:
        return [f"streams returned the roles {roles}; exactly one `main` is needed and at most one `sub` beside it"]
    return [fault for source in sources for fault in _source(source, tuple(secrets))]


def roles_of(sources: object) -> list[str]:
    """Return the roles in an answer of ``streams``; addresses may hold a port or a key that is new each time."""
    return [getattr(source, "role", "") for source in sources] if isinstance(sources, Sequence) else []


def _abilities(made: object, contracts_: Sequence[type], name: str) -> list[str]:
    # A protocol is fulfilled by its names alone: who has one of them means it.
    offered = [c for c in contracts_ if any(hasattr(made, method) for method in vars(c) if not method.startswith("_"))]
    return [fault for contract in offered for fault in shape_faults(made, contract, name)]


def _source(source: contracts.StreamSource, secrets: tuple[str, ...]) -> Iterator[str]:
    parts = urlsplit(source.url)
    shown = f"the {source.role} stream {source!r}"
    if parts.scheme not in _SCHEMES and len(parts.scheme) > 1:
        yield f"{shown} has the scheme {parts.scheme!r}; rtsp, rtsps, http, https or a file's path is read"
    elif parts.scheme and not parts.hostname:
        yield f"{shown} names no host"
    if not source.url.strip():
        yield f"the {source.role} stream has no address"
    if parts.username or parts.password:
        yield f"the {source.role} stream has its login in the address; put it into username= and password="
    if any(secret in parts.path or quote(secret, safe="") in parts.path for secret in secrets):
        yield f"the {source.role} stream has the password in the path of its address, which is logged and shown"
