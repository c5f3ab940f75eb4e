"""Camera kind ``demo``: rendered scenes with known truth, so that Siaga can be seen to work without a camera.

One helper process (``demo_server``) draws, encodes and serves the scenes of all demo cameras of a hub;
this module only starts it, keeps it alive and speaks to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import sys
import weakref
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
import voluptuous as vol

from ...core import (
    Camera,
    CameraKind,
    CameraLost,
    CameraSettings,
    Kind,
    NotSupported,
    Outputs,
    Ptz,
    PtzPosition,
    Services,
    StreamSource,
    Texts,
    hookimpl,
)

SCENES = ("canal", "schoolyard", "ptz")
# As the scene ``ptz`` has them; that file needs OpenCV, which the hub must not load.
PRESETS = ("pintu-air", "jembatan", "pos-rw")
MAX_ZOOM = 3.0
SCHEMA = vol.Schema(
    {
        vol.Required("scene", description="demo.option.scene"): vol.In(SCENES),
        vol.Optional("seed", default=1, description="demo.option.seed"): vol.All(int, vol.Range(0, 9999)),
        vol.Optional("speed", default=1.0, description="demo.option.speed"): vol.All(
            vol.Coerce(float), vol.Range(0.1, 20)
        ),
    }
)
_MODULE = "siaga.plugins.cameras.demo_server"
# Importing OpenCV and FFmpeg takes under a second; a loaded small PC may need ten times that.
_START_LIMIT_S = 20.0
_STOP_LIMIT_S = 3.0
_CALL_LIMIT = aiohttp.ClientTimeout(total=8)
# The stream is ours: its first picture tells all, so FFmpeg need not measure the frame rate (0.7 s).
_READ_OPTIONS = {"format": "mpegts", "probesize": "65536", "analyzeduration": "300000", "fpsprobesize": "0"}
# A heap for each of a dozen threads would hold 100 MB that nobody uses.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}
_log = logging.getLogger(__name__)


class DemoHost:
    """Own the helper process that all demo cameras of one event loop share.

    The socket is ours and every helper serves at it, with the same token: the recorder's URLs stay true, and
    nobody can take the port between one helper and the next.
    """

    _of_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, DemoHost] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self._token = secrets.token_urlsafe(16)
        self._socket: socket.socket | None = None
        self.timezone = ""  # of the clock burnt into the pictures; the machine's where empty
        self._users = 0
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    @classmethod
    def shared(cls) -> DemoHost:
        """Return the host of the running event loop."""
        return cls._of_loop.setdefault(asyncio.get_running_loop(), cls())

    @property
    def base_url(self) -> str:
        """Return where the helper serves; true after ``ensure``."""
        return f"http://127.0.0.1:{self._port}/{self._token}"

    @property
    def _port(self) -> int:
        return int(self._socket.getsockname()[1]) if self._socket else 0

    @property
    def pid(self) -> int:
        """Return the helper's process id, 0 while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    async def acquire(self, texts: Texts) -> None:
        """Count one more camera and see that the helper runs. CameraLost when it does not start."""
        self._users += 1
        await self.ensure(texts)

    async def release(self) -> None:
        """Count one camera less; the last one ends the helper."""
        self._users = max(0, self._users - 1)
        async with self._lock:
            if self._users == 0:
                await self._end()
                if self._socket is not None:
                    self._socket.close()
                    self._socket = None

    async def ensure(self, texts: Texts) -> None:
        """Start the helper unless it runs."""
        async with self._lock:
            if self.pid:
                return
            await self._end()
            await self._begin(texts)

    async def wait_ended(self) -> None:
        """Return when the helper has died."""
        if self._process is not None:
            await self._process.wait()

    async def _begin(self, texts: Texts) -> None:
        if self._socket is None:
            self._socket = socket.create_server(("127.0.0.1", 0))
        listener = self._socket.fileno()
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _MODULE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(listener,),
            env={**os.environ, **_ENVIRONMENT, **({"TZ": self.timezone} if self.timezone else {})},
        )
        assert process.stdin is not None and process.stdout is not None
        # By the pipe and not by the command line: other users of the machine see that one.
        try:
            process.stdin.write(msgspec.json.encode({"token": self._token, "socket": listener}) + b"\n")
            line = await asyncio.wait_for(process.stdout.readline(), _START_LIMIT_S)
            if not line:
                raise ConnectionError("the helper ended")
        except (ValueError, TimeoutError, ConnectionError) as err:
            await self._end()
            raise CameraLost(texts("demo.error.no_start")) from err
        _log.info("demo scenes are served on port %s by process %s", self._port, process.pid)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()  # the helper leaves when its input ends
        try:
            await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class _Asking:
    """Ask the helper process for one camera."""

    def __init__(self, services: Services, url: Callable[[str], str]) -> None:
        self._services = services
        self._url = url

    async def _call(self, what: str, **values: float | str) -> dict[str, Any]:
        texts = self._services.texts
        try:
            async with self._services.http().post(self._url(what), json=values, timeout=_CALL_LIMIT) as answer:
                body: dict[str, Any] = await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as err:
            raise CameraLost(texts("demo.error.no_answer")) from err
        if answer.status == 404 and "presets" in body:
            known = ", ".join(body["presets"])
            raise NotSupported(texts("demo.error.no_preset", preset=values.get("preset", ""), known=known))
        if answer.status == 404 and "outputs" in body:
            known = ", ".join(body["outputs"])
            raise NotSupported(texts("demo.error.no_output", output=values.get("output", ""), known=known))
        if answer.status != 200:
            raise CameraLost(texts("demo.error.refused", status=answer.status))
        return body


