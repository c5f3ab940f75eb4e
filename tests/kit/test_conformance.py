"""The conformance kit: our own kinds pass it, and a bad plugin fails exactly where it is bad."""

import textwrap

import pytest

from siaga.plugins.cameras import file, rtsp
from siaga.testing import CameraConformance

pytest_plugins = ["pytester"]


class _NoApi(CameraConformance):
    def test_the_module_says_for_which_api_it_was_made(self):
        """What comes with Siaga fits it."""


class TestRtsp(_NoApi):
    module, kind = rtsp, "rtsp"

    def options(self, host, port):
        return {"url": f"rtsp://{host}:{port}/main", "username": "petugas", "password": "rahasia-sekali"}


class TestFile(_NoApi):
    module, kind = file, "file"

    def options(self, host, port):
        return {"path": __file__}


GOOD = """
import asyncio, time, urllib.request
import aiohttp
import voluptuous as vol
from siaga.core import AuthFailed, CameraLost, Kind, NotSupported, StreamSource, hookimpl

SIAGA_API = "1"
SCHEMA = vol.Schema({
    vol.Required("host", description="address"): str,
    vol.Optional("port", default=80, description="port"): int,
    vol.Optional("password", default="", description="its password"): str,
})
LIMIT_S = 6


class Ptz:
    def __init__(self, options, services):
        self.options, self.services = options, services

    async def ask(self, what):
        o = self.options
        url = f"http://{o['host']}:{o['port']}/{what}"
        limit = aiohttp.ClientTimeout(total=LIMIT_S)
        headers = {"X-Password": o["password"]}
        try:
            async with self.services.http().get(url, headers=headers, timeout=limit) as answer:
                if answer.status == 401:
                    raise AuthFailed("wrong password")
                if answer.status == 404:
                    raise NotSupported("there are gerbang and taman")
                if answer.status != 200:
                    raise CameraLost(f"it answers {answer.status}")
                told = await answer.json()
                if not isinstance(told, dict) or not isinstance(told.get("names"), list):
                    raise CameraLost("it answers nonsense")
                return told
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as err:
            raise CameraLost(f"no answer ({type(err).__name__})") from None

    async def presets(self):
        return tuple((await self.ask("presets"))["names"])

    async def goto(self, preset):
        await self.ask(f"goto/{preset}")

    async def move(self, pan, tilt, zoom, seconds):
        await self.ask("move")

    async def stop(self):
        await self.ask("stop")


class Camera:
    def __init__(self, settings, services):
        self.options, self.services = settings.options, services
        self.ptz = Ptz(settings.options, services)

    async def start(self):
        await self.ptz.presets()

    async def streams(self):
        o = self.options
        return (StreamSource(role="main", url=f"rtsp://{o['host']}/1", username="a", password=o["password"]),)

    async def stop(self):
        pass


@hookimpl
def offer_cameras():
    return [Kind("cam", SCHEMA, Camera, "Kamera", "A camera")]
"""
TESTS = """
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from aiohttp import web
import cam_plugin
from siaga.testing import CameraConformance


class Stand:
    host = "127.0.0.1"

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/{what:.*}", self.answer)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, self.host, 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        await self.runner.cleanup()

    async def answer(self, request):
        if request.headers.get("X-Password") != "rahasia-sekali":
            return web.Response(status=401)
        if "tidak-ada" in request.path:
            return web.Response(status=404)
        return web.json_response({"names": ["gerbang", "taman"]})


class TestCam(CameraConformance):
    module, kind = cam_plugin, "cam"

    def device(self):
        return Stand()

    def options(self, host, port):
        return {"host": host, "port": port, "password": "rahasia-sekali"}
"""
# A fault put into the good plugin, and the one check that must see it.
BAD = {
    "version": ('SIAGA_API = "1"', "", "says_for_which_api"),
    "description": (', description="port"', "", "every_option_says"),
    "extra": ('"its password"): str,\n})', '"its password"): str,\n}, extra=vol.ALLOW_EXTRA)', "wrong_options_are"),
    "summary": ('"A camera")', '"A camera\\nof two lines")', "a_line_in_each"),
    "heavy": ("import aiohttp", "import aiohttp, cv2", "no_pixel_library"),
    "shape": (
        "    async def move(self, pan, tilt, zoom, seconds):",
        "    async def go_to(self, pan):\n        pass\n\n    async def move(self, pan, tilt, zoom, seconds):",
        "every_method_of_the_contract",
    ),
    "make": ("self.ptz = Ptz(", "open('x.txt', 'w').close(); self.ptz = Ptz(", "making_a_camera_touches"),
    "login": ("rtsp://{o['host']}", "rtsp://a:b@{o['host']}", "streams_are_sane"),
    "unnamed preset": ("there are gerbang and taman", "no", "presets_are_names"),
    "task": (
        "        await self.ptz.presets()\n",
        "        await self.ptz.presets()\n        self.t = asyncio.ensure_future(asyncio.sleep(99))\n",
        "leaves_nothing",
    ),
    "blocks": (
        "        o = self.options\n        url",
        "        time.sleep(0.4)\n        o = self.options\n        url",
        "never_blocks",
    ),
    "auth": ("raise AuthFailed(", "raise CameraLost(", "wrong_password"),
    "hang": ("LIMIT_S = 6", "LIMIT_S = 25", "hangs_ends_no_call_late"),
    "garbage": ('raise CameraLost("it answers nonsense")', "raise KeyError('names')", "garbage_is_a"),
    "secret": ('raise AuthFailed("wrong password")', 'raise AuthFailed("wrong " + o["password"])', "no_secret_stands"),
}


def outcome(pytester, *arguments):
    options = ("-q", "-rf", "-p", "no:cacheprovider", "--import-mode=importlib")
    result = pytester.runpytest_subprocess(*options, *arguments)
    failed = {line.split()[1] for line in result.outlines if line.startswith("FAILED")}
    return result, failed


@pytest.mark.slow
def test_a_good_plugin_passes_every_check(pytester):
    pytester.makepyfile(cam_plugin=textwrap.dedent(GOOD), test_cam=TESTS)
    result, failed = outcome(pytester)
    assert failed == set(), "\n".join(result.outlines)
    assert result.parseoutcomes()["passed"] >= 18


@pytest.mark.slow
def test_a_bad_plugin_fails_at_the_check_that_is_meant_for_it(pytester):
    checks = [name for name in dir(CameraConformance) if name.startswith("test_")]
    meant = set()
    for number, (good, bad, words) in enumerate(BAD.values()):
        assert good in GOOD
        (check,) = (name for name in checks if words in name)
        module = f"bad_plugin{number}"
        tests = TESTS.replace("cam_plugin", module)
        pytester.makepyfile(**{module: GOOD.replace(good, bad, 1), f"test_bad{number}": tests})
        meant.add(f"test_bad{number}.py::TestCam::{check}")
    result, failed = outcome(pytester, *sorted(meant))
    assert failed == meant, "\n".join(result.outlines)
