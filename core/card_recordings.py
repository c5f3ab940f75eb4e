"""What a camera adds that keeps footage itself, on a card or a disk: saying what is there, and playing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from .contracts import StreamSource
from .types import Struct


class RecordedSpan(Struct):
    """Say from when to when a camera has footage, by the camera's own clock, in UTC."""

    begin: datetime
    end: datetime


class ReplaySource(Struct):
    """Say how footage is read: ``source`` plays it from ``begin`` on and ends after it, or is ended by the reader.

    ``headers`` are added to the RTSP requests SETUP and PLAY, for what FFmpeg cannot say itself (ONVIF's
    ``Require: onvif-replay``, RFC 2326's ``Range``; ONVIF Streaming Specification, 6). Such a source is plain
    ``rtsp``, not ``rtsps``.
    """

    source: StreamSource
    begin: datetime
    headers: dict[str, str] = {}


@runtime_checkable
class KeepsRecordings(Protocol):
    """A camera whose own footage can be fetched later. Errors: CameraLost, AuthFailed, NotSupported; within 30 s."""

    async def recordings(self, begin: datetime, end: datetime) -> Sequence[RecordedSpan]:
        """Return what the camera has between two moments of its own clock (UTC), the oldest first."""
        ...

    async def replay(self, begin: datetime, end: datetime) -> ReplaySource:
        """Return how a part of it is read; nothing is moved yet."""
        ...
