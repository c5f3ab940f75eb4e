"""Functions of templates that look at states: ``keadaan`` gives the value, ``state_of`` everything about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Any

from ..core.rule_contracts import State, States, Subject
from ..core.types import Event
from .state_values import state_view


class NoStates:
    """Know nothing: while a rule is read there is no moment yet."""

    def get(self, subject: Subject) -> State | None:
        """Return None."""
        return None

    def find(self, kind: str, of: str | None = None) -> tuple[State, ...]:
        """Return nothing."""
        return ()

    def hear(self, seq: int, event: Event) -> None:
        """Know nothing still."""


NO_STATES = NoStates()


def state_functions(states: States, zone: tzinfo) -> dict[str, Callable[..., Any]]:
    """Return the functions for one site. They only read, and what nobody told yet is none."""

    def state_of(kind: str, camera: Any = None, zone_id: str | None = None) -> dict[str, Any]:  # noqa: ANN401
        state = _newest(states, kind, _id_of(camera), zone_id)
        if state is None:
            return {
                "kind": kind,
                "of": _id_of(camera),
                "zone": None,
                "value": None,
                "data": {},
                "at": None,
                "since": None,
            }
        times = {"at": state.at.astimezone(zone), "since": state.since.astimezone(zone)}
        return {**state_view(state), **times}

    def value_of(kind: str, camera: Any = None, zone_id: str | None = None) -> Any:  # noqa: ANN401
        state = _newest(states, kind, _id_of(camera), zone_id)
        return None if state is None else state.value

    return {"state_of": state_of, "keadaan": value_of}


def _newest(states: States, kind: str, of: str | None, zone: str | None) -> State | None:
    """Return the state of a zone; without one, that of the whole picture, else the newest of any zone."""
    found = states.find(kind, of)
    if zone is not None:
        return next((state for state in reversed(found) if state.subject.zone == zone), None)
    whole = next((state for state in reversed(found) if state.subject.zone is None), None)
    return whole or (found[-1] if found else None)


def _id_of(camera: Any) -> str | None:  # noqa: ANN401
    # trigger.event.camera is the camera with its name and place.
    named = camera.get("id") if isinstance(camera, dict) else camera
    return None if named is None else str(named)
