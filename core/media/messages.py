"""What hub, recorder and eyes say to each other; one definition for both ends.

Wire format: 4 bytes big-endian length, then msgpack of a tagged struct (``link.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ..contracts import StreamSource
from ..settings import CameraSettings
from ..types import Clip, Json, StreamRole, Struct

StreamCondition = Literal["connecting", "live", "lost", "stalled", "auth_failed", "unreadable", "closed"]


class Message(Struct, tag=True):
    """Stand above all control messages; the class name is the tag."""


class PacketMessage(Struct, tag=True, array_like=True):
    """Stand above what flows at stream rate, packed without field names."""


# --- hub -> recorder --------------------------------------------------------------------------


class OpenCamera(Message):
    """Read a camera's streams until told otherwise; again with other sources replaces them."""

    camera: str
    sources: tuple[StreamSource, ...]
    ring_s: float
    ring_bytes: int


class CloseCamera(Message):
    """Stop reading a camera; open clips are ended and told."""

    camera: str


class StartBurst(Message):
    """Record around a moment; overlapping bursts of one camera become one clip."""

    request: int
    key: str
    camera: str
    at: datetime
    before_s: float
    after_s: float


class FetchClip(Message):
    """Make a clip of what a camera kept itself: read ``source`` for so many seconds of footage, from ``begin`` on.

    ``clip`` is the id that it gets; told as any clip is, or as ClipFailed. ``headers`` go to SETUP and PLAY.
    """

    clip: str
    key: str
    camera: str
    source: StreamSource
    begin: datetime
    seconds: float
    headers: dict[str, str] = {}


class AcceptClip(Message):
    """Tell the recorder that a clip is in the index, so that it need not be told again."""

    clip: str


class Stop(Message):
    """End in order: close clips, let go of cameras, leave."""


# --- recorder -> hub --------------------------------------------------------------------------


class StreamReport(Struct):
    """Say how one stream is doing. ``ring_dropped`` packets fitted into no ring: a GOP without end, or before one.

    ``losses`` counts sessions that stood and were lost, ``lag_s`` is how much later than made the pictures come,
    ``is_link_full`` that the network is why. ``last_at`` is when the newest picture came, by the wall clock.
    """

    camera: str
    role: StreamRole
    condition: StreamCondition
    reason: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    bits_per_s: float = 0.0
    ring_s: float = 0.0
    ring_bytes: int = 0
    ring_dropped: int = 0
    reconnects: int = 0
    packets: int = 0
    losses: int = 0
    lag_s: float = 0.0
    is_link_full: bool = False
    last_at: datetime | None = None


class StreamChanged(Message):
    """Tell a change of condition at once."""

    report: StreamReport
    at: datetime


class Beat(Message):
    """Say that a process lives, and what it takes."""

    pid: int
    rss_bytes: int
    cpu_s: float


class RecorderBeat(Beat):
    """Say every two seconds how the recorder's streams are.

    What was dropped counts packets: an eye was slow, a clip waited too long for its disk.
    """

    streams: tuple[StreamReport, ...] = ()
    dropped_for_eyes: int = 0
    dropped_for_clips: int = 0


class BurstAnswer(Message):
    """Answer StartBurst: the clip's id, or why not."""

    request: int
    clip: str = ""
    error: str = ""


class ClipDone(Message):
    """Tell a finished clip; told again after a restart until AcceptClip comes."""

    clip: Clip


class ClipFailed(Message):
    """Tell that a clip could not be written (disk full, stream gone)."""

    clip: str
    camera: str
    keys: tuple[str, ...]
    reason: str


# --- recorder -> eye, over the recorder's Unix socket -----------------------------------------


class Watch(Message):
    """Ask for the packets of a camera's analysed stream; the open GOP comes first."""

    camera: str


class Unwatch(Message):
    """Ask for no more."""

    camera: str


class Urge(Message):
    """Say whether somebody waits for a camera's pictures: they come at once then, else some at a time.

    Who never says so gets them at once.
    """

    camera: str
    is_urgent: bool


class View(Message):
    """Ask for a camera's analysed stream as fragmented MP4, for a page that shows it live."""

    camera: str


class Unview(Message):
    """Ask for no more of it."""

    camera: str


class LiveHeader(PacketMessage):
    """Open a live view. ``mime`` as Media Source Extensions want it, "" where no browser plays the codec.

    ``init`` is the MP4's beginning (ftyp, moov); fragments before it are of no use.
    """

    camera: str
    mime: str
    init: bytes = b""


