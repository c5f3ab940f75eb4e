"""The camera kind ``zoneminder`` against a stand-in that answers as ZoneMinder's API 2.0 (1.36) is documented."""

import asyncio
import re
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from plugin_services import OwnServices

from siaga.core.errors import AuthFailed, CameraLost
from siaga.core.settings import CameraSettings
from siaga.plugins.cameras.zoneminder import offer_cameras

PICTURES = [b"\xff\xd8\xff\xe0JFIF" + bytes([number]) * 50 + b"\xff\xd9" for number in range(200)]


class ZoneMinderPlayed:
    """Play a ZoneMinder with two monitors; ``token`` asks for a login."""

    def __init__(self, token="") -> None:
        self.token = token
        self.events = []
        self.logins = self.shown = 0
        self.garbage = None
        self.open = []

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/zm/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    def happen(self, number, cause="Motion", notes="", monitor=1):
        event = {"Id": str(number), "MonitorId": str(monitor), "Cause": cause, "Notes": notes, "MaxScore": "60"}
        self.events.append({"Event": event})

    def cut(self):
        for request in self.open:
            if request.transport:
                request.transport.abort()
        self.open.clear()

    async def _answer(self, request):
        if self.garbage is not None:
            return web.Response(body=self.garbage)
        path = request.match_info["path"]
        if path == "api/host/login.json":
            said = await request.post()
            if (said["user"], said["pass"]) != ("siaga", "rahasia-kita"):
                return web.json_response({"success": False}, status=401)
            self.logins += 1
            return web.json_response({"access_token": self.token, "access_token_expires": 7200, "version": "1.36.33"})
        if self.token and request.query.get("token") != self.token:
            return web.Response(status=401)
        if path == "api/monitors.json":
            listed = [{"Monitor": {"Id": str(n), "Name": name}} for n, name in ((1, "Gang"), (2, "Pasar"))]
            return web.json_response({"monitors": listed})
        if found := re.fullmatch(r"api/events/index/MonitorId:(\d+)/Id >:(\d+)\.json", path):
            mine = [e for e in self.events if e["Event"]["MonitorId"] == found[1]]
            rows = [e for e in mine if int(e["Event"]["Id"]) > int(found[2])]
            rows.sort(key=lambda e: int(e["Event"]["Id"]), reverse=request.query["direction"] == "desc")
            return web.json_response({"events": rows[: int(request.query["limit"])]})
        if path == "cgi-bin/nph-zms":
            return await self._pictures(request)
        return web.Response(status=404)

    async def _pictures(self, request):
        if request.query["mode"] == "single":
            return web.Response(body=PICTURES[0], content_type="image/jpeg")
        response = web.StreamResponse(headers={"Content-Type": "multipart/x-mixed-replace;boundary=ZoneMinderFrame"})
        await response.prepare(request)
        self.open.append(request)
        while True:
            picture = PICTURES[self.shown % len(PICTURES)]
            self.shown += 1
            head = f"--ZoneMinderFrame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
            await response.write(head + picture + b"\r\n\r\n")
            await asyncio.sleep(0.1)


@asynccontextmanager
async def read(url):
    """Read a stream of parts as any client would."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        yield response.content


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
    return kind.make(CameraSettings(id="gang", type="zoneminder", name="Gang", options=options), services)


async def until(holds, limit_s=15.0):
    async with asyncio.timeout(limit_s):
        while not holds():
            await asyncio.sleep(0.02)


async def test_the_pictures_are_passed_on_and_come_again_after_a_cut_though_the_token_ran_out(kind, services):
    async with ZoneMinderPlayed(token="satu") as played:
        camera = made(kind, services, played.port, username="siaga", password="rahasia-kita", events=False)
        await camera.start()
        [source] = await camera.streams()
        assert "satu" not in source.url
        async with read(source.url) as content:
            assert b"JFIF" in await content.read(400)
            await until(lambda: played.shown > 3)
            played.token = "dua"
            played.cut()
            before = played.shown
            await until(lambda: played.shown > before + 3)
            assert b"JFIF" in await content.read(400)
        assert played.logins == 2
        assert (await camera.snapshot()).startswith(b"\xff\xd8")
        await camera.stop()


async def test_events_are_told_from_now_on_once_even_after_a_restart(kind, services, tmp_path):
    async with ZoneMinderPlayed() as played:
        played.happen(41)
        camera = made(kind, services, played.port)
        await camera.start()
        await until(lambda: services.memory.get("last") == "41")
        played.happen(42, notes="detected:person:98%")
        played.happen(43, monitor=2)
        await until(lambda: services.emitted)
        await camera.stop()
        assert [told for told, _ in services.emitted] == ["device.person"]
        played.happen(44, notes="car")
        async with OwnServices(tmp_path, memory=services.memory) as later:
            again = made(kind, later, played.port)
            await again.start()
            await until(lambda: later.emitted)
            assert [told for told, _ in later.emitted] == ["device.vehicle"]
            await again.stop()


async def test_a_monitor_that_is_not_there_is_said_with_those_that_are(kind, services):
    async with ZoneMinderPlayed() as played:
        camera = made(kind, services, played.port, monitor=7)
        with pytest.raises(CameraLost, match="Pasar"):
            await camera.start()
        await camera.stop()
        found = await kind.channels(kind.schema({"host": "127.0.0.1", "port": played.port}), services)
        assert [(one.name, one.options["monitor"]) for one in found] == [("Gang", 1), ("Pasar", 2)]


async def test_a_wrong_password_is_said_and_not_shown(kind, services):
    async with ZoneMinderPlayed(token="satu") as played:
        camera = made(kind, services, played.port, username="siaga", password="salah-kata")
        with pytest.raises(AuthFailed) as caught:
            await camera.start()
        assert "salah-kata" not in str(caught.value)
        await camera.stop()


@pytest.mark.parametrize("garbage", [b"", b"<html>", b"[]", b'{"monitors": 3}', b'{"monitors": [1, {"Monitor": 2}]}'])
async def test_what_is_no_zoneminder_is_named(kind, services, garbage):
    async with ZoneMinderPlayed() as played:
        played.garbage = garbage
        camera = made(kind, services, played.port)
        with pytest.raises(CameraLost):
            await camera.start()
        await camera.stop()
