"""What a checked configuration holds, as frozen data; ``config.py`` makes it from YAML."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any, Literal

from .ground import Ground
from .ptz.settings import PtzSettings
from .types import Json, Polygon, Priority, Struct


class SiteSettings(Struct):
    """Name the kelurahan; ``id`` is a slug of the name and stands in every event.

    ``latitude`` and ``longitude`` None: the middle of its ``kota`` is near enough for the sun.
    """

    id: str
    name: str
    kecamatan: str = ""
    kota: str = ""
    timezone: str = "Asia/Jakarta"
    language: Literal["id", "en"] = "id"
    contact: str = ""
    latitude: float | None = None
    longitude: float | None = None


class WebSettings(Struct):
    """Say where the web UI listens."""

    host: str = "127.0.0.1"
    port: int = 8080
    secure_cookies: bool = False


class StorageSettings(Struct):
    """Say where recordings, pictures and the journal are kept, how long, and what stays free."""

    path: str = "var"
    keep_days: int = 14
    min_free_bytes: int = 2_000_000_000


class MediaSettings(Struct):
    """Bound the video processes. ``eyes`` 0 means one for every two cores."""

    eyes: int = 0
    ring_s: float = 20.0
    ring_bytes: int = 24_000_000
    detect_budget: float = 0.8


class PlaceSettings(Struct):
    """Name a place (RW, RT, park, post) that cameras belong to."""

    id: str
    name: str
    kind: str = ""


class DetectSettings(Struct):
    """Ask for one detector on one camera; ``options`` are checked by the detector's schema.

    ``preset``: it looks only while the camera stands there; None looks wherever it stands.
    """

    type: str
    options: dict[str, Json]
    preset: str | None = None


class RecordSettings(Struct):
    """Say what is recorded: ``events`` only when asked, ``off`` never.

    ``fill_gaps``: what was missed while the link was away is fetched from the camera's own card, ``fill_longest_s``
    of each gap at most.
    """

    mode: Literal["events", "off"] = "events"
    fill_gaps: bool = False
    fill_longest_s: float = 600.0


class BandwidthSettings(Struct):
    """Say how much of the network a camera may take; ``every_s`` is the time between pictures on the lowest step."""

    mode: Literal["full", "sub", "keyframes", "snapshot", "auto"] = "full"
    every_s: float = 10.0


class PrivacySettings(Struct):
    """Say what of a camera's picture is covered, and whether faces are hidden in what leaves an eye."""

    masks: tuple[Polygon, ...] = ()
    hides_faces: bool = False


class CameraSettings(Struct):
    """Describe one camera; ``options`` are checked by the camera kind's schema.

    ``presets`` are those that it surely has, None where only the camera knows. ``zones`` count always,
    ``preset_zones`` only while the camera stands at that preset. ``written`` are the kind's options as they stand in
    the file, for a plugin in a process of its own, which checks them itself.
    """

    id: str
    type: str
    name: str
    place: str | None = None
    groups: tuple[str, ...] = ()
    purpose: str = ""
    zones: dict[str, Polygon] = {}
    detect: tuple[DetectSettings, ...] = ()
    record: RecordSettings = RecordSettings()
    bandwidth: BandwidthSettings = BandwidthSettings()
    options: dict[str, Any] = {}
    presets: tuple[str, ...] | None = None
    preset_zones: dict[str, dict[str, Polygon]] = {}
    ptz: PtzSettings = PtzSettings()
    ground: Ground | None = None
    privacy: PrivacySettings = PrivacySettings()
    written: dict[str, Json] = {}

    @property
    def zone_names(self) -> tuple[str, ...]:
        """Return the name of every zone, those of presets too, each once."""
        return tuple(dict.fromkeys([*self.zones, *(name for its in self.preset_zones.values() for name in its)]))

    def zones_at(self, preset: str) -> dict[str, Polygon]:
        """Return the zones that count while the camera stands at a preset, "" for anywhere else."""
        return {**self.zones, **self.preset_zones.get(preset, {})}

    def ground_at(self, preset: str) -> Ground | None:
        """Return the measured ground, None where it holds only at another preset."""
        return self.ground if self.ground is not None and self.ground.preset in (None, preset) else None


