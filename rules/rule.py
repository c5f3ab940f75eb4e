"""What a checked rule is made of, and how a rule and its near misses are told to pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from ..core.contracts import EventKind, Kind
from ..core.errors import Problem
from ..core.rule_contracts import Action, Condition, Hub, Trigger
from ..core.settings import Settings
from ..core.types import ActionCall, Event, Json, Struct
from .trial.written import RuleTest

Mode = Literal["single", "restart", "queued", "parallel"]


class Words(Protocol):
    """Hold the words that plugins offer; the plugin manager does."""

    @property
    def triggers(self) -> Mapping[str, Kind[Trigger]]:
        """Return triggers by name."""
        ...

    @property
    def conditions(self) -> Mapping[str, Kind[Condition]]:
        """Return conditions by name."""
        ...

    @property
    def actions(self) -> Mapping[str, Kind[Action]]:
        """Return actions by name."""
        ...

    @property
    def template_functions(self) -> Mapping[str, Callable[..., Any]]:
        """Return template filters by name."""
        ...

    @property
    def event_kinds(self) -> Mapping[str, EventKind]:
        """Return the kinds of event that somebody tells."""
        ...


class BoundTrigger(Struct):
    """Place a trigger in its rule. ``id`` is the operator's, else its number from 0.

    ``mark`` changes when what the trigger says changes, and not when it stands in another place.
    """

    id: str
    path: str
    word: str
    trigger: Trigger
    mark: str = ""


# What sources tell: each event names whose trigger it is for, so no other has to look at it.
SOURCED_KINDS = ("rule.timer", "rule.state")


@runtime_checkable
class Sourced(Protocol):
    """What a trigger adds whose events somebody must make first: the clock, a state.

    The source commits an event of one of its ``kinds`` whose ``data`` holds ``owner`` and ``path``; ``miss`` fits
    no other. ``owner`` is a rule's id, or a run and its step that waits.
    """

    def bind(self, owner: str, path: str) -> None:
        """Learn whose trigger this is, once, while it is read."""
        ...


@runtime_checkable
class Holding(Protocol):
    """What a trigger adds that fires only when it fitted for a time.

    ``for_s`` seconds, 0 at once. ``breaks`` says that an event is of the same subject and ends the time. A subject
    (camera, zone and kind) has one time at a time: fitting again meanwhile changes nothing.
    """

    for_s: float

    def breaks(self, began: Event, event: Event) -> bool:
        """Say whether ``event`` ends what ``began``."""
        ...


@runtime_checkable
class Paired(Protocol):
    """What a holding trigger adds whose time is ended by events of other kinds, or that tells subjects apart itself.

    ``is_lasting``: who fits again after the time was over, with nothing between that breaks it, is still the same,
    and fires no second time.
    """

    breaking_kinds: tuple[str, ...]
    is_lasting: bool

    def subject(self, event: Event) -> str:
        """Return what the event is about, as a word of the trigger's own."""
        ...


class BoundCondition(Struct):
    """Place a condition in its rule."""

    path: str
    word: str
    condition: Condition
    alias: str = ""


class Step(Struct):
    """Stand above the steps of a rule. ``goes_on``: a failure is recorded and the run goes on."""

    path: str
    alias: str = ""
    is_enabled: bool = True
    goes_on: bool = True


class ActionStep(Step, kw_only=True):
    """Ask a plugin's action; texts of ``target`` and ``values`` may be templates."""

    name: str
    action: Action
    kind: Kind[Action]
    target: dict[str, Json] = {}
    values: dict[str, Json] = {}
    response_variable: str = ""


class DelayStep(Step, kw_only=True):
    """Wait; ``length`` is seconds, or a template, or a dict of units that may hold templates."""

    length: Json


class Option(Struct):
    """Hold one way of a choose."""

    conditions: tuple[BoundCondition, ...]
    steps: tuple[Step, ...]
    alias: str = ""


