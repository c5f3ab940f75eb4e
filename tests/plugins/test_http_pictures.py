"""The camera kinds ``mjpeg`` and ``snapshot``: pictures over HTTP become a stream that is recorded and looked at."""

import asyncio
import time
from contextlib import asynccontextmanager
from itertools import pairwise

import cv2
import numpy as np
import pytest
import voluptuous as vol
from aiohttp import web
from digest_login import DigestLogin
from plugin_services import OwnServices

from siaga.core.clock import SystemClock
from siaga.core.config import load_settings
from siaga.core.errors import AuthFailed, CameraLost, MediaError
from siaga.core.hub import Hub
from siaga.core.media.reader import StreamReader
from siaga.core.plugin_manager import PluginManager
from siaga.core.settings import CameraSettings
from siaga.core.texts import Texts
from siaga.plugins.cameras.pictures import offer_cameras

KINDS = {kind.name: kind for kind in offer_cameras()}


def picture(number, size=(320, 240)):
    drawn = np.full((size[1], size[0], 3), 90, np.uint8)
    cv2.rectangle(drawn, (20 + 9 * number % 200, 60), (80 + 9 * number % 200, 180), (30, 30, 220), -1)
    return cv2.imencode(".jpg", drawn)[1].tobytes()


class PictureCamera:
    """Serve /video.mjpg and /shot.jpg; a context manager."""

    def __init__(self, every_s=0.1, login=None) -> None:
        self.every_s, self.login = every_s, login
        self.number = 0
        self.is_frozen = False
        self.content_type = "text/html"  # lies, as many do
        self.asked = []
        self.body = None

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/video.mjpg", self._video)
        app.router.add_get("/shot.jpg", self._shot)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def _video(self, request):
        if self.login and (refusal := self.login.refusal(request)) is not None:
            return refusal
        response = web.StreamResponse(headers={"Content-Type": self.content_type})
        await response.prepare(request)
        while True:
            self.number += 1
            jpeg = picture(self.number)
            await response.write(
                b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n"
            )
            await asyncio.sleep(self.every_s)

    async def _shot(self, request):
        if self.login and (refusal := self.login.refusal(request)) is not None:
            return refusal
        self.asked.append(dict(request.headers))
        if self.body is not None:
            return web.Response(body=self.body)
        self.number += not self.is_frozen
        tag = f'"{self.number}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        return web.Response(body=picture(self.number), headers={"ETag": tag}, content_type="image/jpeg")


class Ear:
    """Write down what the recorder's reader tells."""

    def __init__(self) -> None:
        self.configs, self.units, self.conditions = [], [], []

    def on_config(self, config):
        self.configs.append(config)

    def on_unit(self, unit):
        self.units.append(unit)

    def on_condition(self, condition, reason):
        self.conditions.append((condition, reason))


@asynccontextmanager
async def read(source):
    ear = Ear()
    reader = StreamReader(source, ear, Texts("en"), name="uji")
    reader.start()
    try:
        yield ear
    finally:
        reader.stop()
        await asyncio.to_thread(reader.join, 3)


async def until(holds, limit_s=15.0):
    async with asyncio.timeout(limit_s):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.fixture
async def services(tmp_path):
    async with OwnServices(tmp_path) as lent:
        yield lent


def made(kind, services, **options):
    settings = CameraSettings(id="gudang", type=kind, name="Gudang", options=KINDS[kind].schema(options))
    return KINDS[kind].make(settings, services)


async def test_a_stream_of_pictures_is_read_at_the_pace_in_which_it_comes(services):
    async with PictureCamera(every_s=0.2) as device:
        camera = made("mjpeg", services, url=f"{device.base}/video.mjpg")
        [source] = await camera.streams()
        async with read(source) as ear:
            await until(lambda: len(ear.units) >= 10)
    assert ear.configs[0].codec == "mjpeg"
    assert all(unit.is_key for unit in ear.units)
    steps = [b.pts_s - a.pts_s for a, b in pairwise(ear.units[2:10])]
    assert 0.1 < sum(steps) / len(steps) < 0.5


async def test_a_stream_of_pictures_with_a_digest_login_is_read(services):
    login = DigestLogin()
    async with PictureCamera(login=login) as device:
        address = f"{device.base}/video.mjpg".replace("//", f"//{login.username}:{login.password}@")
        [source] = await made("mjpeg", services, url=address).streams()
        assert login.password not in source.url
        async with read(source) as ear:
            await until(lambda: len(ear.units) >= 3)


