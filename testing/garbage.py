"""What a device, or something else at its address, may answer that is no answer."""

from __future__ import annotations

import random


def _http(content_type: str, body: bytes, status: str = "200 OK") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


_NOISE = random.Random(4).randbytes(2000)
GARBAGE = {
    "noise": _NOISE,
    "nothing at all": b"",
    "half a header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "another protocol": b"RTSP/1.0 400 Bad Request\r\nCSeq: 1\r\n\r\n",
    "an empty answer": _http("application/json", b""),
    "the page of another device": _http("text/html", b"<html><body>Welcome to your new router</body></html>"),
    "an error page": _http("text/html", b"<h1>Internal error</h1>", "500 Internal Server Error"),
    "JSON that is cut": _http("application/json", b'{"names": ["ger'),
    "JSON null": _http("application/json", b"null"),
    "JSON of another shape": _http("application/json", b'[{"names": 3}, 7]'),
    "JSON with a wrong value": _http("application/json", b'{"names": 3, "presets": {"a": 1}, "model": []}'),
    "bytes that are no text": _http("text/plain; charset=utf-8", b"\xff\xfe\x80" + _NOISE[:500]),
    "XML that is cut": _http("application/xml", b"<Envelope><Body><Channel id='1'>"),
    "an XML bomb": _http(
        "application/xml",
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
    ),
    "a body shorter than its length": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nname=a",
}
