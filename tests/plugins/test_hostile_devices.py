"""Devices that mean harm, or are broken as if they did: every kind stays within bounds and says what it met."""

import asyncio
import time

import psutil
import pytest
from plugin_services import OwnServices

from siaga.core.errors import CameraError
from siaga.core.settings import CameraSettings
from siaga.core.tasks import Crash, fenced
from siaga.plugins.cameras import dahua, frigate, hikvision, onvif, pictures, zoneminder

# What one answer may be, unpacked and parsed, several times over; 50 MB taken in would pass it.
GROWTH_BYTES = 45_000_000
# A request is given up after 8 s; a start asks for several things, and this machine may be busy.
LIMIT_S = 45.0
PASSWORD = "s3cret-word"
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><a>&j;</a>"
)
FILE_ENTITY = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>'
DEEP = b"<a>" * 100_000 + b"</a>" * 100_000
NESTED = b"[" * 100_000 + b"]" * 100_000


def whole(body, content_type="application/xml", status="200 OK"):
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def endless(writer, head, piece):
    writer.write(head)
    while True:
        writer.write(piece)
        await writer.drain()


async def say(writer, answer):
    writer.write(answer)
    await writer.drain()


def says(answer):
    return lambda writer, _elsewhere: say(writer, answer)


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
PARTS = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n"
MEGABYTE = b"x" * 1_000_000
HOSTILE = {
    "an entity bomb": says(whole(BOMB)),
    "an entity of a local file": says(whole(FILE_ENTITY)),
    "a tree without end": says(whole(DEEP)),
    "lists within lists": says(whole(NESTED, "application/json")),
    "fifty megabytes": lambda w, _: endless(w, b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n", MEGABYTE),
    "chunks without end": lambda w, _: endless(w, CHUNKED, b"f4240\r\n" + MEGABYTE + b"\r\n"),
    "one part without end": lambda w, _: endless(w, PARTS, MEGABYTE),
    "headers without end": lambda w, _: endless(w, b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"y" * 4000 + b"\r\n"),
    "a line without end": lambda w, _: endless(w, b"HTTP/1.1 200 ", MEGABYTE),
    "a negative length": says(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc"),
    "no words at all": says(bytes(range(256)) * 40),
    "an empty answer": says(whole(b"")),
    "a truth of another kind": says(whole(b"<html><body>Router login</body></html>", "text/html")),
    "numbers that are none": says(whole(b'{"version": {"a": [NaN]}, "cameras": 7}', "application/json")),
    "a redirect to another host": lambda w, elsewhere: say(
        w, f"HTTP/1.1 302 Found\r\nLocation: http://localhost:{elsewhere}/\r\nContent-Length: 0\r\n\r\n".encode()
    ),
}
LOGIN = {"username": "admin", "password": PASSWORD}
KINDS = {
    "onvif": (onvif, lambda port: {"host": "127.0.0.1", "port": port, **LOGIN}),
    "hikvision": (hikvision, lambda port: {"host": "127.0.0.1", "port": port, **LOGIN}),
    "dahua": (dahua, lambda port: {"host": "127.0.0.1", "port": port, **LOGIN}),
    "zoneminder": (zoneminder, lambda port: {"host": "127.0.0.1", "port": port, **LOGIN}),
    "frigate": (frigate, lambda port: {"host": "127.0.0.1", "port": port, **LOGIN}),
    "snapshot": (pictures, lambda port: {"url": f"http://127.0.0.1:{port}/a.jpg", **LOGIN}),
}


class Hostile:
    """Answer every request in one way; ``elsewhere`` counts who followed a redirect there."""

    def __init__(self, behave):
        self.behave, self.visits = behave, 0

    async def __aenter__(self):
        self.other = await asyncio.start_server(self._visit, "127.0.0.1", 0)
        self.elsewhere = self.other.sockets[0].getsockname()[1]
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        self.other.close()

    async def _visit(self, _reader, writer):
        self.visits += 1
        writer.close()

    async def _serve(self, reader, writer):
        try:
            while (await reader.read(65536)) != b"":
                await self.behave(writer, self.elsewhere)
        except OSError:
            pass
        finally:
            writer.close()


def made(name, port, services):
    plugin, options = KINDS[name]
    kind = next(one for one in plugin.offer_cameras() if one.name == name)
    return kind.make(CameraSettings(id="gang", type=name, name="Gang", options=kind.schema(options(port))), services)


async def used(camera):
    await camera.start()
    await camera.streams()
    if hasattr(camera, "snapshot"):
        await camera.snapshot()


@pytest.mark.slow
@pytest.mark.parametrize("hostility", HOSTILE)
@pytest.mark.parametrize("name", KINDS)
async def test_a_hostile_device_costs_bounded_memory_and_time_and_is_named(name, hostility, tmp_path):
    process = psutil.Process()
    async with OwnServices(tmp_path) as services, Hostile(HOSTILE[hostility]) as device:
        camera = made(name, device.port, services)
        before, began_s = process.memory_info().rss, time.monotonic()
        async with asyncio.timeout(LIMIT_S):
            outcome = await fenced(lambda: used(camera))
        grown = process.memory_info().rss - before
        async with asyncio.timeout(5):
            await camera.stop()
        assert device.visits == 0
        assert await services.close() == ()
    assert isinstance(outcome, Crash), f"{name} took {hostility} for a camera"
    assert isinstance(outcome.error, CameraError), repr(outcome.error)
    assert str(outcome.error) and PASSWORD not in str(outcome.error)
    assert grown < GROWTH_BYTES
    assert time.monotonic() - began_s < LIMIT_S
