"""What stands between a trigger and the source that makes its events: whose it is, and how the source asks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

from ..core.rule_contracts import State
from ..core.texts import Texts
from ..core.types import Event, Json
from .due_times import Place

# Render a template of a trigger with some names; TemplateFailed.
Render = Callable[[str, dict[str, Json]], Json]
FITS, ENDS = "fits", "ends"


class SourcedTrigger:
    """Fire on the events that a source commits for this trigger alone."""

    kinds: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._owner = self._path = ""

    def bind(self, owner: str, path: str) -> None:
        """Learn whose trigger this is."""
        self._owner, self._path = owner, path

    def miss(self, event: Event) -> str | None:
        """Return None when the event was made for this trigger, else why not."""
        if event.kind not in self.kinds or not self._owns(event):
            return self._texts("rules.miss.not_own")
        return None

    def _owns(self, event: Event) -> bool:
        return event.data.get("owner") == self._owner and event.data.get("path") == self._path


@runtime_checkable
class Timed(Protocol):
    """Be due at times. ``what`` changes when the times do."""

    what: str

    def due_after(self, after: datetime, place: Place) -> datetime | None:
        """Return the next time behind ``after``, UTC; None when there is none any more."""
        ...


class Watched(NamedTuple):
    """Name the subjects that a trigger looks at; no ``of`` or no ``zones`` mean any."""

    kinds: tuple[str, ...]
    of: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()

    def takes(self, state: State) -> bool:
        """Say whether a state is of one of them."""
        subject = state.subject
        return (
            subject.kind in self.kinds
            and (not self.of or subject.of in self.of)
            and (not self.zones or subject.zone in self.zones)
        )


class Seen(NamedTuple):
    """Remember what a trigger compared last; ``side`` is on which side of what it waits for that lies."""

    value: Json
    side: Json


class Move(NamedTuple):
    """Say what a new value means: which events to commit, and what to remember."""

    phases: tuple[str, ...]
    seen: Seen


@runtime_checkable
class Watching(Protocol):
    """Look at states. ``what`` changes when that which it waits for does."""

    what: str
    watched: Watched

    def compared(self, state: State, render: Render) -> Json:
        """Return the value to compare, None when it cannot be told. TemplateFailed."""
        ...

    def seen(self, value: Json) -> Seen:
        """Return what to remember of a value that is there when the watch begins; nothing fires."""
        ...

    def move(self, before: Seen | None, value: Json) -> Move:
        """Decide what a value means behind what was seen before; None when nothing ever was."""
        ...

    def told(self, before: Seen | None, value: Json) -> dict[str, Json]:
        """Return what the event's data say besides the state's own: from, to, limits."""
        ...

    def why_not(self, before: Seen | None, value: Json) -> str:
        """Say why a value did not fire the trigger."""
        ...