class NotifierSettings(Struct):
    """Describe one way to send; ``options`` are checked by the notifier kind's schema."""

    id: str
    type: str
    options: dict[str, Any] = {}


class LinkSettings(Struct):
    """Describe one link to another program; ``options`` are checked by the link kind's schema."""

    id: str
    type: str
    options: dict[str, Any] = {}


class Address(Struct):
    """Say by which notifier, and to which address there, a contact is reached."""

    notifier: str
    to: str


class QuietHours(Struct):
    """Say when a contact is not to be disturbed, by the site's local time; ``except_from`` breaks through."""

    after: time
    before: time
    weekday: tuple[str, ...] = ()
    except_from: Priority = "high"


class RateLimit(Struct):
    """Say how many notices one notifier sends a contact within ``per_s``; what comes on top becomes one summary."""

    count: int
    per_s: float


class ContactSettings(Struct):
    """Name a person or post that is told."""

    id: str
    name: str
    via: tuple[Address, ...]
    quiet_hours: tuple[QuietHours, ...] = ()
    limit: RateLimit | None = None


class TeamSettings(Struct):
    """Name contacts that are told together."""

    id: str
    name: str
    members: tuple[str, ...]


class Shift(Struct):
    """Say who is on duty in a window of the local day; a window past midnight belongs to the day it began.

    ``holiday``: None on any day, True only on holidays, False never on them. ``dates`` narrows to those days.
    """

    after: time
    before: time
    contacts: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    weekday: tuple[str, ...] = ()
    holiday: bool | None = None
    dates: tuple[date, ...] = ()


class RotaSettings(Struct):
    """Plan who is on duty; ``otherwise`` is told when nobody is."""

    id: str
    name: str
    shifts: tuple[Shift, ...]
    otherwise: tuple[str, ...] = ()


class Settings(Struct):
    """Hold a whole checked configuration.

    ``rules`` and ``scripts`` are YAML nodes with lines, for the rules room (a list, and a mapping or None).
    ``folder`` is where the file stands: relative paths and the ``plugins`` folder start there.
    ``off`` names what stands in the file and is left out for a mistake of its own (``cameras.kali``): who refers
    to it is not wrong, and does without it. ``seen_presets`` are what the cameras answered when they came online.
    ``isolates_plugins``: camera plugins that are not built in run in processes of their own.
    """

    file: str
    folder: str
    site: SiteSettings
    web: WebSettings
    storage: StorageSettings
    media: MediaSettings
    places: dict[str, PlaceSettings] = {}
    cameras: dict[str, CameraSettings] = {}
    notifiers: dict[str, NotifierSettings] = {}
    links: dict[str, LinkSettings] = {}
    contacts: dict[str, ContactSettings] = {}
    teams: dict[str, TeamSettings] = {}
    rotas: dict[str, RotaSettings] = {}
    holidays: dict[date, str] = {}
    rules: tuple[Any, ...] = ()
    scripts: Any = None
    off: frozenset[str] = frozenset()
    seen_presets: dict[str, tuple[str, ...]] = {}
    isolates_plugins: bool = True

    @property
    def storage_folder(self) -> Path:
        """Return the folder in which everything is kept."""
        return Path(self.folder) / self.storage.path

    @property
    def journal_file(self) -> Path:
        """Return the journal's file."""
        return self.storage_folder / "siaga.db"

    def presets(self, camera: str) -> tuple[str, ...] | None:
        """Return the presets of a camera, None where nobody knows: as configured, else as it was seen to have them."""
        known = self.cameras[camera].presets if camera in self.cameras else None
        return self.seen_presets.get(camera) if known is None else known

    def names(self, section: str) -> tuple[str, ...]:
        """Return every name of a section (``cameras``, ``contacts``, ``notifiers``), those that are off too."""
        working: dict[str, Any] = getattr(self, section)
        left_out = (name.partition(".")[2] for name in sorted(self.off) if name.startswith(f"{section}."))
        return (*working, *left_out)
