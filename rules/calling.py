"""Makes an action's call from its step: templates rendered, data checked, and what must be done anyway rescued."""

from __future__ import annotations

import logging
from typing import NamedTuple

import voluptuous as vol

from ..core.errors import ActionFailed, TemplateFailed
from ..core.settings import CameraSettings
from ..core.texts import Texts
from ..core.types import ActionCall, Json
from ..core.validators import Wrong
from .rule import ActionStep, Insistent
from .walk import Walk

logger = logging.getLogger(__name__)

# Targets that stand for cameras; the action itself is told their names.
AREAS = ("group", "place")
_GONE = object()


class Made(NamedTuple):
    """Hold a call, and what was wrong with its step and did not stop it: why, by ``data.message`` and the like."""

    call: ActionCall
    faults: dict[str, str]

    @property
    def unreached(self) -> dict[str, str]:
        """Return why somebody who should be reached is not known."""
        return {path: why for path, why in self.faults.items() if path.startswith("target.") or path == "data.to"}


def call_of(walk: Walk, step: ActionStep) -> Made:
    """Return the call. TemplateFailed, ActionFailed; an insistent action goes on without what failed."""
    faults: dict[str, str] = {}
    named = {key: _names(walk, step, key, value, faults) for key, value in step.target.items()}
    target = _expanded(walk, step, named)
    data: dict[str, Json] = {}
    for key, value in step.values.items():
        try:
            data[key] = walk.render(value)
        except TemplateFailed as err:
            if not isinstance(step.action, Insistent):
                raise
            faults[f"data.{key}"] = str(err)
            if isinstance(value, list | dict):
                data[key] = _what_can_be(walk, value)
            else:
                _go_without(walk, step, data, key, str(err))
    known = {str(key) for key in step.kind.schema.schema} if isinstance(step.kind.schema.schema, dict) else set()
    for name, made in walk.made.items():
        if name in known:
            data.setdefault(name, made)
    checked = _checked(walk, step, data, faults)
    for path, why in faults.items():
        logger.warning("rule %s: %s.%s: %s", walk.rule.id, walk.path(step), path, walk.hidden(why))
    call = ActionCall(
        action=step.name,
        key=f"{walk.row.run_id}:{walk.path(step)}",
        target=target,
        data=checked,
        event=walk.event,
        run_id=walk.row.run_id,
        rule_id=walk.rule.id,
        late_s=walk.late_s,
    )
    return Made(call, faults)


def _what_can_be(walk: Walk, value: Json) -> Json:
    """Return a value without those of its parts that cannot be rendered: an escalation outlives a word of it."""
    if isinstance(value, dict):
        made = {key: _what_can_be(walk, item) for key, item in value.items()}
        return {key: item for key, item in made.items() if item is not _GONE}
    if isinstance(value, list):
        return [item for item in (_what_can_be(walk, item) for item in value) if item is not _GONE]
    try:
        return walk.render(value)
    except TemplateFailed:
        return _GONE


def _names(walk: Walk, step: ActionStep, key: str, value: Json, faults: dict[str, str]) -> tuple[str, ...]:
    """Return the names of one target; of several, one that cannot be rendered does not hold up the others."""
    found: list[str] = []
    for item in value if isinstance(value, list) else [value]:
        try:
            rendered = walk.render(item)
        except TemplateFailed as err:
            if not isinstance(step.action, Insistent):
                raise
            path = f"target.{key}"
            faults[path] = f"{faults[path]}; {err}" if path in faults else str(err)
            continue
        several = rendered if isinstance(rendered, list) else [rendered]
        found += [str(name) for name in several if name not in (None, "")]
    return tuple(found)


def _expanded(walk: Walk, step: ActionStep, target: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the target with groups and places made into their cameras, each camera once. ActionFailed."""
    own = step.action.targets
    areas = [key for key in AREAS if key in target and key not in own and "camera" in own]
    if not areas:
        return target
    cameras = dict.fromkeys(target.get("camera", ()))
    for key in areas:
        for name in target[key]:
            found = [one.id for one in walk.hub.settings.cameras.values() if name in _areas(one, key)]
            if not found:
                # Not "the event's own camera": the operator asked for others.
                raise ActionFailed(walk.hub.texts(f"rules.action.empty_{key}", name=name))
            cameras.update(dict.fromkeys(found))
    rest = {key: names for key, names in target.items() if key not in (*areas, "camera")}
    return {"camera": tuple(cameras), **rest}


def _areas(camera: CameraSettings, key: str) -> tuple[str, ...]:
    return camera.groups if key == "group" else (camera.place or "",)


def _checked(walk: Walk, step: ActionStep, data: dict[str, Json], faults: dict[str, str]) -> dict[str, Json]:
    """Return what the schema makes of the data; each round drops or replaces the keys that it refused."""
    for _ in range(len(data) + 2):
        try:
            checked: dict[str, Json] = step.kind.schema(data)
        except vol.Invalid as err:
            wrong = _refused(err, walk.hub.texts)
            if not isinstance(step.action, Insistent) or not wrong:
                raise ActionFailed(f"data: {err}") from err
            for key, why in wrong.items():
                _go_without(walk, step, data, key, why)
                faults.setdefault(f"data.{key}", why)
        else:
            return checked
    raise ActionFailed(f"data: {'; '.join(faults.values())}")


def _go_without(walk: Walk, step: ActionStep, data: dict[str, Json], key: str, why: str) -> None:
    assert isinstance(step.action, Insistent)
    data.pop(key, None)
    other = step.action.rescue(key, why, walk.rule.alias, walk.event, walk.hub)
    if other is not None:
        data[key] = other


def _refused(err: vol.Invalid, texts: Texts) -> dict[str, str]:
    errors = err.errors if isinstance(err, vol.MultipleInvalid) else [err]
    return {
        str(one.path[0]): one.say(texts) if isinstance(one, Wrong) else str(one.msg)
        for one in errors
        if isinstance(one.path, list) and one.path
    }
