"""The process of one plugin: makes and runs its cameras, answers the hub, beats once a second."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import itertools
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ..clock import SystemClock
from ..contracts import Camera
from ..errors import LinkClosed, NotSupported, PluginError, SiagaError
from ..log import masked
from ..media.link import AsyncLink
from ..media.messages import Stop
from ..plugin_manager import PluginManager
from ..services import MOST_TASKS
from ..settings import CameraSettings
from ..tasks import Crash, TaskHandle, Tasks, fenced, unless
from ..texts import Texts
from .calls import CALLS, SERVICES, held, offered, packed, unpacked
from .child_services import ChildServices, Shared
from .messages import (
    Answered,
    Asked,
    Begin,
    Call,
    Cancel,
    HostBeat,
    Lent,
    MakeCamera,
    Offers,
    ToHost,
)

BEAT_S = 1.0
# A loop that has not turned for so long is told with its stack; the hub ends the process a little later.
STACK_AFTER_S = 3.0
_STOP_LIMIT_S = 3.0

logger = logging.getLogger(__name__)


class Made:
    """Hold one camera, or why it could not be made."""

    def __init__(self, camera: Camera | None, services: ChildServices | None, error: SiagaError | None) -> None:
        self.camera = camera
        self.services = services
        self.error = error
        self.offers: tuple[str, ...] = ()
        self.is_stopped = False


class Process:
    """Serve the hub over one link."""

    def __init__(self, link: AsyncLink[ToHost], plugins: PluginManager, texts: Texts) -> None:
        self._link = link
        self._plugins = plugins
        self._texts = texts
        self._tasks = Tasks(SystemClock())
        self._shared: Shared | None = None
        self._made: dict[str, Made] = {}
        self._calls: dict[int, TaskHandle] = {}
        self._asked: dict[int, asyncio.Future[Lent]] = {}
        self._numbers = itertools.count(1)
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Serve until told to stop, or until the hub is gone."""
        self._tasks.start("beat", self._beat)
        try:
            await unless(self._ended, self._serve)
        except LinkClosed:
            logger.warning("the hub is gone")

    async def _serve(self) -> None:
        while True:
            for message in await self._link.receive():
                if isinstance(message, Stop):
                    # Cameras that stop may still ask the hub for something.
                    self._tasks.start("end", self._end, restart=False)
                else:
                    self._take(message)

    def _take(self, message: ToHost) -> None:
        if isinstance(message, Begin):
            self._shared = Shared(message, SystemClock(), self._texts)
        elif isinstance(message, MakeCamera):
            self._made[message.settings.id] = self._make(message.settings)
        elif isinstance(message, Call):
            if len(self._calls) >= MOST_TASKS:
                self._post(Answered(number=message.number, error="PluginError", words=self._texts("host.busy")))
                return
            self._calls[message.number] = self._tasks.start(message.what, lambda: self._call(message), restart=False)
        elif isinstance(message, Cancel) and (running := self._calls.get(message.number)) is not None:
            running.cancel()
        elif isinstance(message, Lent) and (waiting := self._asked.get(message.number)) and not waiting.done():
            waiting.set_result(message)

    def _make(self, settings: CameraSettings) -> Made:
        assert self._shared is not None
        services = ChildServices(settings.id, self._shared, self._asker(settings.id))
        kind = self._plugins.cameras.get(settings.type)
        if kind is None:
            off = self._plugins.off_plugin_for("cameras", settings.type)
            return Made(None, None, PluginError(off.reason if off else settings.type))
        try:
            checked = self._plugins.fence(lambda: kind.schema(dict(settings.written)))
            camera = self._plugins.make(kind, msgspec.structs.replace(settings, options=checked), services)
        except SiagaError as err:
            return Made(None, None, err)
        return Made(camera, services, None)

    async def _call(self, call: Call) -> None:
        try:
            await self._answer(call)
        finally:
            self._calls.pop(call.number, None)

    async def _answer(self, call: Call) -> None:
        made = self._made.get(call.camera)
        answer = Answered(number=call.number, error="PluginError", words=f"no camera {call.camera}")
        if made is not None:
            outcome = await fenced(lambda: self._plugins.guard(self._outcome(made, call), call.camera))
            if isinstance(outcome, Crash):
                name = type(outcome.error).__name__ if isinstance(outcome.error, SiagaError) else "PluginError"
                answer = Answered(number=call.number, error=name, words=masked(str(outcome.error)))
            else:
                answer = Answered(number=call.number, value=outcome)
            self._tell_offers(call.camera, made)
        self._post(answer)

    async def _outcome(self, made: Made, call: Call) -> bytes:
        if made.error is not None:
            raise made.error
        types = CALLS[call.what]
        holder, method = held(made.camera, call.what)
        if holder is None or not callable(getattr(holder, method, None)):
            raise NotSupported(self._texts("host.not_offered", call=call.what))
        value = await getattr(holder, method)(*unpacked(call.arguments, types.arguments))
        if call.what == "stop" and made.services is not None:
            made.is_stopped = True
            await made.services.end()
        return _fitting(value, call.what, types.answer)

    def _tell_offers(self, camera: str, made: Made) -> None:
        now = offered(made.camera) if made.camera is not None else ()
        if now != made.offers:
            made.offers = now
            self._post(Offers(camera=camera, calls=now))

    def _asker(self, camera: str) -> Callable[[str, tuple[Any, ...]], Any]:
        async def ask(what: str, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401  as the services' table says
            number = next(self._numbers)
            waiting: asyncio.Future[Lent] = asyncio.get_running_loop().create_future()
            self._asked[number] = waiting
            try:
                try:
                    await self._link.send(Asked(number=number, camera=camera, what=what, arguments=packed(arguments)))
                except TypeError as err:
                    raise PluginError(f"{what}: {err}") from None
                async with asyncio.timeout(SERVICES[what].limit_s):
                    lent = await waiting
            except TimeoutError:
                raise PluginError(self._texts("host.hub_late", what=what)) from None
            finally:
                del self._asked[number]
            if lent.error:
                raise PluginError(lent.error)
            return unpacked(lent.value, SERVICES[what].answer)

        return ask

    async def _beat(self) -> None:
        while True:
            # Disarmed by the next one: a loop that stands still has its stack written by a thread of C.
            faulthandler.dump_traceback_later(STACK_AFTER_S, exit=False)
            used = resource.getrusage(resource.RUSAGE_SELF)
            self._post(HostBeat(pid=os.getpid(), rss_bytes=_rss_bytes(), cpu_s=used.ru_utime + used.ru_stime))
            for camera, made in self._made.items():
                self._tell_offers(camera, made)
            await asyncio.sleep(BEAT_S)

    async def _end(self) -> None:
        """Stop what was not stopped one by one; then nothing is served any more."""
        closing = Tasks(SystemClock())
        for name, made in self._made.items():
            if made.camera is not None and not made.is_stopped:
                closing.start(name, made.camera.stop, restart=False)
        await closing.finish(_STOP_LIMIT_S)
        if self._shared is not None:
            await self._shared.close()
        self._ended.set()

    def _post(self, message: object) -> None:
        try:
            self._link.post(message)
        except LinkClosed:
            logger.debug("the hub does not read")


def _fitting(value: object, what: str, kind: Any) -> bytes:  # noqa: ANN401
    if what == "stop" or kind is None:
        return packed(None)
    try:
        content = packed(tuple(value) if isinstance(value, list) else value)
        unpacked(content, kind)
    except (msgspec.MsgspecError, TypeError) as err:
        raise PluginError(f"{what}() returned {type(value).__name__}, which does not fit: {err}") from None
    return content


def _rss_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()


async def _serve(sock: socket.socket, plugins: PluginManager, texts: Texts) -> None:
    await Process(await AsyncLink.open(sock, ToHost), plugins, texts).run()


def main(arguments: list[str] | None = None) -> None:
    """Run the process; ``python -m siaga.core.hosting.process``, started by the hub alone."""
    parser = argparse.ArgumentParser(description="One plugin's cameras; started by the hub.")
    parser.add_argument("--hub-fd", type=int, required=True)
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--language", default="id")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # Ctrl-C goes to the whole group of the terminal; the hub alone decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(fileno=options.hub_fd)
    texts = Texts(options.language)
    plugins = PluginManager(Path(options.folder), in_hub=True, built_ins=(), texts=texts, only=options.plugin)
    plugins.load()
    asyncio.run(_serve(sock, plugins, texts))
    # A plugin's thread that does not end must not hold the process.
    os._exit(0)


if __name__ == "__main__":
    main()
