"""A stranger's camera plugin runs in a process of its own: whatever it does there, the other cameras do not notice."""

import asyncio
import os
import time
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hub_site import IDLE, until

from siaga.core.config import load_settings
from siaga.core.contracts import StreamSource
from siaga.core.device_contracts import HasClock, KnowsPosition, TakesSnapshots
from siaga.core.errors import AuthFailed, CameraLost, NotSupported, PluginError
from siaga.core.hosting import keeper
from siaga.core.hub import Hub
from siaga.core.outputs import HasOutputs
from siaga.core.plugin_manager import PluginManager
from siaga.core.texts import Texts

pytestmark = pytest.mark.slow

# One source for two plugins: `nakal` misbehaves at the preset of that name, `tenang` is left in peace.
PLUGIN = """
import asyncio, os, re, sys, time
from datetime import datetime, timezone
import voluptuous as vol
from siaga.core import AuthFailed, CameraLost, EventKind, Kind, NotSupported, PtzPosition, StreamSource, hookimpl

NAME = "%NAME%"
SCHEMA = vol.Schema({
    vol.Optional("password", default=""): str,
    vol.Optional("wait", default="1s"): lambda text: float(text.removesuffix("s")),
})


class Ptz:
    def __init__(self, services):
        self.services = services
        self.kept = []

    async def presets(self):
        return ["gerbang", "pasar"]

    async def goto(self, preset):
        if preset == "tidur":
            time.sleep(60)
        if preset == "mati":
            os._exit(3)
        if preset == "regex":
            re.match(r"(a+)+$", "a" * 60 + "b")
        if preset == "makan":
            self.kept.append(bytearray(os.urandom(1)) * 700_000_000)
            return
        if preset == "banjir":
            for number in range(300):
                await self.services.emit(f"{NAME}.kabar", data={"nomor": number})
            return
        if preset == "bocor":
            for number in range(300):
                self.services.start(f"tugas {number}", asyncio.Event().wait)
        if preset == "salah":
            raise KeyError("aduh")
        if preset == "hilang":
            raise CameraLost("tidak ada jawaban dari http://admin:rahasia@10.0.0.9/")
        if preset == "lama":
            await asyncio.sleep(60)
        if preset not in ("gerbang", "pasar"):
            raise NotSupported("yang ada: gerbang, pasar")

    async def move(self, pan, tilt, zoom, seconds):
        await self.services.remember("gerak", [pan, tilt, zoom, seconds])

    async def stop(self): ...

    async def position(self):
        gerak = await self.services.recall("gerak")
        return PtzPosition(pan=gerak[0], tilt=gerak[1], zoom=gerak[2])


class Camera:
    def __init__(self, settings, services):
        assert isinstance(settings.options["wait"], float)
        self.settings, self.services = settings, services
        self.ptz = None

    async def start(self):
        if self.settings.options["password"] == "salah":
            raise AuthFailed("sandi ditolak")
        self.ptz = Ptz(self.services)
        self.services.start("kabar", self.tell)

    async def tell(self):
        while NAME == "tenang":
            await self.services.emit("tenang.kabar", data={"sejak": time.time()})
            await asyncio.sleep(0.3)

    async def streams(self):
        return [StreamSource(role="main", url="rtsp://10.0.0.9/main", username="a", password="b")]

    async def snapshot(self):
        return b"\\xff\\xd8" + str(os.getpid()).encode()

    async def device_time(self):
        return "kemarin"

    async def stop(self):
        await self.services.remember("berhenti", True)


@hookimpl
def offer_cameras():
    return [Kind(NAME, SCHEMA, Camera, "Kamera uji")]


@hookimpl
def offer_event_kinds():
    return [EventKind(name=f"{NAME}.kabar", summary="Kabar")]
"""
CAMERAS = "kali: {type: nakal, wait: 2s}\n  taman: {type: tenang}"


@asynccontextmanager
async def running(folder, cameras=CAMERAS):
    (folder / "plugins").mkdir()
    for name in ("nakal", "tenang"):
        (folder / "plugins" / f"{name}.py").write_text(PLUGIN.replace("%NAME%", name))
    file = folder / "config.yaml"
    file.write_text(f"site: {{name: Kebon Baru, language: en}}\nweb: {{port: 0}}\ncameras:\n  {cameras}\n")
    plugins = PluginManager(folder, in_hub=True, texts=Texts("en"))
    plugins.load()
    loaded = load_settings(file, plugins)
    assert not loaded.problems, loaded.problems
    hub = Hub(loaded.settings, plugins, tuning=IDLE)
    try:
        await hub.open()
        await hub.start()
        yield hub
    finally:
        assert await hub.stop() == ()


async def ready(hub, *cameras):
    for camera in cameras:
        await until(lambda name=camera: hub.cameras[name].ptz is not None, 30)


def is_lost(hub, camera):
    health = hub.health.get(f"camera {camera}")
    return health is not None and health.state == "lost"


async def told(hub, kind):
    return [c.event for c in await hub.events.after(0, 5000) if c.event.kind == kind]


def state(hub, plugin="nakal"):
    return next(one for one in hub.desk.hosts.states if one.plugin == plugin)


async def pid_of(camera):
    return int((await camera.snapshot())[2:])


