"""The checks that a kind of camera must pass: its contract, its life, and everything that a device can do to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar

from ..core.contracts import Camera
from ..core.errors import AuthFailed, CameraLost, NotSupported
from .camera_shape import camera_faults, roles_of, source_faults
from .camera_stage import START_LIMIT_S, STOP_LIMIT_S, Answer, CameraStage
from .camera_turning import ability_faults, turning_faults
from .device_thread import Device
from .findings import chain, fail, folder_of, leaked, log_lines, skip, told
from .garbage import GARBAGE
from .leaks import outside_calls, processes, tasks_left
from .loop_watch import LoopWatch
from .plugin_conformance import PluginConformance

_NO_DEVICE = "this kind has no device under test: `device` returns None"
_SILENT = "this kind asks its device nothing: the recorder reads its addresses"


class CameraConformance(PluginConformance):
    """Check a kind of camera; a class ``Test...`` of the plugin's tests derives from it.

    It says ``module`` and ``kind``; ``device``, an asynchronous context manager with ``host`` and ``port`` that behaves
    as the real one does; ``options`` for a camera at an address (a fault proxy in front of the device); and, where its
    options are not called so, ``password_option``. ``hurry``: how much faster time-outs pass where only they are
    waited for; 1 for a plugin that waits in threads.
    """

    hook: ClassVar[str] = "offer_cameras"
    password_option: ClassVar[str] = "password"
    hurry: ClassVar[float] = 8.0

    def device(self) -> AbstractAsyncContextManager[Device] | None:
        """Return a device under test, new for each check; None where the kind talks to none."""
        return None

    def options(self, host: str, port: int) -> dict[str, Any]:
        """Return the options of a camera whose device is at this address."""
        raise NotImplementedError("write `def options(self, host, port)` that returns the options of a camera there")

    def right(self) -> dict[str, Any]:
        """Return options that are right."""
        return self.options("127.0.0.1", 8085)

    # --- contract -------------------------------------------------------------------------------

    def test_a_camera_has_every_method_of_the_contract(self) -> None:
        """``start``, ``streams``, ``stop``, ``ptz`` and each optional ability fit ``siaga.core`` exactly."""
        self._staged(lambda stage: _none_of_async(camera_faults(stage.make())))

    def test_making_a_camera_touches_nothing(self) -> None:
        """The factory opens no connection, looks up no name, starts no process or task, writes no file."""

        async def check(stage: CameraStage) -> None:
            before = asyncio.all_tasks()
            with outside_calls() as calls:
                stage.make()
            calls += [f"task {name}" for name in await tasks_left(before)]
            if calls:
                fail(f"the factory may only keep what it is given; it did: {', '.join(calls)}. Do that in start()")

        self._staged(check)

    def test_the_streams_are_sane(self) -> None:
        """One ``main``, at most one ``sub``, an address that FFmpeg reads, and no login in it."""

        async def check(stage: CameraStage) -> None:
            camera = await stage.started()
            _none_of(source_faults(stage.answers[-1].value, self._secrets(stage)))
            await stage.ask("stop", camera.stop, STOP_LIMIT_S)

        self._staged(check)

    def test_presets_are_names_and_an_unknown_one_is_told_with_those_that_exist(self) -> None:
        """Turning: each preset can be gone to, an unknown one is NotSupported, moves end."""

        async def check(stage: CameraStage) -> None:
            camera = await stage.started()
            if camera.ptz is None:
                skip("this camera does not turn")
            _none_of(await turning_faults(stage, camera.ptz))

        self._staged(check)

    def test_what_a_camera_adds_keeps_its_promise(self) -> None:
        """Snapshot, clock, position, outputs: what is offered answers as its protocol says."""

        async def check(stage: CameraStage) -> None:
            _none_of(await ability_faults(stage, await stage.started()))

        self._staged(check)

    # --- its life -------------------------------------------------------------------------------

    def test_it_stops_and_starts_again_and_leaves_nothing(self) -> None:
        """After ``stop`` no task, thread, process or connection of it is left; the next one is as the first."""

        async def check(stage: CameraStage) -> None:
            tasks, children, sources = asyncio.all_tasks(), processes(), []
            for _ in range(2):
                camera = await stage.started()
                sources.append(roles_of(stage.answers[-1].value))
                await stage.ask_all(camera)
                await self._stop(stage, camera)
            if sources[0] != sources[1]:
                fail(f"after a restart the streams are others: {sources[0]}, then {sources[1]}")
            late = await stage.services.close()
            _nothing_left("tasks", [*late, *await tasks_left(tasks)])
            _nothing_left("processes", [str(pid) for pid in processes() - children])
            await self._no_connection_left(stage)

        self._staged(check, without_threads=True)

    def test_it_stops_after_a_start_that_failed(self) -> None:
        """``stop`` ends within 5 s and says nothing, also when the device never was there."""

        async def check(stage: CameraStage) -> None:
            self._needs_device(stage)
            tasks = asyncio.all_tasks()
            await stage.device.fail("refuse")
            camera = stage.make()
            stage.hurry(self.hurry)
            await stage.ask("start", camera.start, START_LIMIT_S)
            stage.hurry(1.0)
            await self._stop(stage, camera)
            late = await stage.services.close()
            _nothing_left("tasks", [*late, *await tasks_left(tasks)])

        self._staged(check)

    def test_it_never_blocks_the_event_loop(self) -> None:
        """While a slow device answers, the loop runs on; the line that holds it up is named."""

        async def check(stage: CameraStage) -> None:
            with LoopWatch(folder_of(self.module)) as watch:
                await stage.device.fail("slow")
                camera = await stage.started()
                await stage.ask_all(camera)
                await self._stop(stage, camera)
            if watch.blocked:
                words = "await it, or run it in a thread (asyncio.to_thread)"
                fail("\n".join(map(str, watch.blocked)) + f"\nEvery camera and screen waits meanwhile: {words}")

        self._staged(check)

    # --- what a device can do to it -------------------------------------------------------------

    def test_a_wrong_password_is_auth_failed(self) -> None:
        """The operator is asked for the password, and the camera is not tried every second until it locks the login."""

        async def check(stage: CameraStage) -> None:
            self._needs_device(stage)
            if self.password_option not in self.options("127.0.0.1", 1):
                skip(f"no option {self.password_option!r}; say `password_option` if it is called otherwise")
            if not await self._talks(stage):
                skip(_SILENT)
            answers = await self._begin(stage, {self.password_option: "bukan-ini-sandinya"})
            # One that refused to start may say of the rest that it is not ready.
            for answer in answers[:1] if isinstance(answers[0].error, AuthFailed) else answers:
                if answer.error is not None and not isinstance(answer.error, AuthFailed | NotSupported):
                    fail(f"with a wrong password {answer.call} raised {self._told(answer)}; AuthFailed was expected")
            if not any(isinstance(answer.error, AuthFailed) for answer in answers):
                fail("a wrong password was not noticed: nothing raised AuthFailed (is the password sent at all?)")

        self._staged(check)

    def test_a_dead_device_is_camera_lost(self) -> None:
        """Nobody listens: every call says so within its limit, also before a first start succeeded."""
        self._lost("refuse")

    def test_a_connection_that_is_cut_is_camera_lost(self) -> None:
        """The device resets each connection: every call says so within its limit."""
        self._lost("cut")

    def test_a_device_that_hangs_ends_no_call_late(self) -> None:
        """The device takes requests and never answers: each call ends within 10 s, ``start`` within 30 s."""
        self._lost("hang")

    def test_garbage_is_a_camera_error_and_no_traceback(self) -> None:
        """Noise, pages of another device, broken JSON, empty answers: CameraError or a value that fits the contract."""

        async def check(stage: CameraStage) -> None:
            await self._must_talk(stage)
            camera = await stage.started()
            # What is odd in good days too is another check's business.
            usual = source_faults(stage.answers[-1].value, ())
            stage.hurry(self.hurry)
            for name, garbage in GARBAGE.items():
                await stage.device.fail("garbage", garbage)
                for answer in (
                    await stage.ask("start", stage.make().start, START_LIMIT_S),
                    *await stage.ask_all(camera),
                ):
                    if answer.call == "streams" and answer.error is None:
                        faults = source_faults(answer.value, ())
                        _none_of([f"after {name}: {fault}" for fault in faults if fault not in usual])

        self._staged(check)

    def test_it_works_again_when_the_device_is_back(self) -> None:
        """After an outage the same object answers again, and one that never started starts."""

        async def check(stage: CameraStage) -> None:
            await self._must_talk(stage)
            camera, late = await stage.started(), stage.make()
            before = {answer.call for answer in await stage.ask_all(camera) if answer.error is None}
            await stage.device.fail("refuse")
            stage.hurry(self.hurry)
            await stage.ask_all(camera)
            await stage.ask("start", late.start, START_LIMIT_S)
            stage.hurry(1.0)
            await stage.device.fail("pass")
            for answer in await stage.ask_all(camera):
                if answer.call in before:
                    self._works_again(answer)
            self._works_again(await stage.ask("start, tried again after a failed start,", late.start, START_LIMIT_S))

        self._staged(check)

    def test_no_secret_stands_in_logs_errors_or_addresses(self) -> None:
        """The password appears nowhere: log, message or cause of an error, ``repr``, URL of a stream."""

        async def check(stage: CameraStage) -> None:
            secrets = self._secrets(stage)
            if not secrets:
                skip(f"no option {self.password_option!r} holds a secret of at least 4 letters")
            wrong = "sandi-yang-keliru"
            with log_lines(self.module) as lines:
                camera = await stage.started()
                shown = [repr(camera), repr(camera.ptz), repr(stage.answers[-1].value)]
                await stage.ask_all(camera)
                await self._begin(stage, {self.password_option: wrong})
                stage.hurry(self.hurry)
                for fault, garbage in (("refuse", b""), ("garbage", GARBAGE["an error page"])):
                    await stage.device.fail(fault, garbage)  # type: ignore[arg-type]
                    await self._begin(stage)
                    await stage.ask_all(camera)
            errors = [one for answer in stage.answers for one in chain(answer.error)]
            places = {"a log line": lines, "an error": [f"{e} {e!r}" for e in errors], "repr(...) of it": shown}
            for place, texts in places.items():
                if found := leaked(texts, (*secrets, wrong)):
                    fail(f"the password stands in {place}: {found}")

        self._staged(check)

    # --- inside ---------------------------------------------------------------------------------

    def _staged(self, check: Callable[[CameraStage], Awaitable[None]], *, without_threads: bool = False) -> None:
        async def run(folder: Path) -> None:
            async with CameraStage(self.offer(), self.module, self.device, self.options, folder) as stage:
                await check(stage)

        (self.run_without_threads_left if without_threads else self.run)(run)

    def _lost(self, fault: Any) -> None:  # noqa: ANN401
        async def check(stage: CameraStage) -> None:
            await self._must_talk(stage)
            camera = await stage.started()
            await stage.device.fail(fault)
            stage.hurry(self.hurry)
            for answer in (*await self._begin(stage), *await stage.ask_all(camera, with_streams=False)):
                if answer.error is not None and not isinstance(answer.error, CameraLost | NotSupported):
                    fail(f"{answer.call} raised {self._told(answer)}; a device that is not there is CameraLost")

        self._staged(check)

    async def _begin(self, stage: CameraStage, more: dict[str, Any] | None = None) -> list[Answer]:
        """Start a new camera as far as it goes, and ask it; ``streams`` only where it started."""
        camera = stage.make(more)
        start = await stage.ask("start", camera.start, START_LIMIT_S)
        return [start, *await stage.ask_all(camera, with_streams=start.error is None)]

    async def _talks(self, stage: CameraStage) -> bool:
        camera = await stage.started()
        await stage.ask_all(camera)
        return stage.device.connections > 0

    async def _must_talk(self, stage: CameraStage) -> None:
        self._needs_device(stage)
        if not await self._talks(stage):
            skip(_SILENT)

    async def _stop(self, stage: CameraStage, camera: Camera) -> None:
        answer = await stage.ask("stop", camera.stop, STOP_LIMIT_S)
        if answer.error is not None:
            fail(f"stop raised {self._told(answer)}; it lets go of what it can and says nothing")

    async def _no_connection_left(self, stage: CameraStage) -> None:
        for _ in range(100):
            if stage.device.open_connections == 0:
                return
            await asyncio.sleep(0.02)
        count = stage.device.open_connections
        fail(f"after stop {count} connection(s) to the device stand open: close what you opened in stop()")

    def _works_again(self, answer: Answer) -> None:
        if answer.error is not None:
            fail(f"{answer.call} does not work again after the device came back: {self._told(answer)}")

    def _secrets(self, stage: CameraStage) -> Sequence[str]:
        value = self.options(stage.device.host, stage.device.port).get(self.password_option)
        return [value] if isinstance(value, str) and len(value) >= 4 else []

    def _needs_device(self, stage: CameraStage) -> None:
        if not stage.device.has_device:
            skip(_NO_DEVICE)

    def _told(self, answer: Answer) -> str:
        return told(answer.error, self.module) if answer.error is not None else "nothing"


def _nothing_left(what: str, names: Sequence[str]) -> None:
    if names:
        fail(f"after stop these {what} are left: {', '.join(names)}; end them in stop()")


def _none_of(faults: Sequence[str]) -> None:
    if faults:
        fail("\n".join(faults))


async def _none_of_async(faults: Sequence[str]) -> None:
    _none_of(faults)
