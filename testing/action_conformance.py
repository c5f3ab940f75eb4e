"""The checks that an action must pass: done once per step, refused in words, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar, cast

import msgspec

from ..core.errors import SiagaError
from ..core.rule_contracts import Action
from ..core.tasks import Crash, fenced_call
from ..core.types import ActionCall, ActionResult, Event, new_id
from .device_thread import Device, DeviceThread
from .far_stage import each_garbage, within
from .fault_proxy import Fault
from .findings import fail, folder_of, shape_faults, skip, told
from .hurried_loop import LoopClock
from .leaks import outside_calls, tasks_left
from .loop_watch import LoopWatch
from .own_hub import CAMERAS, OwnHub
from .plugin_conformance import PluginConformance
from .timed_calls import hurry

RUN_LIMIT_S = 30.0
_FAULTS: tuple[Fault, ...] = ("refuse", "cut", "hang")
_TARGETS = ("camera", "contact", "team", "rota", "group", "place")


class _Stage:
    """Hold the hub, the far side and the calls of one check."""

    def __init__(self, far: DeviceThread, hub: OwnHub, suite: ActionConformance) -> None:
        self.far, self.hub, self._suite = far, hub, suite

    def make(self) -> Action:
        """Build an action as the rule engine would."""
        outcome = fenced_call(self._suite.offer().make)
        if isinstance(outcome, Crash):
            fail(f"the factory of {self._suite.kind!r} raised {told(outcome.error, self._suite.module)}")
        return cast(Action, outcome)

    def call(self, key: str = "lari-1:actions[0]", **more: Any) -> ActionCall:  # noqa: ANN401
        """Return a step of a rule, with checked data."""
        suite, now = self._suite, self.hub.clock.now()
        event = Event(id=new_id(), site="kebon-baru", kind="object.person", at=now, camera="gang", data={"track": 1})
        usual: dict[str, Any] = {
            "action": suite.kind,
            "key": key,
            "target": dict(suite.target),
            "data": suite.checked(suite.options(self.far.host, self.far.port)),
            "event": event,
            "run_id": "lari-1",
            "rule_id": "uji",
        }
        return ActionCall(**(usual | more))

    async def run(self, action: Action, call: ActionCall | None = None, what: str = "run") -> object:
        """Do a step; return its result or the SiagaError."""
        given = call or self.call()
        return await within(what, lambda: action.run(given, self.hub), RUN_LIMIT_S, SiagaError, self._suite.module)

    async def done(self, action: Action, call: ActionCall | None = None) -> ActionResult:
        """Do a step that must go well."""
        outcome = await self.run(action, call)
        if isinstance(outcome, BaseException):
            fail(f"run failed though everything works: {told(outcome, self._suite.module)}")
        if not isinstance(outcome, ActionResult):
            fail(f"run gave {outcome!r}; an ActionResult was expected")
        return outcome


class ActionConformance(PluginConformance):
    """Check an action; a class ``Test...`` of the plugin's tests derives from it.

    It says ``module``, ``kind`` (as rules call it), ``target`` where it takes one, and by ``options`` the ``data`` of a
    step. ``device`` is what it switches, an asynchronous context manager with ``host`` and ``port``; ``effects``
    returns what stands done there, to see that a repeated step is done once.
    """

    hook: ClassVar[str] = "offer_actions"
    target: ClassVar[dict[str, tuple[str, ...]]] = {}
    hurry: ClassVar[float] = 8.0

    def device(self) -> AbstractAsyncContextManager[Device] | None:
        """Return what the action talks to, new for each check; None where that is the hub alone."""
        return None

    def options(self, host: str, port: int) -> dict[str, Any]:
        """Return the ``data`` of a step."""
        return {}

    def effects(self, action: Action) -> object:
        """Return what stands done outside the hub, to be compared; None where nothing can be seen."""
        return None

    def right(self) -> dict[str, Any]:
        """Return data that is right."""
        return self.options("127.0.0.1", 8085)

    # --- the checks -----------------------------------------------------------------------------

    def test_an_action_has_every_method_of_the_contract(self) -> None:
        """``targets`` is a tuple of target keys, ``run`` takes (call, hub); its name is ``room.verb`` or one word."""

        async def check(stage: _Stage) -> None:
            with outside_calls() as calls:
                action = stage.make()
            self._none_of(shape_faults(action, Action, f"the action {self.kind!r}"))
            targets = getattr(action, "targets", None)
            if not isinstance(targets, tuple) or not set(targets) <= set(_TARGETS):
                fail(f"targets must be a tuple of {', '.join(_TARGETS)}; it is {targets!r}")
            if calls:
                fail(f"the factory may only keep what it is given; it did: {', '.join(calls)}")

        self._staged(check)

    def test_a_step_is_done_and_says_what_came_of_it(self) -> None:
        """An ActionResult whose data is plain JSON: it stands in the trace and in ``response_variable``."""

        async def check(stage: _Stage) -> None:
            result = await stage.done(stage.make())
            outcome = fenced_call(lambda: msgspec.json.decode(msgspec.json.encode(result.data)))
            if isinstance(outcome, Crash) or outcome != result.data:
                fail(f"the result's data is not plain JSON: {result.data!r}")

        self._staged(check)

    def test_the_same_step_again_is_done_once(self) -> None:
        """After a crash the engine repeats a step under the same key: the effect stays what it was."""

        async def check(stage: _Stage) -> None:
            action = stage.make()
            await stage.done(action)
            before = (list(stage.hub.asked), self.effects(action))
            await stage.done(action)
            if (list(stage.hub.asked), self.effects(action)) != before:
                fail("the same call.key did it twice: hand call.key on, or keep the keys that are done")

        self._staged(check)

    def test_a_hub_that_refuses_is_told_in_words(self) -> None:
        """Disk full, camera away, held by a person: what the hub raises passes, or becomes an ActionFailed."""

        async def check(stage: _Stage) -> None:
            stage.hub.fails = True
            outcome = await stage.run(stage.make(), what="run (the hub refuses everything)")
            if isinstance(outcome, BaseException) and not str(outcome).strip():
                fail(f"{type(outcome).__name__} says nothing; it is shown at the rule")

        self._staged(check)

    def test_a_target_that_is_not_there_is_action_failed(self) -> None:
        """A camera whose name the template got wrong: an error in words, no traceback, nothing done."""

        async def check(stage: _Stage) -> None:
            action = stage.make()
            if "camera" not in action.targets:
                skip("this action takes no camera")
            outcome = await stage.run(action, stage.call(target={"camera": ("tidak-ada",)}))
            if not isinstance(outcome, BaseException) and getattr(outcome, "is_ok", True):
                fail(f"a camera that is not there was taken as done; known here: {', '.join(CAMERAS)}")

        self._staged(check)

    def test_without_an_event_it_is_done_or_refused(self) -> None:
        """A rule by the clock has no event: ``call.event`` is None then."""

        async def check(stage: _Stage) -> None:
            await stage.run(stage.make(), stage.call(event=None), what="run (without an event)")

        self._staged(check)

    def test_what_it_switches_may_fail_in_every_way(self) -> None:
        """Dead, cut, hanging, nonsense: a SiagaError within 30 s, and done again when it is back."""

        async def check(stage: _Stage) -> None:
            if not stage.far.has_device:
                skip("this action talks to the hub alone: `device` returns None")
            action = stage.make()
            for number, fault in enumerate(_FAULTS):
                await stage.far.fail(fault)
                hurry(self.hurry)
                outcome = await stage.run(action, stage.call(f"lari-{number}"), what=f"run ({fault})")
                hurry(1.0)
                if isinstance(outcome, ActionResult) and outcome.is_ok:
                    fail(f"with the fault {fault!r} the step was told as done")
            hurry(self.hurry)
            await each_garbage(stage.far, lambda name: stage.run(action, stage.call(name), what=f"run ({name})"))
            hurry(1.0)
            await stage.done(action, stage.call("lari-sesudahnya"))

        self._staged(check)

    def test_it_leaves_nothing_and_blocks_nobody(self) -> None:
        """No task is left behind, and the loop, on which every camera lives, is never held up."""

        async def check(stage: _Stage) -> None:
            tasks = asyncio.all_tasks()
            with LoopWatch(folder_of(self.module)) as watch:
                await stage.far.fail("slow")
                await stage.done(stage.make())
            if watch.blocked:
                fail("\n".join(map(str, watch.blocked)) + "\nawait it, or run it in a thread (asyncio.to_thread)")
            if left := await tasks_left(tasks):
                fail(f"these tasks are left behind: {', '.join(left)}")

        self._staged(check)

    # --- inside ---------------------------------------------------------------------------------

    def _staged(self, check: Callable[[_Stage], Awaitable[None]]) -> None:
        async def run(folder: Path) -> None:
            async with DeviceThread(self.device) as far:
                await check(_Stage(far, OwnHub(folder, clock=LoopClock(asyncio.get_running_loop())), self))

        self.run(run)
