"""What a run asks of the world around it: that an action be done, and to be told when a trigger fires."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from ..core.bus import Bus
from ..core.rule_contracts import Hub
from ..core.tasks import Tasks
from ..core.types import ActionCall, ActionResult, Event
from .faults import result_of
from .rule import ActionStep, BoundTrigger, NearMiss

# A dry run gives another one, which writes down what would have been done.
Act = Callable[[ActionStep, ActionCall, Hub], Awaitable[ActionResult]]


class RunHub(Hub, Protocol):
    """What a run needs of the hub besides what its actions may ask."""

    bus: Bus
    tasks: Tasks


class Waited(Protocol):
    """Tell how a wait ended; ``event`` is None when its time was over first."""

    @property
    def event(self) -> Event | None:
        """Return what fired a trigger."""
        ...

    @property
    def trigger_id(self) -> str:
        """Return the id of the trigger that fired."""
        ...


class Waiting(Protocol):
    """Be one wait: it meets every event from the moment that it was begun."""

    async def end(self, left_s: float) -> Waited:
        """Return when one of the triggers fired, or ``left_s`` seconds are over."""
        ...

    def close(self) -> None:
        """Wait no more, whatever happened."""
        ...


class Waits(Protocol):
    """Wait for triggers inside a run; what ended a wait is kept, so that it ends the same way after a restart."""

    def begin_wait(self, run_id: str, path: str, triggers: tuple[BoundTrigger, ...], *, is_again: bool) -> Waiting:
        """Wait from now on; ``is_again`` goes on with a wait that a restart interrupted."""
        ...


class Sources(Protocol):
    """Make the events that some triggers need and nobody else tells: a time that comes, a state that changes.

    ``owner`` is a rule's id, or a run and its step that waits. Every event is committed, under an id that follows
    from owner, trigger and moment, so that what is told again after a restart is the same event.
    """

    async def start(self) -> None:
        """Begin to tell; what came due while the hub was away is made up for once."""
        ...

    async def stop(self) -> None:
        """Tell no more."""
        ...

    def put(self, owner: str, triggers: tuple[BoundTrigger, ...]) -> None:
        """Watch for an owner's triggers, instead of those it had; one that is unchanged keeps its time."""
        ...

    def drop(self, owner: str) -> None:
        """Watch no more for an owner."""
        ...

    def near_misses(self, owner: str) -> tuple[NearMiss, ...]:
        """Return what an owner's triggers looked at and did not take, newest first."""
        ...


async def do_action(step: ActionStep, call: ActionCall, hub: Hub) -> ActionResult:
    """Do an action. SiagaError, whatever it raised."""
    return await result_of(step.action, call, hub)
