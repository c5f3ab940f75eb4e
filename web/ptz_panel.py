"""What a page says of a camera that turns: where it stands, who holds it until when, and how its patrol is."""

from __future__ import annotations

from aiohttp import web

from ..core.ptz.lease import Lease
from ..core.ptz.ports import PtzState
from ..core.types import Struct
from .accounts import Account
from .discretion import is_discreet, masked_person
from .parts import parts_of, visitor_of
from .wording import Wording


class PtzPanel(Struct):
    """Hold what changes on a page while somebody looks at it, in words.

    ``at`` is the preset where the camera stands, "" elsewhere. ``tone``: how what was said is shown.
    ``asks_take_over``: the command was refused, and is done when it is sent again with ``take_over``.
    """

    stands: str
    at: str = ""
    held: str = ""
    is_mine: bool = False
    patrol: str = ""
    patrol_is: str = ""
    failing: str = ""
    said: str = ""
    tone: str = ""
    asks_take_over: bool = False


def panel_now(request: web.Request, camera: str) -> PtzPanel | None:
    """Return how a camera is shared, in the visitor's words; None where it does not turn."""
    parts, visitor = parts_of(request), visitor_of(request)
    state = parts.hub.ptz.state(camera)
    return panel_of(state, parts.wording(visitor), visitor.account) if state is not None else None


def panel_of(state: PtzState, wording: Wording, account: Account | None) -> PtzPanel:
    """Return how a camera is, for one reader."""
    return PtzPanel(
        stands=_stands(state, wording),
        at=state.standing.preset,
        held=held_words(state.lease, wording, account) if state.lease is not None else "",
        is_mine=state.lease is not None and _is_mine(state.lease, account),
        patrol=_patrol(state, wording),
        patrol_is=state.patrol,
        failing=wording.texts("web.ptz.failing", presets=", ".join(sorted(state.failing))) if state.failing else "",
    )


def held_words(lease: Lease, wording: Wording, account: Account | None) -> str:
    """Say who holds a camera and until when."""
    until = wording.time(lease.until)
    if _is_mine(lease, account):
        return wording.texts("web.ptz.held.mine", until=until)
    who = masked_person(lease.mover.name) if is_discreet(account) else lease.mover.name
    return wording.texts(f"web.ptz.held.{lease.mover.kind}", who=who, until=until)


def _is_mine(lease: Lease, account: Account | None) -> bool:
    return account is not None and lease.mover.kind == "person" and lease.mover.name == account.name


def _stands(state: PtzState, wording: Wording) -> str:
    standing = state.standing
    if standing.where == "standing":
        return wording.texts("web.ptz.stands.at", preset=standing.preset)
    if standing.where == "unknown" and state.sent:
        return wording.texts("web.ptz.stands.sent", preset=state.sent)
    return wording.texts(f"web.ptz.stands.{standing.where}")


def _patrol(state: PtzState, wording: Wording) -> str:
    return wording.texts(f"web.ptz.patrol.{state.patrol}", preset=state.next_preset) if state.patrol else ""
