"""The checks that a notifier must pass: its verdicts decide whether an alert is sent again, held back or given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

from ..core.contracts import Notifier
from ..core.errors import SendFailed
from ..core.settings import NotifierSettings
from ..core.tasks import Crash, fenced_call
from ..core.types import Notice, Receipt, new_id
from .device_thread import Device, DeviceThread
from .far_stage import each_garbage, within
from .fault_proxy import Fault
from .findings import chain, fail, folder_of, leaked, log_lines, shape_faults, skip, told
from .hurried_loop import LoopClock
from .leaks import outside_calls, processes, tasks_left
from .loop_watch import LoopWatch
from .own_services import OwnServices
from .plugin_conformance import PluginConformance
from .timed_calls import hurry

SEND_LIMIT_S, CLOSE_LIMIT_S = 60.0, 5.0
_NOBODY = "this kind talks to nobody: `device` returns None"
_STATES = ("accepted", "sent", "delivered", "read")
# What each fault may lead to. Nothing was sent where nobody listens; whose answer was lost may have it.
_VERDICTS: Mapping[Fault, set[str]] = {"refuse": {"retry"}, "cut": {"retry", "unsure"}, "hang": {"retry", "unsure"}}


class _Stage:
    """Hold a far side, the services and the notifiers of one check."""

    def __init__(self, far: DeviceThread, services: OwnServices, suite: NotifierConformance) -> None:
        self.far, self.services, self._suite = far, services, suite

    def make(self) -> Notifier:
        """Build a notifier as the hub would."""
        suite = self._suite
        options = suite.checked(suite.options(self.far.host, self.far.port))
        settings = NotifierSettings(id="uji", type=suite.kind, options=options)
        outcome = fenced_call(lambda: suite.offer().make(settings, self.services))
        if isinstance(outcome, Crash):
            fail(f"the factory of {suite.kind!r} raised {told(outcome.error, suite.module)}")
        return cast(Notifier, outcome)

    def notice(self, **more: Any) -> Notice:  # noqa: ANN401
        """Return a notice as the outbox would give it."""
        now = self.services.clock.now()
        usual: dict[str, Any] = {
            "id": new_id(),
            "key": f"banjir/{new_id()}",
            "notifier": "uji",
            "to": self._suite.to,
            "text": "Siaga 2 di Kali Ciliwung: air 205 cm.\nJauhi bantaran — “segera”.",
            "created_at": now,
            "expires_at": now + timedelta(minutes=30),
            "priority": "high",
        }
        return Notice(**(usual | more))

    async def send(self, notifier: Notifier, notice: Notice | None = None, what: str = "send") -> object:
        """Send; return the receipt or the SendFailed."""
        given = notice or self.notice()
        return await within(what, lambda: notifier.send(given), SEND_LIMIT_S, SendFailed, self._suite.module)


class NotifierConformance(PluginConformance):
    """Check a notifier; a class ``Test...`` of the plugin's tests derives from it.

    It says ``module``, ``kind``, and ``to``, an address as operators write it; ``device`` is the far side, an
    asynchronous context manager with ``host`` and ``port``; ``options`` are those of a notifier that sends there.
    ``secret_options`` are the options that no log may show. ``hurry`` as for cameras.
    """

    hook: ClassVar[str] = "offer_notifiers"
    to: ClassVar[str] = "posko"
    secret_options: ClassVar[tuple[str, ...]] = ("password", "token", "secret")
    hurry: ClassVar[float] = 8.0

    def device(self) -> AbstractAsyncContextManager[Device] | None:
        """Return a far side, new for each check; None where the kind talks to none."""
        return None

    def options(self, host: str, port: int) -> dict[str, Any]:
        """Return the options of a notifier whose far side is at this address."""
        return {}

    def right(self) -> dict[str, Any]:
        """Return options that are right."""
        return self.options("127.0.0.1", 8085)

    # --- the checks -----------------------------------------------------------------------------

    def test_a_notifier_has_every_method_of_the_contract(self) -> None:
        """``send`` and ``close`` fit the protocol."""

        async def check(stage: _Stage) -> None:
            self._none_of(shape_faults(stage.make(), Notifier, f"the notifier {self.kind!r}"))

        self._staged(check)

    def test_making_a_notifier_touches_nothing(self) -> None:
        """The factory opens no connection, starts no process or task, writes no file."""

        async def check(stage: _Stage) -> None:
            before = asyncio.all_tasks()
            with outside_calls() as calls:
                stage.make()
            calls += [f"task {name}" for name in await tasks_left(before)]
            if calls:
                fail(f"the factory may only keep what it is given; it did: {', '.join(calls)}")

        self._staged(check)

    def test_a_notice_is_taken(self) -> None:
        """Plain, long, without a picture that is gone, asking for an answer: each gets a receipt."""

        async def check(stage: _Stage) -> None:
            notifier = stage.make()
            odd: tuple[dict[str, Any], ...] = (
                {},
                {"text": "x" * 5000},
                {"image": "snapshots/tidak-ada.jpg"},
                {"asks_answer": True, "incident_id": new_id()},
                {"parameters": ("Kali Ciliwung", "2"), "priority": "low"},
                {"clip": new_id(), "thread": "pesan-1"},
            )
            for more in odd:
                receipt = await stage.send(notifier, stage.notice(**more))
                words = ", ".join(more) or "text alone"
                if isinstance(receipt, SendFailed):
                    fail(f"a notice with {words} failed though the far side works: {told(receipt, self.module)}")
                if not isinstance(receipt, Receipt) or receipt.state not in _STATES:
                    fail(f"send gave {receipt!r}; a Receipt with one of {', '.join(_STATES)} was expected")

        self._staged(check)

    def test_each_fault_has_the_right_verdict(self) -> None:
        """Nobody there: retry. Cut or hanging: retry or unsure, since it may have arrived. Never given up for that."""

        async def check(stage: _Stage) -> None:
            self._needs_far(stage)
            notifier = stage.make()
            for fault, allowed in _VERDICTS.items():
                await stage.far.fail(fault)
                hurry(self.hurry)
                outcome = await stage.send(notifier, what=f"send ({fault})")
                hurry(1.0)
                if not isinstance(outcome, SendFailed):
                    fail(f"with the fault {fault!r} send gave {outcome!r}; SendFailed was expected")
                if outcome.verdict not in allowed:
                    fail(f"with {fault!r} the verdict was {outcome.verdict!r}; right: {' or '.join(sorted(allowed))}")
                if not str(outcome).strip():
                    fail(f"with {fault!r} SendFailed says nothing; the operator reads it")

        self._staged(check)

    def test_garbage_is_an_answer_or_send_failed(self) -> None:
        """Noise, other pages, broken JSON: a Receipt or SendFailed, no traceback."""

        async def check(stage: _Stage) -> None:
            self._needs_far(stage)
            notifier = stage.make()
            hurry(self.hurry)

            async def one(name: str) -> None:
                outcome = await stage.send(notifier, what=f"send (the answer is {name})")
                if not isinstance(outcome, Receipt | SendFailed):
                    fail(f"after {name} send gave {outcome!r}")

            await each_garbage(stage.far, one)
            hurry(1.0)

        self._staged(check)

    def test_it_sends_again_when_the_far_side_is_back(self) -> None:
        """After an outage the same object sends."""

        async def check(stage: _Stage) -> None:
            self._needs_far(stage)
            notifier = stage.make()
            await stage.far.fail("refuse")
            await stage.send(notifier)
            await stage.far.fail("pass")
            if isinstance(outcome := await stage.send(notifier), SendFailed):
                fail(f"after the far side came back send failed: {told(outcome, self.module)}")

        self._staged(check)

    def test_many_at_once_do_not_mix(self) -> None:
        """Twenty notices at one moment, each with its receipt; the far side's ids differ."""

        async def check(stage: _Stage) -> None:
            notifier = stage.make()
            receipts = await asyncio.gather(*(stage.send(notifier) for _ in range(20)))
            ids = [one.provider_id for one in receipts if isinstance(one, Receipt) and one.provider_id]
            if len(set(ids)) < len(ids):
                fail("two notices came back with one provider_id: receipts and answers would go to the wrong one")

        self._staged(check)

    def test_it_leaves_nothing_and_blocks_nobody(self) -> None:
        """After ``close`` no task, thread, process or connection is left; the loop was never held up."""

        async def check(stage: _Stage) -> None:
            tasks, children = asyncio.all_tasks(), processes()
            with LoopWatch(folder_of(self.module)) as watch:
                await stage.far.fail("slow")
                notifier = stage.make()
                await stage.send(notifier)
                await within("close", notifier.close, CLOSE_LIMIT_S, SendFailed, self.module)
            late = await stage.services.close()
            if watch.blocked:
                fail("\n".join(map(str, watch.blocked)) + "\nawait it, or run it in a thread (asyncio.to_thread)")
            if left := [*late, *await tasks_left(tasks), *map(str, processes() - children)]:
                fail(f"after close these are left: {', '.join(left)}")

        self._staged(check, without_threads=True)

    def test_no_secret_stands_in_logs_or_errors(self) -> None:
        """What the options keep secret appears in no log line, no error, no ``repr``."""

        async def check(stage: _Stage) -> None:
            options = self.options(stage.far.host, stage.far.port)
            secrets = [str(options[name]) for name in self.secret_options if options.get(name)]
            if not secrets:
                skip(f"none of {', '.join(self.secret_options)} is among the options")
            with log_lines(self.module) as lines:
                notifier = stage.make()
                outcomes = [await stage.send(notifier)]
                hurry(self.hurry)
                for fault in ("refuse", "cut") if stage.far.has_device else ():
                    await stage.far.fail(fault)
                    outcomes.append(await stage.send(notifier))
                hurry(1.0)
            errors = [err for one in outcomes if isinstance(one, BaseException) for err in chain(one)]
            places = {"a log line": lines, "an error": [f"{e} {e!r}" for e in errors], "repr(...)": [repr(notifier)]}
            for place, texts in places.items():
                if found := leaked(texts, secrets):
                    fail(f"a secret stands in {place}: {found}")

        self._staged(check)

    # --- inside ---------------------------------------------------------------------------------

    def _staged(self, check: Callable[[_Stage], Awaitable[None]], *, without_threads: bool = False) -> None:
        async def run(folder: Path) -> None:
            clock = LoopClock(asyncio.get_running_loop())
            async with DeviceThread(self.device) as far, OwnServices(folder, clock=clock) as services:
                await check(_Stage(far, services, self))

        (self.run_without_threads_left if without_threads else self.run)(run)

    def _needs_far(self, stage: _Stage) -> None:
        if not stage.far.has_device:
            skip(_NOBODY)
