"""Who may turn a camera now: a person outranks a rule outranks a patrol, and whoever moved it holds it for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ..errors import ActionFailed
from ..types import Priority, Struct

MoverKind = Literal["person", "rule", "patrol"]
_RANKS: dict[MoverKind, int] = {"patrol": 0, "rule": 1, "person": 2}
_PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high")


class Mover(Struct):
    """Name who turns a camera: an account, a rule's id, or a patrol.

    ``run`` is a rule's run and ``address`` where a person sits, for the audit. ``priority`` counts among rules.
    """

    kind: MoverKind
    name: str
    run: str = ""
    priority: Priority = "normal"
    address: str = ""

    @property
    def rank(self) -> tuple[int, int]:
        """Return what is compared: the kind, then a rule's priority."""
        return _RANKS[self.kind], _PRIORITIES.index(self.priority) if self.kind == "rule" else 0

    def is_same(self, other: Mover) -> bool:
        """Say whether both are one: an account at two desks, a rule in two runs."""
        return (self.kind, self.name) == (other.kind, other.name)


class Lease(Struct):
    """Say who holds a camera; ``until`` is for people, ``until_s`` the monotonic time that counts."""

    mover: Mover
    until: datetime
    until_s: float


class CameraHeld(ActionFailed):
    """Say that somebody else holds the camera; a person may take it over from another after confirming that."""

    def __init__(self, message: str, lease: Lease, *, may_take_over: bool) -> None:
        self.lease = lease
        self.may_take_over = may_take_over
        super().__init__(message)


Answer = Literal["free", "own", "takes_over", "must_confirm", "held"]


def answer(lease: Lease | None, mover: Mover, *, is_confirmed: bool = False) -> Answer:
    """Decide whether somebody may turn a camera that is held by ``lease``, None for nobody."""
    if lease is None:
        return "free"
    if lease.mover.is_same(mover):
        return "own"
    if mover.rank > lease.mover.rank:
        return "takes_over"
    if mover.kind == lease.mover.kind == "person":
        return "takes_over" if is_confirmed else "must_confirm"
    return "held"
