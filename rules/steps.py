"""What the steps that hold, repeat or wait for other steps are made of, and the scripts that rules share."""

from __future__ import annotations

from typing import Literal

from ..core.types import Json, Struct
from .rule import BoundCondition, BoundTrigger, Step

# Home Assistant's limit for loops that might not end; here for all the loops and calls of a run together.
TURN_LIMIT = 10_000


class SequenceStep(Step, kw_only=True):
    """Take steps in order, as one."""

    steps: tuple[Step, ...]


class ParallelStep(Step, kw_only=True):
    """Take branches side by side; each is a sequence of its own."""

    branches: tuple[tuple[Step, ...], ...]


class RepeatStep(Step, kw_only=True):
    """Take steps again and again: ``count`` times, for each of ``items``, or by ``conditions``.

    ``count`` and ``items`` may be templates; ``way`` says which of them counts.
    """

    way: Literal["count", "for_each", "while", "until"]
    steps: tuple[Step, ...]
    count: Json = None
    items: Json = None
    conditions: tuple[BoundCondition, ...] = ()


class WaitStep(Step, kw_only=True):
    """Stand above the two waits. ``timeout`` is read as a delay's length; None is the longest that a wait may take."""

    timeout: Json = None
    goes_on_late: bool = True


class WaitTriggerStep(WaitStep, kw_only=True):
    """Wait until one of the triggers fires."""

    triggers: tuple[BoundTrigger, ...]


class WaitTemplateStep(WaitStep, kw_only=True):
    """Wait until a template is true."""

    template: str


class Field(Struct):
    """Describe one thing that a script is told by its caller."""

    name: str
    is_required: bool = False
    has_default: bool = False
    default: Json = None


class Script(Struct):
    """Hold steps that rules share, read once. Its steps' paths begin with ``path``."""

    id: str
    path: str
    steps: tuple[Step, ...]
    fingerprint: str
    alias: str = ""
    description: str = ""
    fields: tuple[Field, ...] = ()
    variables: dict[str, Json] = {}
    templates: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


class ScriptStep(Step, kw_only=True):
    """Call a script; ``values`` are its fields and may be templates."""

    script: Script
    values: dict[str, Json] = {}
    response_variable: str = ""