class DemoPtz(_Asking):
    """Turn the virtual camera of the scene ``ptz``."""

    async def presets(self) -> tuple[str, ...]:
        """Return the names of the presets."""
        return tuple((await self._call("ptz/presets"))["presets"])

    async def goto(self, preset: str) -> None:
        """Turn to a preset; the way takes about two seconds."""
        await self._call("ptz/goto", preset=preset)

    async def move(self, pan: float, tilt: float, zoom: float, seconds: float) -> None:
        """Turn at a speed of -1..1 on each axis for some seconds."""
        await self._call("ptz/move", pan=pan, tilt=tilt, zoom=zoom, seconds=seconds)

    async def stop(self) -> None:
        """Stand still at once."""
        await self._call("ptz/stop")

    async def position(self) -> PtzPosition:
        """Return where the view stands in the wide scene."""
        said: dict[str, Any] = (await self._call("ptz/position"))["position"]
        return PtzPosition(
            pan=2 * said["pan"] - 1,
            tilt=1 - 2 * said["tilt"],
            zoom=(said["zoom"] - 1) / (MAX_ZOOM - 1),
            is_moving=said["moves"],
        )


class DemoIo(_Asking):
    """Switch the siren, lamp and speaker that the picture shows as words and light."""

    async def outputs(self) -> tuple[str, ...]:
        """Return the names of the outputs."""
        return tuple((await self._call("io/state"))["outputs"])

    async def on(self) -> tuple[str, ...]:
        """Return the outputs that are on now."""
        return tuple((await self._call("io/state"))["on"])

    async def switch(self, output: str, is_on: bool, for_s: float) -> None:
        """Switch an output; the helper process ends it after ``for_s``."""
        await self._call("io/switch", output=output, is_on=is_on, for_s=for_s)

    async def play(self, sound: str) -> None:
        """Show for some seconds that a sound is played."""
        await self._call("io/play", sound=sound)


class DemoCamera:
    """Show one rendered scene as a camera."""

    def __init__(self, settings: CameraSettings, services: Services) -> None:
        self._services = services
        self._camera = settings.id
        self._scene = str(settings.options["scene"])
        self._query = urlencode({key: settings.options.get(key, 1) for key in ("seed", "speed")})
        self._host: DemoHost | None = None
        self.ptz: Ptz | None = DemoPtz(services, self._url) if self._scene == "ptz" else None
        self.io: Outputs | None = DemoIo(services, self._url)

    async def start(self) -> None:
        """Join the helper process, starting it where this is the first demo camera."""
        if self._host is None:
            self._host = DemoHost.shared()
            self._host.timezone = self._services.site.timezone
            await self._host.acquire(self._services.texts)
        else:
            await self._host.ensure(self._services.texts)
        self._services.start(f"demo-watch-{self._camera}", self._watch(self._host))

    async def streams(self) -> Sequence[StreamSource]:
        """Return 960×540 for recording and 640×360 for the eyes."""
        return (
            StreamSource(role="main", url=self._url("main.ts"), options=dict(_READ_OPTIONS)),
            StreamSource(role="sub", url=self._url("sub.ts"), options=dict(_READ_OPTIONS)),
        )

    async def stop(self) -> None:
        """Leave the helper process; the last demo camera ends it."""
        host, self._host = self._host, None
        if host is not None:
            await host.release()

    def _watch(self, host: DemoHost) -> Callable[[], Awaitable[None]]:
        async def watch() -> None:
            if self._host is not host:
                return  # stopped meanwhile
            await host.ensure(self._services.texts)
            await host.wait_ended()
            if self._host is not host:
                return
            # Raised, not handled: the task room restarts this with back-off and says so.
            raise CameraLost(self._services.texts("demo.error.ended"))

        return watch

    def _url(self, rest: str) -> str:
        base = self._host.base_url if self._host else DemoHost.shared().base_url
        return f"{base}/{self._scene}/{quote(self._camera, safe='')}/{rest}?{self._query}"


@hookimpl
def offer_cameras() -> Iterable[Kind[Camera]]:
    """Offer the camera kind ``demo``."""
    return (
        CameraKind(
            "demo",
            SCHEMA,
            DemoCamera,
            "Kamera contoh dengan pemandangan buatan: kali, halaman sekolah, kamera putar.",
            "A sample camera with a rendered scene: canal, schoolyard, turning camera.",
            presets=lambda options: PRESETS if options["scene"] == "ptz" else (),
        ),
    )
