"""What the hub does with the news from its video processes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from ..types import Clip
from .messages import ClipFailed, EyeEvent, Reading, StreamReport


class MediaSink(Protocol):
    """What the hub does with news from the video processes; each call ends before the next of its process."""

    async def on_event(self, message: EyeEvent) -> None:
        """Keep the picture, commit the event."""

    async def on_reading(self, message: Reading) -> None:
        """Show a newest value."""

    async def on_clip(self, clip: Clip) -> None:
        """Put a finished clip into the index; the recorder is told when this returned."""

    async def on_clip_failed(self, message: ClipFailed) -> None:
        """Say that a clip is not there."""

    async def on_stream(self, report: StreamReport, at: datetime) -> None:
        """Take a stream's change of condition."""

    async def on_process(self, name: str, what: Literal["started", "died", "hung"], detail: str) -> None:
        """Take a change of a process: ``recorder``, ``eye-1`` ..."""
