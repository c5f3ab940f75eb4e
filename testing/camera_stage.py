"""One camera under test: made by its kind, its device behind a proxy, each call asked within its limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, NamedTuple, Self, cast

from ..core.contracts import Camera, Kind
from ..core.device_contracts import HasClock, KnowsPosition, TakesSnapshots
from ..core.errors import CameraError, SiagaError
from ..core.outputs import HasOutputs
from ..core.settings import CameraSettings
from ..core.tasks import Crash, fenced, fenced_call
from .device_thread import Device, DeviceThread
from .findings import fail, told
from .hurried_loop import LoopClock
from .own_services import OwnServices
from .timed_calls import hurry, timed

START_LIMIT_S, CALL_LIMIT_S, STOP_LIMIT_S = 30.0, 10.0, 5.0
Call = Callable[[], Awaitable[object]]


class Answer(NamedTuple):
    """What a call gave: its value, or the error that it raised."""

    call: str
    value: object = None
    error: Exception | None = None


class CameraStage:
    """Hold the device of one check and the cameras that it makes, as an asynchronous context manager."""

    def __init__(
        self,
        kind: Kind[Any],
        module: ModuleType,
        device: Callable[[], AbstractAsyncContextManager[Device] | None],
        options: Callable[[str, int], dict[str, Any]],
        folder: Path,
    ) -> None:
        self.device = DeviceThread(device)
        self.services = OwnServices(folder, clock=LoopClock(asyncio.get_running_loop()))
        self.answers: list[Answer] = []
        self._kind, self._module, self._options = kind, module, options
        self._cameras: list[Camera] = []

    async def __aenter__(self) -> Self:
        await self.device.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hurry(1.0)
        for camera in self._cameras:
            await fenced(camera.stop)
        await self.services.close()
        await self.device.__aexit__(kind, err, trace)

    def make(self, more: Mapping[str, Any] | None = None) -> Camera:
        """Build a camera as the hub would; ``more`` replaces options."""
        options = self._kind.schema(self._options(self.device.host, self.device.port) | dict(more or {}))
        settings = CameraSettings(id="uji", type=self._kind.name, name="Kamera uji", options=options)
        camera = fenced_call(lambda: cast(Camera, self._kind.make(settings, self.services)))
        if isinstance(camera, Crash):
            fail(f"the factory of {self._kind.name!r} raised {told(camera.error, self._module)}")
        self._cameras.append(camera)
        return camera

    async def started(self, more: Mapping[str, Any] | None = None) -> Camera:
        """Build a camera, start it and ask its streams, all of which must succeed."""
        camera = self.make(more)
        self.must(await self.ask("start", camera.start, START_LIMIT_S))
        self.must(await self.ask("streams", camera.streams))
        return camera

    async def ask(self, name: str, call: Call, limit_s: float = CALL_LIMIT_S) -> Answer:
        """Make one call; it must end within its limit and raise nothing but an error of ``siaga.core``."""
        result = await timed(name, call, limit_s, "give each request a limit of its own (DeviceHttp has one)")
        if isinstance(result, Crash):
            if not isinstance(result.error, SiagaError):
                words = "what a device answers or fails to must become a CameraError (CameraLost, AuthFailed ...)"
                fail(f"{name} raised {told(result.error, self._module)}: {words}")
            if not isinstance(result.error, CameraError):
                fail(f"{name} raised {told(result.error, self._module)}, which is no CameraError")
        error = result.error if isinstance(result, Crash) else None
        self.answers.append(Answer(name, None if error else result, error))
        return self.answers[-1]

    async def ask_all(self, camera: Camera, *, with_streams: bool = True) -> list[Answer]:
        """Ask everything of a camera that only reads."""
        calls = reading_calls(camera)
        if not with_streams:
            calls.pop("streams")
        return [await self.ask(name, call) for name, call in calls.items()]

    def must(self, answer: Answer) -> object:
        """Return what a call gave; with a device that works it may not fail."""
        if answer.error is not None:
            fail(f"{answer.call} failed though the device works: {told(answer.error, self._module)}")
        return answer.value

    def hurry(self, speed: float) -> None:
        """Let the time-outs of what runs here pass ``speed`` times as fast."""
        hurry(speed)


def reading_calls(camera: Camera) -> dict[str, Call]:
    """Return what a camera can be asked without changing anything, by name."""
    calls: dict[str, Call] = {"streams": camera.streams}
    if camera.ptz is not None:
        calls["ptz.presets"] = camera.ptz.presets
        if isinstance(camera.ptz, KnowsPosition):
            calls["ptz.position"] = camera.ptz.position
    if isinstance(camera, TakesSnapshots):
        calls["snapshot"] = camera.snapshot
    if isinstance(camera, HasClock):
        calls["device_time"] = camera.device_time
    if isinstance(camera, HasOutputs) and camera.io is not None:
        calls["io.outputs"] = camera.io.outputs
    return calls
