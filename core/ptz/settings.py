"""What an operator says about a camera that turns: its home, its patrol, how long it needs, how long it is held."""

from __future__ import annotations

from ..types import Struct


class PatrolStop(Struct):
    """Name a preset of a patrol, and how long the camera looks from there."""

    preset: str
    dwell_s: float


class PatrolSettings(Struct):
    """Plan a walk from preset to preset, over and over.

    ``pause_s``: so long after somebody else let go of the camera it goes on. ``waits_for_incident``: it stands
    still while an incident of this camera is open.
    """

    stops: tuple[PatrolStop, ...]
    pause_s: float = 120.0
    waits_for_incident: bool = False


class PtzSettings(Struct):
    """Say how a camera that turns is treated.

    ``home`` is a preset, "" for none; the camera goes there ``return_after_s`` after the last move by a rule or a
    person, when nobody holds it. ``settle_s`` is what it needs until it stands; ``lease_s`` how long a person holds
    it after the last command.
    """

    home: str = ""
    return_after_s: float = 60.0
    patrol: PatrolSettings | None = None
    settle_s: float = 3.0
    lease_s: float = 30.0
