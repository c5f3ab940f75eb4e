"""How the waits are taken: for a time, for a trigger, for a template to become true; each with an end of its own."""

from __future__ import annotations

import asyncio
import math
from copy import copy
from datetime import datetime, timedelta
from typing import Any

import msgspec
import voluptuous as vol
from msgspec.structs import replace

from ..core.errors import TemplateFailed
from ..core.event_log import Committed
from ..core.tasks import unless
from ..core.types import Event, Json, TraceStep
from ..core.validators import duration
from .faults import FAULTS
from .outside import Waited
from .rule import DelayStep, Step
from .steps import WaitStep, WaitTemplateStep, WaitTriggerStep
from .templates import is_true
from .views import event_view, trigger_view
from .walk import EndOfRun, Walk

# Home Assistant waits for ever where no timeout is given; a rule in the mode single would never run again.
WAIT_LIMIT_S = 86_400.0
# A template may look at the clock, of which no event tells.
_LOOK_AGAIN_S = 1.0
# A storm of events must not make every waiting run render its template hundreds of times a second.
_LOOK_LEAST_S = 0.1
_NEWS_KEPT = 1_000


class WaitView(dict[str, Any]):
    """Show a wait's end to templates, as ``wait``; ``record`` is the same as JSON, for a restart."""

    def __init__(self, walk: Walk, record: dict[str, Json]) -> None:
        view = {"completed": record["completed"], "remaining": record["remaining"]}
        if "trigger" in record:
            view["trigger"] = _trigger(walk, record["trigger"]) if record["trigger"] else None
        super().__init__(view)
        self.record = record


async def take_delay(walk: Walk, step: Step) -> None:
    """Wait for a time; its deadline holds over a restart."""
    assert isinstance(step, DelayStep)
    if (held := walk.recorded(step)) is not None:
        if held.outcome == "failed":
            walk.after_failure(step, held.error)
        return
    try:
        until, left_s = await _deadline(walk, step, step.length)
    except (TemplateFailed, vol.Invalid) as err:
        await walk.fail(step, str(err))
        return
    await walk.hub.clock.sleep(max(0.0, left_s))
    await walk.end(step, "done", {"until": until.isoformat()})


async def take_wait_trigger(walk: Walk, step: Step) -> None:
    """Wait until a trigger fires; what fired is ``wait.trigger`` from then on."""
    assert isinstance(step, WaitTriggerStep)
    if (held := walk.recorded(step)) is not None:
        _go_on(walk, step, held)
        return
    try:
        until, ended = await _wait_for(walk, step)
    except (*FAULTS, vol.Invalid) as err:
        await walk.fail(step, str(err))
        return
    trigger: Json = None
    if ended.event is not None:
        word = next((bound.word for bound in step.triggers if bound.id == ended.trigger_id), "event")
        trigger = {"id": ended.trigger_id, "platform": word, "event": msgspec.to_builtins(ended.event)}
    values = _ended(walk, step, until, is_completed=ended.event is not None)
    await walk.end(step, "done", {**values, "trigger": trigger})
    _go_on(walk, step, walk.recorded(step))


async def _wait_for(walk: Walk, step: WaitTriggerStep) -> tuple[datetime, Waited]:
    """Return until when a wait lasts at most, and how it ended. FAULTS, vol.Invalid."""
    # Copies: a trigger learns whose it is, and runs side by side wait by the same step.
    triggers = tuple(replace(bound, trigger=copy(bound.trigger)) for bound in step.triggers)
    is_again = walk.waited(step) is not None
    # Before anything is awaited: what happens from here on ends the wait.
    waiting = walk.waits.begin_wait(walk.row.run_id, walk.path(step), triggers, is_again=is_again)
    try:
        until, left_s = await _deadline(walk, step, step.timeout)
        return until, await waiting.end(left_s)
    finally:
        waiting.close()


async def take_wait_template(walk: Walk, step: Step) -> None:
    """Wait until a template is true; one that cannot be rendered is not true yet."""
    assert isinstance(step, WaitTemplateStep)
    if (held := walk.recorded(step)) is not None:
        _go_on(walk, step, held)
        return
    try:
        until, left_s = await _deadline(walk, step, step.timeout)
    except (TemplateFailed, vol.Invalid) as err:
        await walk.fail(step, str(err))
        return
    looking = _Looking(walk, step.template)
    is_completed = await looking.until_true(left_s)
    values = {**looking.looked_at(), **_ended(walk, step, until, is_completed=is_completed)}
    await walk.end(step, "done", values, looking.error)
    _go_on(walk, step, walk.recorded(step))


