"""A small real hub for tests: local plugins that misbehave as told, and video processes that do nothing."""

import asyncio
import sys

from siaga.core.config import load_settings
from siaga.core.hub import Hub
from siaga.core.media.supervisor_report import MediaTuning
from siaga.core.plugin_manager import PluginManager
from siaga.core.texts import Texts

PLUGIN = '''
"""Cameras and notifiers that do what their option says, and note what was asked of them."""
import asyncio
import voluptuous as vol
from siaga.core import AuthFailed, CameraLost, Kind, Receipt, StreamSource, hookimpl

asked = []
# What a camera does at its next start; a test changes it.
does = {}


async def hang(self=None):
    await asyncio.Event().wait()


async def never_ends():
    while "let go" not in does:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


async def behave(word):
    if word == "raise":
        raise KeyError("aduh")
    if word == "lost":
        raise CameraLost("no route to http://admin:rahasia@10.0.5.21/")
    if word == "auth":
        raise AuthFailed("401 from http://admin:rahasia@10.0.5.21/")
    if word == "hang":
        await hang()
    if word == "stubborn":
        await never_ends()
    if word == "leak":
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future


class Ptz:
    async def presets(self):
        return ("pintu-air",)

    async def goto(self, preset):
        raise ZeroDivisionError("the motor's own error")

    async def move(self, pan, tilt, zoom, seconds): ...

    async def stop(self): ...


class Camera:
    def __init__(self, settings, services):
        self.id, self.ptz, self.stopping = settings.id, Ptz(), settings.options.get("stop", "")
        does.setdefault(self.id, settings.options.get("start", ""))

    async def start(self):
        asked.append((self.id, "start"))
        await behave(does[self.id])

    async def streams(self):
        await behave(does[self.id].removeprefix("streams "))
        return (StreamSource(role="main", url="rtsp://10.0.5.21/main"),)

    async def stop(self):
        asked.append((self.id, "stop"))
        await behave(self.stopping)


class Sender:
    def __init__(self, settings, services):
        self.id, self.services, self.closing = settings.id, services, settings.options.get("close", "")

    async def send(self, notice):
        return Receipt(state="sent", at=self.services.clock.now())

    async def close(self):
        asked.append((self.id, "close"))
        await behave(self.closing)


@hookimpl
def offer_cameras():
    return [Kind("uji", vol.Schema({"start": str, "stop": str}), Camera, "Kamera uji")]


@hookimpl
def offer_notifiers():
    return [Kind("kirim", vol.Schema({"close": str}), Sender, "Pengirim uji")]


@hookimpl
def hub_ready(hub):
    asked.append(("hub", "ready"))
'''
BUILT_INS = (
    "siaga.core.secrets",
    "siaga.core.event_kinds",
    "siaga.plugins.storage.local",
    "siaga.plugins.links.mqtt",
    "siaga.rules.triggers",
    "siaga.rules.conditions",
    "siaga.rules.actions",
    "siaga.rules.camera_actions",
    "siaga.rules.ptz_actions",
    "siaga.rules.incident_actions",
    "siaga.rules.template_functions",
)
# Takes its end of the link, says nothing, and leaves when it is told to or left alone.
_IDLE = """
import socket, sys
link = socket.socket(fileno=int(sys.argv[sys.argv.index("--hub-fd") + 1]))
while (said := link.recv(65536)) and b"Stop" not in said:
    pass
"""
IDLE = MediaTuning(recorder_command=(sys.executable, "-c", _IDLE), eye_command=(sys.executable, "-c", _IDLE))


def write_hub(folder, cameras="", notifiers="", *, clock=None, more=""):
    """Return a hub that is not open yet, and the namespace of its plugin."""
    (folder / "plugins").mkdir(exist_ok=True)
    (folder / "plugins" / "uji.py").write_text(PLUGIN)
    file = folder / "config.yaml"
    file.write_text(
        f"site: {{name: Kebon Baru, language: en}}\nweb: {{port: 0}}\nmedia: {{eyes: 1}}\n{more}\n"
        # Its cameras are looked into by the tests, which a process of their own would not allow.
        "plugins: {isolated: false}\n"
        f"cameras: {{{cameras}}}\nnotifiers: {{{notifiers}}}\n"
    )
    plugins = PluginManager(folder, in_hub=True, built_ins=BUILT_INS, texts=Texts("en"))
    plugins.load()
    loaded = load_settings(file, plugins)
    assert loaded.settings is not None and not loaded.problems, loaded.problems
    hub = Hub(loaded.settings, plugins, clock=clock, tuning=IDLE)
    camera_kind = plugins.cameras["uji"]
    return hub, camera_kind.make.__init__.__globals__


async def until(is_so, limit_s=10):
    """Wait until something is so; ``is_so`` may be a coroutine function."""
    async with asyncio.timeout(limit_s):
        while True:
            answer = is_so()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return answer
            await asyncio.sleep(0.02)
