"""Asking devices over HTTP: logins, bounds and words, against a real server that misbehaves."""

import asyncio
import gzip
import resource
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from plugin_services import OwnServices

from siaga.core.device_http import DeviceHttp
from siaga.core.errors import AuthFailed, CameraLost, NotSupported

LOGIN = {"username": "petugas", "password": "rahasia-sekali"}


@asynccontextmanager
async def device(*routes, raw=None):
    """Serve a device; ``raw`` answers a bare connection instead."""
    if raw is not None:
        server = await asyncio.start_server(raw, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return
    app = web.Application()
    app.add_routes([web.route("*", path, handler) for path, handler in routes])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def services(tmp_path):
    async with OwnServices(tmp_path) as lent:
        yield lent


@asynccontextmanager
async def asking(services, base, **options):
    http = DeviceHttp(services, base, **{"limit_s": 3.0, **options})
    try:
        yield http
    finally:
        await http.close()


async def digest_only(request):
    said = request.headers.get("Authorization", "")
    if not said.startswith("Digest "):
        challenge = 'Digest realm="cam", nonce="abc123", qop="auth", algorithm=MD5'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})
    return web.Response(text=said)


async def basic_only(request):
    if not request.headers.get("Authorization", "").startswith("Basic "):
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="cam"'})
    return web.Response(text="masuk")


async def test_a_device_that_asks_for_digest_gets_it_and_never_the_password(services):
    async with device(("/x", digest_only)) as base, asking(services, base, **LOGIN) as http:
        answer = await http.get("/x", {"channel": "1"})
    said = answer.body.decode()
    assert 'username="petugas"' in said
    assert 'uri="/x?channel=1"' in said
    assert "rahasia" not in said


async def test_a_device_that_knows_only_basic_gets_basic_and_each_time(services):
    async with device(("/x", basic_only)) as base, asking(services, base, **LOGIN) as http:
        assert (await http.get("x")).body == b"masuk"
        assert (await http.get("x")).body == b"masuk"


async def test_a_wrong_password_is_named_and_stands_in_no_word(services):
    async def refuse(_):
        return web.Response(status=401, headers={"WWW-Authenticate": 'Digest realm="cam", nonce="abc", qop="auth"'})

    async with device(("/x", refuse)) as base, asking(services, base, **LOGIN) as http:
        with pytest.raises(AuthFailed) as caught:
            await http.get("/x")
    assert "rahasia" not in str(caught.value)


async def test_a_login_is_not_sent_in_clear_after_digest_was_refused(services):
    seen = []

    async def both(request):
        seen.append(request.headers.get("Authorization", ""))
        response = web.Response(status=401)
        response.headers.add("WWW-Authenticate", 'Digest realm="cam", nonce="abc", qop="auth"')
        response.headers.add("WWW-Authenticate", 'Basic realm="cam"')
        return response

    async with device(("/x", both)) as base, asking(services, base, **LOGIN) as http:
        with pytest.raises(AuthFailed):
            await http.get("/x")
    assert not [said for said in seen if said.startswith("Basic")]


async def test_a_scheme_that_nobody_knows_is_a_refused_login(services):
    async def strange(_):
        return web.Response(status=401, headers={"WWW-Authenticate": "Hologram realm=cam"})

    async with device(("/x", strange)) as base, asking(services, base, **LOGIN) as http:
        with pytest.raises(AuthFailed):
            await http.get("/x")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, AuthFailed),
        (404, NotSupported),
        (405, NotSupported),
        (501, NotSupported),
        (500, CameraLost),
        (503, CameraLost),
    ],
)
async def test_a_status_becomes_the_error_that_says_what_to_do(services, status, error):
    async def answer(_):
        return web.Response(status=status)

    async with device(("/x", answer)) as base, asking(services, base) as http:
        with pytest.raises(error):
            await http.get("/x")