class _Looking:
    """Look at a template whenever something happens, and every second."""

    def __init__(self, walk: Walk, template: str) -> None:
        self.error = ""
        self._walk = walk
        self._template = template
        self._news = asyncio.Event()

    def looked_at(self) -> dict[str, Json]:
        """Return the values that the template looks at now."""
        return self._walk.looked_at(self._template)

    async def until_true(self, left_s: float) -> bool:
        """Return True when the template is true, False when the time is over first."""
        walk, clock = self._walk, self._walk.hub.clock
        until_s = clock.mono_s() + left_s
        ear = walk.hub.tasks.start(f"wait of {walk.rule.id} {walk.row.run_id}", self._listen)
        try:
            while not self._is_true():
                looked_s = clock.mono_s()
                if looked_s >= until_s:
                    return False
                await unless(self._news, lambda: clock.sleep(min(_LOOK_AGAIN_S, until_s - clock.mono_s())))
                await clock.sleep(max(0.0, looked_s + _LOOK_LEAST_S - clock.mono_s()))
                self._news.clear()
            return True
        finally:
            ear.cancel()

    async def _listen(self) -> None:
        async with self._walk.hub.bus.subscribe(Committed, size=_NEWS_KEPT, name="waits") as heard:
            async for _ in heard:
                self._news.set()

    def _is_true(self) -> bool:
        self.error = ""
        try:
            return is_true(self._walk.render_text(self._template))
        except FAULTS as err:
            self.error = str(err) or type(err).__name__
            return False


def length_s(walk: Walk, value: Json) -> float:
    """Return the seconds of a delay or timeout. TemplateFailed, vol.Invalid."""
    rendered = walk.render(value)
    if isinstance(rendered, dict):
        rendered = {unit: _number(count) for unit, count in rendered.items()}
    return duration(rendered)


async def _deadline(walk: Walk, step: Step, length: Json) -> tuple[datetime, float]:
    """Return when a wait ends and in how many seconds; kept, so that a restart does not make it longer."""
    clock = walk.hub.clock
    if (held := walk.waited(step)) is not None:
        until = datetime.fromisoformat(held.values["until"])
        # A wall clock that was set back meanwhile must not make the wait longer than it was asked for.
        return until, min((until - clock.now()).total_seconds(), held.values.get("seconds", math.inf))
    left_s = WAIT_LIMIT_S if length is None else length_s(walk, length)
    until = clock.now() + timedelta(seconds=left_s)
    await walk.end(step, "waiting", {"until": until.isoformat(), "seconds": left_s})
    return until, left_s


def _ended(walk: Walk, step: WaitStep, until: datetime, *, is_completed: bool) -> dict[str, Json]:
    left_s = (until - walk.hub.clock.now()).total_seconds() if is_completed else 0.0
    remaining = None if step.timeout is None else round(max(0.0, left_s), 3)
    return {"completed": is_completed, "remaining": remaining, "until": until.isoformat()}


def _go_on(walk: Walk, step: WaitStep, held: TraceStep | None) -> None:
    """Set ``wait``, or leave the run where the step asks for it; the same after a restart."""
    assert held is not None
    if held.outcome == "failed":
        walk.after_failure(step, held.error)
        return
    keys = ("completed", "remaining", *(("trigger",) if isinstance(step, WaitTriggerStep) else ()))
    view = WaitView(walk, {key: held.values[key] for key in keys})
    walk.assign_here("wait", view)
    if not view["completed"] and not step.goes_on_late:
        raise EndOfRun("finished", walk.hub.texts("rules.run.timed_out", path=walk.path(step)))


def _trigger(walk: Walk, record: dict[str, Json]) -> dict[str, Any]:
    event = msgspec.convert(record["event"], Event)
    view = event_view(event, walk.hub.settings, walk.box.zone)
    return trigger_view(record["id"], record["platform"], view, 0.0)


def _number(value: Json) -> Json:
    # A template of several parts gives text: {minutes: "{{ a }}{{ b }}"}.
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
