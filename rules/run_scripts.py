"""How a script that rules share is taken: fields from the caller, its steps as the caller's own, its answer back."""

from __future__ import annotations

from typing import Any

from ..core.errors import ActionFailed, TemplateFailed
from ..core.types import Json, TraceStep
from .reading import has_template
from .rule import Step
from .steps import ScriptStep
from .walk import EndOfRun, Walk


async def take_script(walk: Walk, step: Step) -> None:
    """Take the steps of a script. What ends the script does not end the rule; a failed one is a failed step."""
    assert isinstance(step, ScriptStep)
    held = walk.waited(step)
    if held is None or walk.recorded(step) is None:
        try:
            walk.turn()
        except ActionFailed as err:
            await walk.fail(step, str(err))
            return
    script, faults = step.script, dict[str, str]()
    fields = _fields(walk, step, held, faults)
    inside = walk.afresh(script.path, f"{walk.path(step)}.script.{script.id}", fields)
    kept = held.values.get("variables", {}) if held is not None else None
    variables = _rendered(inside, script.variables, kept, faults, sets=True)
    values: dict[str, Json] = {"fields": fields, **({"variables": variables} if variables else {})}
    why = "; ".join(faults.values()) if held is None else held.error
    if held is None:
        await walk.end(step, "waiting", values, why)
    response: dict[str, Json] = {}
    failed = ""
    try:
        await inside.inner(script.steps)
    except EndOfRun as end:
        response, failed = end.response or {}, end.reason if end.state == "failed" else ""
    is_over = walk.recorded(step) is not None
    if failed:
        walk.after_failure(step, failed) if is_over else await walk.fail(step, failed, values)
        return
    if step.response_variable:
        walk.assign(step.response_variable, response)
        values["response"] = response
    if not is_over:
        await walk.end(step, "done", values, why)


def _fields(walk: Walk, step: ScriptStep, held: TraceStep | None, faults: dict[str, str]) -> dict[str, Json]:
    """Return what the script is told; where the caller's own cannot be rendered, the default."""
    kept = held.values.get("fields", {}) if held is not None else None
    defaults = {field.name: field.default for field in step.script.fields if field.has_default}
    return {**_rendered(walk, defaults, kept, faults), **_rendered(walk, step.values, kept, faults)}


def _rendered(
    walk: Walk, asked: dict[str, Json], kept: dict[str, Json] | None, faults: dict[str, str], *, sets: bool = False
) -> dict[str, Any]:
    """Return what each name holds. One that fails is missing to whatever looks at it, and no more.

    What a restart finds decided (``kept``) stays; what the rule itself says is taken from the rule, since the trace
    may have hidden it.
    """
    found: dict[str, Any] = {}
    for name, value in asked.items():
        if kept is not None and has_template(value):
            if name not in kept:
                continue
            found[name] = kept[name]
        else:
            try:
                found[name] = walk.render(value)
            except TemplateFailed as err:
                faults[name] = f"{name}: {err}"
                continue
        if sets:
            walk.assign(name, found[name])
    return found