async def test_fifty_megabytes_are_not_taken_in(services):
    async def flood(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(800):
            await response.write(b"x" * 65_536)
        return response

    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with device(("/x", flood)) as base, asking(services, base) as http:
        with pytest.raises(CameraLost, match="2 MB"):
            await http.get("/x")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 30_000


async def test_an_answer_that_unpacks_to_a_hundred_times_its_size_is_not_taken_in(services):
    bomb = gzip.compress(b"0" * 60_000_000)

    async def packed(_):
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with device(("/x", packed)) as base, asking(services, base) as http:
        with pytest.raises(CameraLost):
            await http.get("/x")


async def test_a_redirect_to_another_host_is_not_followed(services):
    reached = []

    async def elsewhere(_):
        reached.append(True)
        return web.Response(text="terima kasih")

    async with device(("/steal", elsewhere)) as other:
        target = other.replace("127.0.0.1", "127.0.0.2") + "/steal"

        async def away(_):
            return web.Response(status=302, headers={"Location": target})

        async with device(("/x", away)) as base, asking(services, base, **LOGIN) as http:
            with pytest.raises(CameraLost, match=r"127\.0\.0\.2"):
                await http.get("/x")
    assert not reached


async def test_a_redirect_within_the_device_is_followed_a_few_times_only(services):
    async def old(_):
        return web.Response(status=301, headers={"Location": "/new"})

    async def new(_):
        return web.Response(text="ada")

    async def circle(_):
        return web.Response(status=302, headers={"Location": "/circle"})

    async with device(("/old", old), ("/new", new), ("/circle", circle)) as base, asking(services, base) as http:
        assert (await http.get("/old")).body == b"ada"
        with pytest.raises(CameraLost):
            await http.get("/circle")


async def test_a_device_that_takes_the_connection_and_says_nothing_is_given_up(services):
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    async with device(raw=silent) as base, asking(services, base, limit_s=0.3) as http:
        with pytest.raises(CameraLost, match=r"0\.3"):
            await http.get("/x")


async def test_a_device_that_drips_a_byte_at_a_time_is_given_up_too(services):
    async def drip(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            pass

    async with device(raw=drip) as base, asking(services, base, limit_s=0.4) as http:
        with pytest.raises(CameraLost):
            await http.get("/x")


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\x01\x02garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"",
    ],
)
async def test_what_is_no_answer_of_a_web_server_is_named(services, answer):
    async def odd(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with device(raw=odd) as base, asking(services, base) as http:
        with pytest.raises(CameraLost):
            await http.get("/x")


async def test_an_answer_that_is_cut_in_the_middle_is_lost(services):
    async def cut(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()

    async with device(raw=cut) as base, asking(services, base) as http:
        with pytest.raises(CameraLost):
            await http.get("/x")


async def test_nobody_at_the_address_is_said_in_words(services):
    async with asking(services, "http://127.0.0.1:1") as http:
        with pytest.raises(CameraLost, match=r"127\.0\.0\.1"):
            await http.get("/x")


async def test_who_asks_after_the_end_opens_nothing_and_a_new_start_does(services):
    async def answer(_):
        return web.Response(text="ada")

    async with device(("/x", answer)) as base, asking(services, base) as http:
        await http.get("/x")
        await http.close()
        with pytest.raises(CameraLost):
            await http.get("/x")
        http.open()
        assert (await http.get("/x")).body == b"ada"


# --- endless answers ---------------------------------------------------------------------------------


async def test_the_parts_of_an_endless_answer_come_as_they_are_said(services):
    said = asyncio.Event()

    async def stream(request):
        response = web.StreamResponse(headers={"Content-Type": "multipart/mixed; boundary=boundary"})
        await response.prepare(request)
        await response.write(b"--boundary\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nsatu")
        await said.wait()
        await response.write(b"\r\n--boundary\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\ndua")
        return response

    async with device(("/x", stream)) as base, asking(services, base) as http:
        bodies = []
        with pytest.raises(CameraLost):
            async for part in http.parts("/x"):
                bodies.append(part.body)
                said.set()  # the second comes only after the first was given
    assert bodies == [b"satu", b"dua"]


async def test_a_stream_that_falls_silent_is_lost(services):
    async def stream(request):
        response = web.StreamResponse(headers={"Content-Type": "multipart/mixed; boundary=b"})
        await response.prepare(request)
        await response.write(b"--b\r\nContent-Length: 1\r\n\r\nx")
        await asyncio.sleep(30)
        return response

    async with device(("/x", stream)) as base, asking(services, base) as http:
        with pytest.raises(CameraLost, match=r"0\.3"):
            async for _ in http.parts("/x", silence_s=0.3):
                pass


async def test_a_part_without_end_is_bounded(services):
    async def stream(request):
        response = web.StreamResponse(headers={"Content-Type": "multipart/mixed; boundary=b"})
        await response.prepare(request)
        await response.write(b"--b\r\nContent-Type: image/jpeg\r\n\r\n")
        while True:
            await response.write(b"x" * 65_536)

    async with device(("/x", stream)) as base, asking(services, base) as http:
        with pytest.raises(CameraLost):
            async for _ in http.parts("/x", largest_bytes=200_000):
                pass
