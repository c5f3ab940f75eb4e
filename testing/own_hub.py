"""A hub for the tests of actions: it does nothing, notes what it was asked, and can be told to fail."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..core.clock import Clock, SystemClock
from ..core.contracts import Camera
from ..core.errors import ActionFailed, MediaError, SiagaError, StoreFailed
from ..core.ptz.lease import Mover
from ..core.settings import CameraSettings, MediaSettings, Settings, SiteSettings, StorageSettings, WebSettings
from ..core.states import StateBook
from ..core.texts import Texts
from ..core.types import Alert, AlertOutcome, Clip, Event, Incident, Notice, Picture, new_id

CAMERAS = ("gang", "pasar")


class OwnHub:
    """Fulfil ``siaga.core.Hub`` with two cameras, ``gang`` and ``pasar``.

    ``asked`` holds each effect that was asked for, as (what, key or name): what carries a key counts once, as in the
    hub. ``fails``: from now on everything is refused as a hub does whose disk is full or whose camera is away.
    """

    def __init__(self, folder: Path, *, clock: Clock | None = None, language: str = "id") -> None:
        self.clock = clock or SystemClock()
        self.texts = Texts(language)
        self.settings = Settings(
            file="siaga.yaml",
            folder=str(folder),
            site=SiteSettings(id="kebon-baru", name="Kelurahan Kebon Baru"),
            web=WebSettings(),
            storage=StorageSettings(),
            media=MediaSettings(),
            cameras={name: CameraSettings(id=name, type="uji", name=name.title()) for name in CAMERAS},
        )
        self.asked: list[tuple[str, str]] = []
        self.fails = False
        self.states = StateBook()

    @property
    def ptz(self) -> OwnHub:
        """Return what turns cameras: this too is only noted."""
        return self

    def camera(self, camera_id: str) -> Camera:
        """Return no camera: none has a device here. ActionFailed."""
        raise ActionFailed(f"there is no camera {camera_id!r} with a device in this test")

    async def emit(self, event: Event) -> int:
        """Note an event."""
        return self._note("emit", event.kind, StoreFailed)

    async def burst(self, camera_id: str, at: datetime, before_s: float, after_s: float, key: str) -> str:
        """Note a recording; return an id."""
        self._known(camera_id)
        self._note("burst", key, MediaError)
        return f"clip-{key}"

    async def snapshot(self, camera_id: str) -> str:
        """Note a picture; return a path."""
        self._known(camera_id)
        self._note("snapshot", camera_id, MediaError)
        return f"snapshots/{camera_id}.jpg"

    async def picture(self, camera_id: str, width_px: int | None = None) -> Picture:
        """Return the smallest JPEG."""
        self._known(camera_id)
        if self.fails:
            raise MediaError("the camera shows nothing now")
        return Picture(jpeg=b"\xff\xd8\xff\xd9", at=self.clock.now())

    async def notify(self, notice: Notice) -> bool:
        """Note a notice; False when its key was there."""
        return bool(self._note("notify", notice.key, StoreFailed))

    async def alert(self, alert: Alert) -> AlertOutcome:
        """Note an alert."""
        self._note("alert", alert.key, StoreFailed)
        return AlertOutcome(told=("uji:posko",))

    async def open_incident(self, alert: Alert) -> Incident:
        """Note an incident."""
        self._note("open_incident", alert.key, StoreFailed)
        return self._incident(alert.incident)

    async def acknowledge(self, incident: str, who: str, via: str) -> Incident:
        """Note an answer."""
        self._note("acknowledge", incident, ActionFailed)
        return self._incident(incident)

    async def close_incident(self, incident: str, who: str, note: str = "") -> Incident:
        """Note an end."""
        self._note("close_incident", incident, ActionFailed)
        return self._incident(incident)

    async def clip(self, clip_id: str) -> Clip | None:
        """Return none: nothing was recorded."""
        return None

    # --- what turns cameras ---------------------------------------------------------------------

    async def goto(self, camera: str, preset: str, who: Mover, *, hold_s: float | None = None) -> None:
        """Note a turn."""
        self._turn("goto", f"{camera} {preset}")

    async def move(
        self, camera: str, speed: tuple[float, float, float], seconds: float, who: Mover, *, hold_s: float | None = None
    ) -> None:
        """Note a turn."""
        self._turn("move", camera)

    async def stop(self, camera: str, who: Mover) -> None:
        """Note a stop."""
        self._turn("stop", camera)

    async def home(self, camera: str, who: Mover, *, hold_s: float | None = None) -> None:
        """Note a turn home."""
        self._turn("home", camera)

    async def release(self, camera: str, who: Mover) -> None:
        """Note that a camera is given back."""
        self._turn("release", camera)

    async def patrol(self, camera: str, who: Mover, *, is_on: bool) -> None:
        """Note a patrol."""
        self._turn("patrol", f"{camera} {is_on}")

    def _turn(self, what: str, of: str) -> None:
        self._known(of.split()[0])
        self._note(what, of, ActionFailed)

    def _note(self, what: str, key: str, error: type[SiagaError]) -> int:
        if self.fails:
            raise error("the hub refuses everything in this test")
        is_new = (what, key) not in self.asked
        if is_new or what == "emit":
            self.asked.append((what, key))
        return int(is_new)

    def _known(self, camera: str) -> None:
        if camera not in CAMERAS:
            raise ActionFailed(f"there is no camera {camera!r}, only {' and '.join(CAMERAS)}")

    def _incident(self, key: str) -> Incident:
        now = self.clock.now()
        return Incident(id=new_id(), key=key, site="kebon-baru", title=key, state="open", opened_at=now, last_at=now)