async def test_still_pictures_become_a_stream_and_the_same_one_is_not_fetched_twice(services):
    async with PictureCamera() as device:
        camera = made("snapshot", services, url=f"{device.base}/shot.jpg", every="0.5 s")
        await camera.start()
        [source] = await camera.streams()
        async with read(source) as ear:
            await until(lambda: len(ear.units) >= 3)
            assert len({bytes(unit.data) for unit in ear.units}) >= 2
            device.is_frozen = True
            count = len(device.asked)
            await until(lambda: len(device.asked) >= count + 3)
        assert all("If-None-Match" in headers for headers in device.asked[1:])
        assert (await camera.snapshot()).startswith(b"\xff\xd8")
        await camera.stop()


@pytest.mark.slow
async def test_a_picture_that_seldom_changes_is_no_lost_stream_but_a_dead_camera_is(services):
    async with PictureCamera() as device:
        device.is_frozen = True
        camera = made("snapshot", services, url=f"{device.base}/shot.jpg", every="1 s")
        await camera.start()
        [source] = await camera.streams()
        async with read(source) as ear:
            await until(lambda: ear.units)
            begun = time.monotonic()
            await until(lambda: time.monotonic() - begun > 13, 20)
            assert [condition for condition, _ in ear.conditions] == ["connecting", "live"]
            device.body = b"rusak"
            await until(lambda: any(condition == "lost" for condition, _ in ear.conditions), 40)
        await camera.stop()


async def test_a_login_is_needed_and_a_wrong_one_is_said(services):
    login = DigestLogin()
    async with PictureCamera(login=login) as device:
        url = f"{device.base}/shot.jpg"
        right = made("snapshot", services, url=url, username=login.username, password=login.password)
        await right.start()
        await right.stop()
        wrong = made("snapshot", services, url=url, username=login.username, password="bukan-ini")
        with pytest.raises(AuthFailed) as caught:
            await wrong.start()
        assert "bukan-ini" not in str(caught.value)
        await wrong.stop()


@pytest.mark.parametrize("body", [b"", b"<html>", b"\x89PNG", b"x" * 9_000_000])
async def test_what_is_no_picture_is_named(services, body):
    async with PictureCamera() as device:
        device.body = body
        camera = made("snapshot", services, url=f"{device.base}/shot.jpg")
        with pytest.raises(CameraLost):
            await camera.start()
        await camera.stop()


def test_an_address_that_is_no_web_address_is_refused():
    with pytest.raises(vol.Invalid):
        KINDS["mjpeg"].schema({"url": "rtsp://10.0.0.5/x"})


@pytest.mark.slow
async def test_a_hub_shows_and_records_such_a_camera(tmp_path):
    async with PictureCamera(every_s=0.2) as device:
        file = tmp_path / "config.yaml"
        file.write_text(
            "site: {name: Uji}\nmedia: {eyes: 1}\ncameras:\n"
            f"  gudang: {{type: mjpeg, url: '{device.base}/video.mjpg'}}\n"
            f"  pos: {{type: snapshot, url: '{device.base}/shot.jpg', every: 1 s}}\n"
        )
        plugins = PluginManager(tmp_path, in_hub=True)
        plugins.load()
        hub = Hub(load_settings(file, plugins).settings, plugins, clock=SystemClock())
        try:
            await hub.open()
            await hub.start()
            await until(lambda: all(_is_live(hub, name) for name in ("gudang", "pos")), 30)
            for name in ("gudang", "pos"):
                shown = await _picture(hub, name)
                assert cv2.imdecode(np.frombuffer(shown.jpeg, np.uint8), 1).shape[:2] == (240, 320)
            clip_id = await hub.burst("gudang", hub.clock.now(), 1.0, 1.0, "uji")
            async with asyncio.timeout(30):
                while (clip := await hub.clip(clip_id)) is None:
                    await asyncio.sleep(0.05)
            film = cv2.VideoCapture(str(hub.storage / clip.path))
            assert film.read()[0]
        finally:
            await hub.stop()


def _is_live(hub, name):
    report = hub.media.stream(name, "main")
    return report is not None and report.condition == "live"


async def _picture(hub, name):
    async with asyncio.timeout(20):
        while True:
            try:
                return await hub.picture(name)
            except MediaError:
                await asyncio.sleep(0.2)