async def test_a_camera_in_its_own_process_does_all_that_it_does_in_the_hub(tmp_path):
    async with running(tmp_path) as hub:
        await ready(hub, "kali", "taman")
        kali, taman = hub.cameras["kali"], hub.cameras["taman"]
        assert len({await pid_of(kali), await pid_of(taman), os.getpid()}) == 3
        assert isinstance(kali, TakesSnapshots)
        assert isinstance(kali, HasClock)
        assert isinstance(kali.ptz, KnowsPosition)
        assert not (isinstance(kali, HasOutputs) and kali.io is not None)
        source = StreamSource(role="main", url="rtsp://10.0.0.9/main", username="a", password="b")
        assert list(await kali.streams()) == [source]
        assert await kali.ptz.presets() == ("gerbang", "pasar")
        await kali.ptz.move(0.5, -0.25, 0.0, 1.5)
        assert (await kali.ptz.position()).tilt == -0.25
        with pytest.raises(NotSupported, match="gerbang"):
            await kali.ptz.goto("jembatan")
        with pytest.raises(PluginError, match="KeyError"):
            await kali.ptz.goto("salah")
        with pytest.raises(CameraLost) as lost:
            await kali.ptz.goto("hilang")
        assert "rahasia" not in str(lost.value)
        with pytest.raises(PluginError, match="device_time"):
            await kali.device_time()
        (event, *_) = await until(lambda: told(hub, "tenang.kabar"))
        assert event.camera == "taman"
        with pytest.raises(PluginError, match="200"):
            await kali.ptz.goto("bocor")
        process = await pid_of(kali)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


async def test_a_refused_password_and_a_call_that_nobody_waits_for(tmp_path):
    async with running(tmp_path, "kali: {type: nakal, password: salah}\n  taman: {type: tenang}") as hub:
        await until(lambda: is_lost(hub, "kali"), 30)
        assert "sandi ditolak" in hub.health.get("camera kali").reason
        with pytest.raises(AuthFailed):
            await hub.cameras["kali"].start()
        await ready(hub, "taman")
        asking = asyncio.create_task(hub.cameras["taman"].ptz.goto("lama"))
        await asyncio.sleep(0.2)
        asking.cancel()
        assert await asyncio.wait_for(hub.cameras["taman"].ptz.presets(), 5) == ("gerbang", "pasar")


@pytest.mark.parametrize("fault", ["tidur", "regex"])
async def test_a_plugin_that_blocks_is_replaced_and_named_and_another_camera_does_not_notice(tmp_path, fault):
    async with running(tmp_path) as hub:
        await ready(hub, "kali", "taman")
        first = await pid_of(hub.cameras["kali"])
        blocked = asyncio.create_task(hub.cameras["kali"].ptz.goto(fault))
        waits = []
        while not blocked.done():
            began = time.monotonic()
            assert await hub.cameras["taman"].ptz.presets()
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.02)
        with pytest.raises(CameraLost):
            await blocked
        assert len(waits) > 50, "it was asked all the while"
        assert max(waits) < 0.5, "half a second at worst on a machine that runs other tests too"
        (news,) = await until(lambda: told(hub, "plugin.restarted"))
        assert "nakal.py:" in news.data["reason"]
        assert "goto" in news.data["reason"]
        await until(lambda: hub.health.get("plugin nakal").state == "ok", 30)
        await until(lambda: hub.health.get("camera kali").state == "ok", 30)
        assert await pid_of(hub.cameras["kali"]) != first
        assert state(hub).restarts == 1
        gaps = [event.at for event in await told(hub, "tenang.kabar")]
        longest = max((after - before).total_seconds() for before, after in pairwise(gaps))
        assert longest < 1.5, "the other camera told every 0.3 s"


async def test_a_plugin_that_keeps_dying_rests_with_its_reason_and_can_be_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "FIRST_REST_S", 120.0)
    async with running(tmp_path) as hub:
        kali = hub.cameras["kali"]
        for _ in range(keeper.MOST_ENDS):
            await until(lambda: state(hub).state == "ok", 30)
            await kali.start()
            await kali.streams()
            with pytest.raises(CameraLost):
                await kali.ptz.goto("mati")
            await until(lambda: state(hub).state != "ok", 30)
        (news,) = await until(lambda: told(hub, "plugin.quarantined"))
        assert (news.data["plugin"], news.data["wait_s"]) == ("nakal", 120.0)
        assert "3" in news.data["reason"]
        assert hub.health.get("plugin nakal").state == "off"
        with pytest.raises(CameraLost, match="quarantine"):
            await kali.streams()
        assert state(hub).rests_until is not None
        assert not hub.desk.hosts.release("tenang")
        assert hub.desk.hosts.release("nakal")
        await until(lambda: state(hub).state == "ok", 30)
        assert await kali.snapshot()
        assert (await hub.cameras["taman"].ptz.presets()) == ("gerbang", "pasar")


async def test_a_plugin_that_floods_or_grows_costs_itself(tmp_path):
    async with running(tmp_path) as hub:
        await ready(hub, "kali", "taman")
        await hub.cameras["kali"].ptz.goto("banjir")
        assert len(await told(hub, "nakal.kabar")) < 60
        assert await told(hub, "plugin.throttled")
        await hub.cameras["kali"].ptz.goto("makan")
        (news,) = await until(lambda: told(hub, "plugin.restarted"))
        assert "MB" in news.data["reason"]
