"""What the hub and a plugin's process say to each other; one definition for both ends.

Values of calls travel as msgpack inside a message: ``calls.py`` says as what they are read.
"""

from __future__ import annotations

from ..media.messages import Beat, Message, Stop
from ..settings import CameraSettings, SiteSettings

# --- hub -> plugin ----------------------------------------------------------------------------


class Begin(Message):
    """Say what the hub lends to every camera; the first message."""

    site: SiteSettings
    folder: str
    storage: str


class MakeCamera(Message):
    """Build a camera; ``settings`` hold what was written, and no checked options."""

    settings: CameraSettings


class Call(Message):
    """Call ``what`` of a camera (``calls.CALLS``)."""

    number: int
    camera: str
    what: str
    arguments: bytes


class Cancel(Message):
    """Say that nobody waits for a call any more."""

    number: int


class Lent(Message):
    """Answer Asked: a value, or why there is none."""

    number: int
    value: bytes = b""
    error: str = ""


# --- plugin -> hub ----------------------------------------------------------------------------


class HostBeat(Beat):
    """Say each second that the plugin's loop turns."""


class Answered(Message):
    """Answer Call: a value, or the error's class and words."""

    number: int
    value: bytes = b""
    error: str = ""
    words: str = ""


class Offers(Message):
    """Say which of ``calls.CALLS`` a camera offers now."""

    camera: str
    calls: tuple[str, ...]


class Asked(Message):
    """Ask the hub for a service (``calls.SERVICES``)."""

    number: int
    camera: str
    what: str
    arguments: bytes


ToHost = Begin | MakeCamera | Call | Cancel | Lent | Stop
FromHost = HostBeat | Answered | Offers | Asked