class ChooseStep(Step, kw_only=True):
    """Take the first option whose conditions hold, else the default."""

    options: tuple[Option, ...]
    default: tuple[Step, ...] = ()


class IfStep(Step, kw_only=True):
    """Take ``then`` or ``otherwise``."""

    conditions: tuple[BoundCondition, ...]
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...] = ()


class VariablesStep(Step, kw_only=True):
    """Set variables for the steps behind it."""

    values: dict[str, Json]


class StopStep(Step, kw_only=True):
    """End the run (or the script), as finished or as failed; ``response_variable`` holds what a script answers."""

    reason: str
    is_error: bool = False
    response_variable: str = ""


class ConditionStep(Step, kw_only=True):
    """End its sequence when the condition does not hold."""

    condition: BoundCondition


class Rule(Struct):
    """Hold one rule that was found right.

    ``fingerprint`` changes when what a run does changes, ``edition`` when anything in it does but its place.
    """

    id: str
    alias: str
    file: str
    line: int
    triggers: tuple[BoundTrigger, ...]
    conditions: tuple[BoundCondition, ...]
    steps: tuple[Step, ...]
    fingerprint: str
    description: str = ""
    is_enabled: bool = True
    variables: dict[str, Json] = {}
    mode: Mode = "single"
    max_runs: int = 10
    is_drop_logged: bool = True
    cooldown_s: float = 0.0
    cooldown_key: str = ""
    edition: str = ""
    tests: tuple[RuleTest, ...] = ()
    test_problems: tuple[Problem, ...] = ()
    templates: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


class RuleProblem(Struct):
    """Say what is wrong with a rule, and which rule it switches off."""

    rule_id: str
    alias: str
    file: str
    line: int
    problem: Problem

    def __str__(self) -> str:
        return str(self.problem)


class LoadedRules(Struct):
    """Hold what was read: the rules that are right, what is wrong with the others, the filters they may use."""

    rules: tuple[Rule, ...] = ()
    problems: tuple[RuleProblem, ...] = ()
    template_functions: Mapping[str, Callable[..., Any]] = {}


class RuleState(Struct):
    """Tell a page how one rule is."""

    id: str
    alias: str
    file: str
    line: int
    is_on: bool
    mode: str = "single"
    description: str = ""
    problems: tuple[Problem, ...] = ()
    last_triggered: datetime | None = None
    runs: int = 0
    running: int = 0


class NearMiss(Struct):
    """Say why an event of the right kind and camera did not fire a trigger."""

    at: datetime
    event_id: str
    kind: str
    camera: str | None
    trigger: str
    reason: str


class Fault(Struct):
    """Say what an action finds wrong with its target or data while the rule is read."""

    path: str
    key: str
    values: dict[str, Json] = {}
    near: str = ""
    known: tuple[str, ...] = ()


@runtime_checkable
class Careful(Protocol):
    """What an action adds when it can find mistakes before it runs."""

    def faults(self, name: str, target: dict[str, Any], values: dict[str, Any], settings: Settings) -> Iterable[Fault]:
        """Return what is wrong with a step, as the operator wrote it (templates not rendered)."""
        ...


@runtime_checkable
class CarefulTrigger(Protocol):
    """What a trigger adds when it can find mistakes that its schema does not know of."""

    def faults(self, settings: Settings) -> Iterable[Fault]:
        """Return what is wrong; ``path`` is a key of the trigger."""
        ...


@runtime_checkable
class Insistent(Protocol):
    """What an action adds that must be done even where its data or its target is wrong, or the disk is full."""

    def rescue(self, key: str, why: str, alias: str, event: Event | None, hub: Hub) -> Json | None:
        """Return what to take for ``key`` of the data, or None to go without it."""
        ...

    async def unreached(self, path: str, why: str, call: ActionCall, hub: Hub) -> None:
        """Tell that somebody at ``path`` (``target.contact``) cannot be known, before the others are reached."""
        ...