class LivePiece(PacketMessage):
    """Carry one fragment (moof, mdat): one picture. A view may begin at a keyframe's."""

    camera: str
    is_key: bool
    data: bytes


class StreamHeader(PacketMessage):
    """Open a stream or a change of its codec or size; packets before it are of no use."""

    camera: str
    codec: Literal["h264", "hevc", "mjpeg"]
    extradata: bytes
    width: int
    height: int


class StreamPacket(PacketMessage):
    """Carry one access unit. ``pts_s`` runs on without jumps; ``at_s`` is Unix time of arrival."""

    camera: str
    pts_s: float
    is_key: bool
    at_s: float
    arrived_mono_s: float
    data: bytes


class StreamEnd(PacketMessage):
    """Say that the stream is lost; a header comes before its next packet."""

    camera: str


# --- hub -> eye -------------------------------------------------------------------------------


class LastTold(Struct):
    """Keep the newest event that a detector told of a kind; ``detector`` empty means whichever tells that kind."""

    kind: str
    data: dict[str, Json]
    detector: str = ""


class WatchCamera(Message):
    """Look after a camera until told otherwise; again replaces its settings.

    ``last`` is what its detectors told before, so that they go on from there and tell nothing twice.
    ``settings`` come without the camera kind's options: a login is none of an eye's business.
    """

    settings: CameraSettings
    last: tuple[LastTold, ...] = ()


class ForgetCamera(Message):
    """Look after a camera no more."""

    camera: str


class CameraStands(Message):
    """Say where a camera that turns stands: at a preset, "" for anywhere else, or on its way.

    ``is_turning``: nothing that is seen means anything until it stands.
    """

    camera: str
    preset: str = ""
    is_turning: bool = False


class TakePicture(Message):
    """Ask for a JPEG of the newest picture; ``width_px`` None keeps the stream's size."""

    request: int
    camera: str
    width_px: int | None = None


# --- eye -> hub -------------------------------------------------------------------------------


class EyeCameraReport(Struct):
    """Say how an eye does with one camera. ``modes``: awake decodes all, asleep keyframes only.

    ``skipped`` pictures were not looked at, ``dropped`` packets not even decoded: this machine was too slow for them.
    ``rates`` are each detector's looks a second of late, and those it asks for while the scene is awake.
    """

    camera: str
    mode: Literal["waiting", "asleep", "awake"]
    decoded: int = 0
    skipped: int = 0
    decode_errors: int = 0
    dropped: int = 0
    looks: dict[str, int] = {}
    rates: dict[str, tuple[float, float]] = {}
    detectors_off: dict[str, str] = {}
    size_gate: Literal["learning", "trusted", "off"] = "learning"


class EyeBeat(Beat):
    """Say every second how an eye's cameras are.

    ``is_making``: detectors are being made, which may hold up the next beat for as long as a start.
    """

    is_making: bool = False
    cameras: tuple[EyeCameraReport, ...] = ()


class EyeEvent(Message):
    """Tell something seen; ``jpeg`` is the frame with its boxes, empty where there is none.

    ``arrived_mono_s`` is when the frame's packet came in, for latency. ``detector`` names who told an
    observation, as ``objects`` or ``flood 2``; it is empty for what follows from motion and tracks.
    """

    camera: str
    kind: str
    at: datetime
    arrived_mono_s: float
    zone: str | None = None
    score: float | None = None
    data: dict[str, Json] = {}
    jpeg: bytes = b""
    detector: str = ""


class Reading(Message):
    """Tell a camera's newest value (a level, a count) that is shown but not journaled."""

    camera: str
    kind: str
    at: datetime
    zone: str | None = None
    data: dict[str, Json] = {}


class PictureTaken(Message):
    """Answer TakePicture: the JPEG, or why not."""

    request: int
    jpeg: bytes = b""
    at: datetime | None = None
    error: str = ""


ToRecorder = OpenCamera | CloseCamera | StartBurst | FetchClip | AcceptClip | Stop
FromRecorder = StreamChanged | RecorderBeat | BurstAnswer | ClipDone | ClipFailed
FromPackets = StreamHeader | StreamPacket | StreamEnd
FromLive = LiveHeader | LivePiece | StreamEnd
ToPackets = Watch | Unwatch | Urge | View | Unview
ToEye = WatchCamera | ForgetCamera | CameraStands | TakePicture | Stop
FromEye = EyeBeat | EyeEvent | Reading | PictureTaken
