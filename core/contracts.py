"""What each kind of plugin must do, as protocols, and the ``Kind`` by which it is offered.

Hooks run once at boot and hand over ``Kind`` objects; afterwards the hub talks to plain objects
that fulfil these protocols. A factory (``make``) may import heavy libraries; its module must not:
``av``, ``cv2`` and ``onnxruntime`` are refused in the hub's process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

import voluptuous as vol

from .clock import Clock
from .ground import Ground
from .settings import CameraSettings, LinkSettings, NotifierSettings, SiteSettings
from .texts import Texts
from .types import (
    Clip,
    Detection,
    Frame,
    Json,
    Notice,
    Observation,
    Polygon,
    Receipt,
    Sighting,
    StreamRole,
    Struct,
)

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T", covariant=True)


class Kind(Generic[T]):
    """Offer one word of the configuration: its name, its schema and the factory behind it.

    ``schema`` checks and documents the options (key, type, default, description stand there and
    nowhere else). ``make`` builds the object; its parameters are those of the protocol's factory
    type below. ``summary`` is one line for people; ``summary_en`` the same in English.
    """

    def __init__(
        self,
        name: str,
        schema: vol.Schema,
        make: Callable[..., T],
        summary: str,
        summary_en: str = "",
    ) -> None:
        self.name = name
        self.schema = schema
        self.make = make
        self.summary = summary
        self.summary_en = summary_en or summary

    def __repr__(self) -> str:
        return f"Kind({self.name!r})"


class EventKind(Struct):
    """Document one kind of event. ``fields`` maps each key of ``data`` to its unit and meaning."""

    name: str
    summary: str
    fields: dict[str, str] = {}


class Services(Protocol):
    """What the hub lends to a camera or notifier plugin."""

    site: SiteSettings
    clock: Clock
    texts: Texts
    folder: Path  # where the configuration stands; relative paths of options start there

    def http(self) -> aiohttp.ClientSession:
        """Return the shared HTTP session (total time-out 30 s unless the call says otherwise)."""
        ...

    def media_path(self, relative: str) -> Path:
        """Return where a picture or clip of the journal stands on this disk."""
        ...

    async def clip(self, clip_id: str) -> Clip | None:
        """Return a finished recording by a notice's ``clip``; its file may be gone. None: there is none (yet)."""
        ...

    async def remember(self, key: str, value: Json) -> None:
        """Keep a small JSON value for this plugin object, across restarts."""
        ...

    async def recall(self, key: str) -> Json:
        """Return what was remembered, or None."""
        ...

    async def emit(
        self, kind: str, *, zone: str | None = None, score: float | None = None, data: Mapping[str, Json] | None = None
    ) -> None:
        """Commit and publish an event of this plugin's camera (or of the hub, for a notifier)."""
        ...

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` as a task of this plugin: restarted with back-off, ended with the plugin."""
        ...


# --- cameras ----------------------------------------------------------------------------------


class StreamSource(Struct):
    """Say where one stream is read. ``options`` go to FFmpeg; ``is_loop`` replays a file for ever.

    Login stands apart from the URL, so that a URL may be logged and shown. A camera that wants it in the path gets
    ``{username}`` and ``{password}`` there, which are filled in when the stream is opened. A camera that shows a
    picture now and then says by ``slowest_s`` how far apart they may be: only two missing ones are a loss. With
    ``keyframe_every_s`` one keyframe is taken so often, and the connection is let go in between.
    """

    role: StreamRole
    url: str
    username: str = ""
    password: str = ""
    options: dict[str, str] = {}
    is_loop: bool = False
    slowest_s: float = 0.0
    keyframe_every_s: float = 0.0

    def __repr__(self) -> str:
        # Some cameras take their password in the query.
        return f"StreamSource({self.role}, {self.url.partition('?')[0]})"


@runtime_checkable
class Ptz(Protocol):
    """Turn a camera. Errors: CameraLost, AuthFailed, NotSupported. Each call ends within 10 s."""

    async def presets(self) -> tuple[str, ...]:
        """Return the names of the presets the camera holds."""
        ...

    async def goto(self, preset: str) -> None:
        """Turn to a preset; an unknown one is NotSupported and names those that exist."""
        ...

    async def move(self, pan: float, tilt: float, zoom: float, seconds: float) -> None:
        """Turn at a speed of -1..1 on each axis for some seconds, then stop."""
        ...

    async def stop(self) -> None:
        """Stand still at once."""
        ...


class Camera(Protocol):
    """One camera's control side; runs in the hub, on its event loop, and never blocks it.

    Factory: ``make(settings: CameraSettings, services: Services) -> Camera``; it does no I/O.
    ``ptz`` is None where the camera cannot turn.
    """

    ptz: Ptz | None

    async def start(self) -> None:
        """Get ready (log in, start a helper process); CameraError where it cannot, retried."""
        ...

    async def streams(self) -> Sequence[StreamSource]:
        """Return one or two sources: ``main`` is recorded, ``sub`` analysed; one serves both."""
        ...

    async def stop(self) -> None:
        """Let go of everything within 5 s; called also when ``start`` failed."""
        ...


CameraFactory = Callable[[CameraSettings, Services], Camera]


# --- detectors --------------------------------------------------------------------------------


class Wants(Struct):
    """Say what a detector needs.

    ``pixels``: ``luma``, ``colour``, or ``none`` for a judgement on sightings alone.
    ``interval_s``: the shortest time between looks. ``keyframes_only``: never wakes the decoder.
    ``when``: ``motion`` looks only while the scene is awake, ``always`` by the interval.
    ``sightings``: called after the tracker, with this camera's sightings in the context.
    ``min_score``: a fainter detection continues a track and never begins one. ``zones``: detections
    tell ``object.*`` and ``zone.*`` only there; empty means everywhere.
    """

    pixels: Literal["none", "luma", "colour"] = "colour"
    interval_s: float = 0.2
    keyframes_only: bool = False
    when: Literal["motion", "always"] = "motion"
    sightings: bool = False
    min_score: float = 0.5
    zones: tuple[str, ...] = ()


class Scene(Struct):
    """What a detector is told once: the camera and its zones (polygons of fractions).

    For a camera that turns: the zones of where it stands, and by name those of its other presets. A detector that is
    not bound to a preset is made anew when the camera stands elsewhere. ``ground`` maps the picture to metres where the
    operator measured it. Relative paths of options start at ``folder``, where the configuration stands.
    """

    camera: str
    zones: dict[str, Polygon] = {}
    ground: Ground | None = None
    folder: str = "."

    def known_zone(self, name: str | None) -> str | None:
        """Return a zone's name, None for the whole picture. ValueError in words where the camera has no such zone."""
        if name is not None and name not in self.zones:
            known = ", ".join(sorted(self.zones)) or "-"
            raise ValueError(Texts()("scene.error.zone", zone=name, known=known))
        return name


class LookContext(Struct):
    """What a detector is told at each look. ``motion`` is the changed share of the picture, 0..1.

    ``at`` is for people and may jump when the clock is set; durations are measured by ``mono_s``. ``aspect`` is the
    picture's width by its height: shares of the one are not shares of the other.
    """

    at: datetime
    sightings: tuple[Sighting, ...] = ()
    motion: float = 0.0
    mono_s: float = 0.0
    aspect: float = 16 / 9


class Detector(Protocol):
    """One camera's detector; lives in an eye, is called in one thread, owns its state.

    Factory: ``make(options: dict, scene: Scene) -> Detector``; models are loaded there, once a
    process. A look that raises, or whose answer is wrong, is counted and, after some in a row,
    switches the detector off for a while. What should survive a restart is taken by ``Resumes``.
    """

    wants: Wants

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Detection | Observation]:
        """Look once. ``frame`` is None when ``wants.pixels`` is ``none``.

        Detections are tracked, and tell ``object.*`` and ``zone.*``; observations are told as
        they are.
        """
        ...


@runtime_checkable
class Resumes(Protocol):
    """What a detector adds when it goes on where the one before it stopped, in a process that ended."""

    def resume(self, told: Mapping[str, Mapping[str, Json]]) -> None:
        """Take the ``data`` of the newest event of each kind that this detector told; once, before its first look."""
        ...


DetectorFactory = Callable[[dict[str, Any], Scene], Detector]


# --- stores -----------------------------------------------------------------------------------


class Store(Protocol):
    """Keep pictures. Factory: ``make(root: Path) -> Store``. Errors: StoreFailed."""

    async def put(self, relative: str, content: bytes) -> None:
        """Keep ``content`` under ``relative``; whole or not at all."""
        ...

    async def get(self, relative: str) -> bytes:
        """Return what was kept."""
        ...

    async def free_bytes(self) -> int:
        """Return how much more can be kept."""
        ...


# --- notifiers --------------------------------------------------------------------------------


class Notifier(Protocol):
    """Send notices one way. Factory: ``make(settings: NotifierSettings, services: Services)``."""

    async def send(self, notice: Notice) -> Receipt:
        """Send once, within 60 s; SendFailed says whether to retry, give up, or ask somebody."""
        ...

    async def close(self) -> None:
        """Let go of everything within 5 s."""
        ...


@runtime_checkable
class Carries(Protocol):
    """What a notifier adds that can send more than words and a picture.

    ``carries`` holds ``clip`` where it sends recordings: it is then given a second notice with ``clip`` set when the
    recording is done, and ``thread``, the ``provider_id`` of its first message, so that both stand together. Without
    it, ``clip`` is in the first notice, as the id of a recording that may still grow. ``answers`` says that it shows a
    button where ``asks_answer`` is set; what the button holds comes back as ``Reply.payload``, ``ack:`` and the
    notice's ``incident_id``.
    """

    carries: frozenset[str]


def carries_of(notifier: Notifier | None) -> frozenset[str]:
    """Return what a notifier carries beside words and a picture; nothing unless it says so."""
    return notifier.carries if isinstance(notifier, Carries) else frozenset()


NotifierFactory = Callable[[NotifierSettings, Services], Notifier]


class Link(Protocol):
    """Carry news between this hub and others. Factory: ``make(settings: LinkSettings, services: Services)``.

    The factory does no I/O; a library that is missing is a PluginError that says how to get it.
    """

    async def run(self, is_up: Callable[[], None]) -> None:
        """Connect, call ``is_up`` once when the link stands, and carry until cancelled.

        LinkLost (or whatever the link raises) is shown with its reason and tried again with back-off.
        """
        ...


LinkFactory = Callable[[LinkSettings, Services], Link]
