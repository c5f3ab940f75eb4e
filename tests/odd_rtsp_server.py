"""An RTSP server for tests that plays H.264 over TCP as odd cameras do, and footage from a card as ONVIF asks.

A stand-in: it follows RFC 2326 and ONVIF's Streaming Specification 6 (Require: onvif-replay, Range: clock=), no device.
"""

from __future__ import annotations

import base64
import itertools
import re
import socket
import threading
import time

_FRAGMENT = 1200


def units_of(access_unit):
    """Return the NAL units of an access unit in Annex B form."""
    return [unit for unit in re.split(rb"\x00\x00\x00\x01|\x00\x00\x01", access_unit) if unit]


class OddRtspServer:
    """Serve access units, over and over; a context manager. ``oddity`` names what is odd about it."""

    def __init__(self, access_units, fps, oddity="", *, plays=None, speed=1.0, wants_replay=False):
        self.requests = []
        self.oddity, self.fps, self.speed, self.plays = oddity, fps, speed, plays
        self.wants_replay = wants_replay
        self.pictures = [units_of(unit) for unit in access_units]
        nals = list(itertools.chain.from_iterable(self.pictures))
        self.sets = [next(nal for nal in nals if nal[0] & 31 == kind) for kind in (7, 8)]
        self.is_closed = threading.Event()

    def __enter__(self):
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.is_closed.set()
        self.door.close()

    @property
    def url(self):
        return f"rtsp://127.0.0.1:{self.port}/live"

    def _listen(self):
        while not self.is_closed.is_set():
            try:
                client, _ = self.door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        playing = threading.Event()
        lock = threading.Lock()
        client.settimeout(30)
        with client:
            try:
                if self.oddity == "banner":
                    client.sendall(b"Welcome to IPCAM\r\n")
                waiting = b""
                while not self.is_closed.is_set():
                    piece = client.recv(65536)
                    if not piece:
                        return
                    waiting += piece
                    while waiting.startswith(b"$") and len(waiting) >= 4:
                        waiting = waiting[4 + int.from_bytes(waiting[2:4], "big") :]
                    while b"\r\n\r\n" in waiting:
                        head, _, waiting = waiting.partition(b"\r\n\r\n")
                        self._answer(client, head.decode(), playing, lock)
            except (OSError, ValueError, TypeError):  # a reader that was told nonsense asks nonsense
                return

    def _answer(self, client, head, playing, lock):
        self.requests.append(head)
        method, address, _ = head.split("\r\n")[0].split(" ")
        number = re.search(r"cseq:\s*(\d+)", head, re.I)[1]
        status, lines, body = self._say(method, address, head)
        lines = [f"CSeq: {number}", *lines]
        if body or self.oddity == "wrong length":
            length = len(body) + (7 if self.oddity == "wrong length" and method == "DESCRIBE" else 0)
            lines.append(f"Content-Length: {length}")
        if self.oddity == "lower case":
            lines = [line.lower() if not line.startswith("Session") else "session: 42" for line in lines]
        text = "\r\n".join([f"RTSP/1.0 {status}", *lines]) + "\r\n\r\n" + body
        with lock:
            client.sendall(text.encode())
        if method == "PLAY" and status.startswith("200"):
            playing.set()
            threading.Thread(target=self._play, args=(client, playing, lock), daemon=True).start()
        if method == "TEARDOWN":
            playing.clear()

    def _say(self, method, address, head):
        if method == "OPTIONS":
            return "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"], ""
        if method == "GET_PARAMETER" and self.oddity == "no keep-alive":
            return "451 Parameter Not Understood", [], ""
        if method == "DESCRIBE" and self.oddity == "moved" and not address.endswith("/new"):
            return "302 Found", [f"Location: {self.url}/new"], ""
        if method == "DESCRIBE":
            huge = ["X-Filler: " + "x" * 1_000_000] if self.oddity == "huge header" else []
            base = [] if self.oddity == "no base" else [f"Content-Base: {self.url}/"]
            return "200 OK", ["Content-Type: application/sdp", *base, *huge], self._description()
        if self.wants_replay and method in ("SETUP", "PLAY") and "Require: onvif-replay" not in head:
            return "400 Bad Request", [], ""
        if method == "SETUP":
            if self.oddity == "no tcp":
                return "461 Unsupported Transport", [], ""
            timeout = ";timeout=1" if self.oddity == "tiny timeout" else ""
            channels = re.search(r"interleaved=(\d+)-(\d+)", head)
            transport = f"Transport: RTP/AVP/TCP;unicast;interleaved={channels[1]}-{channels[2]};ssrc=00000001"
            return "200 OK", [transport, f"Session: 42{timeout}"], ""
        if method == "PLAY" and self.oddity == "no session":
            return "454 Session Not Found", [], ""
        if method == "PLAY" and self.wants_replay and "Range: clock=" not in head:
            return "457 Invalid Range", [], ""
        return "200 OK", ["Session: 42"], ""

    def _description(self):
        sets = ",".join(base64.b64encode(one).decode() for one in self.sets)
        sprop = "" if self.oddity == "no sprop" else f";sprop-parameter-sets={sets}"
        control = {"absolute": f"{self.url}/track1", "star": "*"}.get(self.oddity, "track1")
        media = [
            "m=video 0 RTP/AVP 96",
            "a=rtpmap:96 H264/90000",
            f"a=fmtp:96 packetization-mode=1{sprop}",
            f"a=control:{control}",
        ]
        second = ["m=video 0 RTP/AVP 97", "a=rtpmap:97 H264/90000", "a=control:track2"]
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=odd", "t=0 0", *media]
        if self.oddity == "two videos":
            lines += second
        return "\r\n".join(lines) + "\r\n"

    def _play(self, client, playing, lock):
        sequence, began = itertools.count(1), time.monotonic()
        count = self.plays if self.plays is not None else 10**9
        try:
            for index in range(count):
                if self.is_closed.is_set() or not playing.is_set():
                    return
                nals = self.pictures[index % len(self.pictures)]
                if index % len(self.pictures) == 0:
                    nals = [*self.sets, *(nal for nal in nals if nal[0] & 31 not in (7, 8))]
                stamp = int(index * 90_000 / self.fps)
                packets = b"".join(self._packets(nals, sequence, stamp))
                if self.oddity == "garbage":
                    packets += b"\x00\xffnoise\r\n"
                with lock:
                    client.sendall(packets)
                if self.speed:
                    wait_s = began + index / self.fps / self.speed - time.monotonic()
                    self.is_closed.wait(max(0.0, wait_s))
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _packets(self, nals, sequence, stamp):
        ssrc = 99 if self.oddity == "wrong ssrc" else 1
        for number, nal in enumerate(nals):
            pieces = list(_fragments(nal))
            for at, piece in enumerate(pieces):
                is_last = number == len(nals) - 1 and at == len(pieces) - 1
                head = bytes([0x80, 96 | (0x80 if is_last else 0)]) + (next(sequence) & 0xFFFF).to_bytes(2, "big")
                packet = head + (stamp & 0xFFFFFFFF).to_bytes(4, "big") + ssrc.to_bytes(4, "big") + piece
                yield b"$\x00" + len(packet).to_bytes(2, "big") + packet


def _fragments(nal):
    if len(nal) <= _FRAGMENT:
        yield nal
        return
    body = nal[1:]
    for start in range(0, len(body), _FRAGMENT):
        flags = (0x80 if start == 0 else 0) | (0x40 if start + _FRAGMENT >= len(body) else 0)
        yield bytes([(nal[0] & 0xE0) | 28, flags | (nal[0] & 31)]) + body[start : start + _FRAGMENT]
