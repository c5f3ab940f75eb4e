"""What the PTZ desk needs of the rest of the hub, and what it tells of a camera."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, tzinfo

from ..clock import Clock
from ..contracts import Camera
from ..health import HealthBook
from ..media.messages import CameraStands
from ..memory import Memory
from ..settings import CameraSettings
from ..tasks import Tasks
from ..texts import Texts
from ..types import AuditEntry, Event, Json, Struct, new_id
from .lease import Lease
from .standing import Standing


class Ports(Struct):
    """Hold what one desk stands on.

    ``camera`` returns a camera's control side, None where there is none (yet). ``stands`` lets the eyes know.
    ``has_incident`` says whether an incident of a camera is open.
    """

    site: str
    zone: tzinfo
    clock: Clock
    texts: Texts
    tasks: Tasks
    memory: Memory
    health: HealthBook
    camera: Callable[[str], Camera | None]
    settings: Callable[[str], CameraSettings | None]
    audit: Callable[[AuditEntry], Awaitable[None]]
    emit: Callable[[Event], Awaitable[int]]
    stands: Callable[[CameraStands], None]
    has_incident: Callable[[str], Awaitable[bool]]

    def clock_time(self, at: datetime) -> str:
        """Return a time of day as people here read it."""
        return at.astimezone(self.zone).strftime("%H.%M" if self.texts.language == "id" else "%H:%M")

    async def tell(self, kind: str, camera: str, data: dict[str, Json]) -> None:
        """Commit an event of a camera. StoreFailed."""
        now = self.clock.now()
        await self.emit(Event(id=new_id(), site=self.site, kind=kind, at=now, camera=camera, data=data))


class PtzState(Struct):
    """Say how a camera that turns is shared now.

    ``sent`` is the preset it was last sent to. ``patrol`` is "" without one; ``waiting`` for who holds the camera,
    or for its pause to end; ``off`` when somebody switched it off. ``abilities``: presets, position, home, where.
    """

    camera: str
    standing: Standing
    sent: str = ""
    lease: Lease | None = None
    home: str = ""
    patrol: str = ""
    next_preset: str = ""
    failing: dict[str, str] = {}
    abilities: tuple[str, ...] = ()
