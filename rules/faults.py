"""Where a plugin's word is called: what it raises costs its own step or rule, never the engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import voluptuous as vol

from ..core.errors import ActionFailed, SiagaError
from ..core.rule_contracts import Action, Condition, Hub, Moment, Trigger, Verdict
from ..core.tasks import Crash, fenced, fenced_call
from ..core.types import ActionCall, ActionResult, Event

# What our own code may meet on the way to and from a plugin's word.
FAULTS = (
    *(SiagaError, vol.Invalid, TypeError, ValueError, LookupError, AttributeError, ArithmeticError),
    *(RuntimeError, AssertionError, OSError, ImportError),
)


def miss_of(trigger: Trigger, event: Event) -> str | None:
    """Return why an event does not fire a trigger; a trigger that raises is not fired."""
    answer = fenced_call(lambda: trigger.miss(event))
    return str(answer) if isinstance(answer, Crash) else answer


def verdict_of(condition: Condition, moment: Moment) -> Verdict:
    """Return what a condition decides. SiagaError, whatever it raised."""
    verdict: Verdict = _opened(fenced_call(lambda: condition.decide(moment)))
    return verdict


async def result_of(action: Action, call: ActionCall, hub: Hub) -> ActionResult:
    """Return how an action went. SiagaError, whatever it raised."""
    result: ActionResult = _opened(await fenced(lambda: action.run(call, hub)))
    return result


def safe_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a template function that raises nothing but what templates are guarded against."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        answer = fenced_call(lambda: function(*args, **kwargs))
        if isinstance(answer, Crash) and not isinstance(answer.error, FAULTS):
            raise RuntimeError(str(answer)) from answer.error
        if isinstance(answer, Crash):
            raise answer.error
        return answer

    return call


def _opened(answer: Any | Crash) -> Any:  # noqa: ANN401
    if not isinstance(answer, Crash):
        return answer
    if isinstance(answer.error, SiagaError):
        raise answer.error
    raise ActionFailed(str(answer)) from answer.error
