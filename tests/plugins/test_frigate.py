"""The camera kind ``frigate`` against a stand-in that answers as Frigate's HTTP API 0.14 is documented."""

import asyncio
import time

import pytest
from aiohttp import web
from plugin_services import OwnServices

from siaga.core.errors import AuthFailed, CameraLost
from siaga.core.settings import CameraSettings
from siaga.plugins.cameras.frigate import offer_cameras

JPEG = b"\xff\xd8\xff\xe0JFIF\xff\xd9"


class FrigatePlayed:
    """Play a Frigate; ``token`` asks for a login, as port 8971 does."""

    def __init__(self, token="") -> None:
        self.token = token
        self.events = []
        self.logins = 0
        self.garbage = None

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/api/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    def see(self, label, camera="gang", began=None, **more):
        began = began or time.time()
        self.events.append({"id": f"{began}-x", "camera": camera, "label": label, "start_time": began, **more})

    async def _answer(self, request):
        if self.garbage is not None:
            return web.Response(body=self.garbage)
        path = request.match_info["path"]
        if path == "login":
            said = await request.json()
            if said != {"user": "siaga", "password": "rahasia-kita"}:
                return web.json_response({"message": "Login failed"}, status=401)
            self.logins += 1
            return web.json_response({}, headers={"Set-Cookie": f"frigate_token={self.token}; HttpOnly; Path=/"})
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        if path == "config":
            return web.json_response({"cameras": {"gang": {}, "pasar": {}}})
        if path.endswith("latest.jpg"):
            return web.Response(body=JPEG, content_type="image/jpeg")
        if path == "events":
            after = float(request.query["after"])
            found = [e for e in self.events if e["camera"] == request.query["cameras"] and e["start_time"] >= after]
            return web.json_response(sorted(found, key=lambda e: -e["start_time"]))
        return web.Response(status=404)


@pytest.fixture
async def services(tmp_path):
    async with OwnServices(tmp_path) as lent:
        yield lent


@pytest.fixture
def kind():
    [offered] = offer_cameras()
    return offered


def made(kind, services, port, **more):
    options = kind.schema({"host": "127.0.0.1", "port": port, **more})
    return kind.make(CameraSettings(id="gang", type="frigate", name="Gang", options=options), services)


async def until(holds, limit_s=15.0):
    async with asyncio.timeout(limit_s):
        while not holds():
            await asyncio.sleep(0.02)


async def test_the_restream_and_a_picture_come_from_frigate(kind, services):
    async with FrigatePlayed() as frigate:
        camera = made(kind, services, frigate.port)
        await camera.start()
        [main] = await camera.streams()
        assert main.url == "rtsp://127.0.0.1:8554/gang"
        assert await camera.snapshot() == JPEG
        await camera.stop()


async def test_what_frigate_sees_from_now_on_is_told_once_even_after_a_restart(kind, services, tmp_path):
    async with FrigatePlayed() as frigate:
        frigate.see("person", began=time.time() - 500)
        frigate.see("person", camera="pasar")
        camera = made(kind, services, frigate.port)
        await camera.start()
        await asyncio.sleep(0.2)
        frigate.see("motorcycle", zones=["gerbang"])
        await until(lambda: services.emitted)
        await camera.stop()
        [(told, data)] = services.emitted
        assert (told, data["label"], data["zones"]) == ("device.vehicle", "motorcycle", ["gerbang"])
        frigate.see("person")
        async with OwnServices(tmp_path, memory=services.memory) as later:
            again = made(kind, later, frigate.port)
            await again.start()
            await until(lambda: later.emitted)
            assert [told for told, _ in later.emitted] == ["device.person"]
            await again.stop()


async def test_a_login_is_made_and_made_again_when_its_token_ran_out(kind, services):
    async with FrigatePlayed(token="satu") as frigate:
        camera = made(kind, services, frigate.port, username="siaga", password="rahasia-kita", events=False)
        await camera.start()
        frigate.token = "dua"
        assert await camera.snapshot() == JPEG
        assert frigate.logins == 2
        wrong = made(kind, services, frigate.port, username="siaga", password="salah-kata", events=False)
        with pytest.raises(AuthFailed) as caught:
            await wrong.start()
        assert "salah-kata" not in str(caught.value)
        await camera.stop()
        await wrong.stop()


async def test_a_camera_that_frigate_does_not_have_is_said_with_those_it_has(kind, services):
    async with FrigatePlayed() as frigate:
        camera = made(kind, services, frigate.port, camera="jembatan")
        with pytest.raises(CameraLost, match="gang, pasar"):
            await camera.start()
        await camera.stop()
        found = await kind.channels(kind.schema({"host": "127.0.0.1", "port": frigate.port}), services)
        assert [one.options["camera"] for one in found] == ["gang", "pasar"]


@pytest.mark.parametrize("garbage", [b"", b"<html>", b"[]", b'{"cameras": 3}', b"[" * 100_000])
async def test_what_is_no_frigate_is_named(kind, services, garbage):
    async with FrigatePlayed() as frigate:
        frigate.garbage = garbage
        camera = made(kind, services, frigate.port)
        with pytest.raises(CameraLost):
            await camera.start()
        await camera.stop()


async def test_what_enters_the_list_late_is_told_and_nothing_twice_also_after_a_restart(kind, services, monkeypatch):
    monkeypatch.setattr("siaga.plugins.cameras.frigate._EVERY_S", 0.02)
    async with FrigatePlayed() as frigate:
        first = made(kind, services, frigate.port)
        await first.start()
        await asyncio.sleep(0.1)
        now = time.time()
        frigate.see("person", began=now + 5)
        await until(lambda: len(services.emitted) == 1)
        frigate.see("car", began=now + 2)
        await until(lambda: len(services.emitted) == 2)
        await first.stop()
        again = made(kind, services, frigate.port)
        await again.start()
        frigate.see("dog", began=now + 3)
        await until(lambda: len(services.emitted) == 3)
        await asyncio.sleep(0.2)
        assert [told for told, _ in services.emitted] == ["device.person", "device.vehicle", "device.animal"]
        await again.stop()
