"""Bytes that no browser of ours sends get an answer in words, with the safe headers, and never a 500."""

import asyncio
from urllib.parse import urlsplit

from web_client import PASSWORD, browser, csrf_on, log_in
from web_hub import running

FORM = b"Content-Type: application/x-www-form-urlencoded"
ODD_HEADERS = [
    (b"GET /", [b"Cookie: siaga=\xff\xfe"], 303),
    (b"GET /login", [b"Cookie: siaga=\xff\xfe"], 200),
    (b"GET /", [b"Cookie: siaga_language=\xff"], 303),
    (b"GET /api/v1/events", [b"Cookie: siaga=\xc3("], 401),
    (b"POST /login", [b"X-CSRF-Token: \xff", FORM], 403),
    (b"POST /login", [b"Cookie: siaga=\xff", b"X-CSRF-Token: \xff", FORM], 403),
    (b"POST /login", [FORM + b"; charset=foo"], 400),
    (b"POST /login", [FORM + b"; charset=\xff"], 400),
    (b"GET /metrics", [b"Authorization: Basic \xff\xff"], 401),
    (b"GET /metrics", [b"Authorization: \xff"], 401),
    (b"GET /login", [b"User-Agent: \xff"], 200),
    (b"GET /%ff%fe", [], 303),
    (b"GET /login?next=%ff", [], 200),
]
ODD_FORMS = [
    ("application/x-www-form-urlencoded", b"csrf=%s&name=\xff\xfe"),
    ("application/x-www-form-urlencoded; charset=foo", b"csrf=%s"),
    ("multipart/form-data", b"x"),
    ("multipart/form-data; boundary=x", b"--y\r\n"),
]


async def send(app, line, *headers, body=b""):
    """Send bytes as they are; return the status and the head of the answer."""
    place = urlsplit(app.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    fixed = (b"Host: " + place.netloc.encode(), b"Connection: close", b"Content-Length: %d" % len(body))
    writer.write(b"\r\n".join((line + b" HTTP/1.1", *fixed, *headers, b"", body)))
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[0].decode()


async def test_headers_with_odd_bytes_get_an_answer_in_words(tmp_path):
    async with running(tmp_path) as (_, _, app):
        for line, headers, status in ODD_HEADERS:
            got, head = await send(app, line, *headers, body=b"name=x" if line.startswith(b"POST") else b"")
            assert got == status, (line, headers)
            assert "default-src 'none'" in head, (line, headers)


async def test_a_form_that_cannot_be_read_is_told_so(tmp_path):
    async with running(tmp_path) as (_, _, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD)
        await log_in(client, app.url)
        token = await csrf_on(client, app.url + "/cameras/ptz")
        for kind, body in ODD_FORMS:
            headers = {"Content-Type": kind, "X-CSRF-Token": token}
            sent = body.replace(b"%s", token.encode())
            async with client.post(app.url + "/cameras/ptz/ptz", data=sent, headers=headers) as answer:
                assert answer.status == 400, kind
                assert "Permintaan tidak dimengerti" in await answer.text()
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
