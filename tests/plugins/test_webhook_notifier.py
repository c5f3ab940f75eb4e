"""The webhook notifier: signed JSON to an address of the operator's own, once for each key."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from datetime import datetime, timedelta, timezone

import pytest
import voluptuous as vol
from aiohttp import web

from siaga.core.errors import SendFailed
from siaga.core.settings import NotifierSettings
from siaga.core.texts import catalogue
from siaga.core.types import Notice
from siaga.plugins.notifications import webhook
from siaga.testing import OwnServices

KIND = next(iter(webhook.offer_notifiers()))
SECRET = "kunci-tanda-tangan"
JPEG = b"\xff\xd8\xff" + bytes(range(256)) + b"\xff\xd9"


class Receiver:
    """Take calls as a town's own system would: check the signature, know a key again."""

    def __init__(self):
        self.calls = []
        self.acted = {}
        self.forged = 0
        self.then = []

    async def __aenter__(self):
        app = web.Application(client_max_size=20_000_000)
        app.router.add_post("/siaga", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/siaga?kunci=rahasia-di-alamat"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def _take(self, request):
        body = await request.read()
        signed = request.headers["X-Siaga-Timestamp"].encode() + b"." + body
        expected = "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(request.headers["X-Siaga-Signature"], expected):
            self.forged += 1
            return web.Response(status=401)
        self.calls.append((request.headers, json.loads(body)))
        step = self.then.pop(0) if self.then else None
        if callable(step):
            return await step(request)
        self.acted.setdefault(request.headers["Idempotency-Key"], json.loads(body)["text"])
        if step == "cut":
            request.transport.abort()
        return step if isinstance(step, web.Response) else web.Response(status=204)


@pytest.fixture
async def receiver():
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def services(tmp_path):
    (tmp_path / "kali.jpg").write_bytes(JPEG)
    async with OwnServices(tmp_path) as services:
        yield services


def make(services, url, **more):
    options = KIND.schema({"url": url, "secret": SECRET, "timeout": 1.0, **more})
    return KIND.make(NotifierSettings(id="pusat", type="webhook", options=options), services)


def notice(**more):
    at = datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc)
    base = {"id": "1", "key": "run-7:pusat:0", "notifier": "pusat", "to": "posko", "text": "SIAGA 2: 205 cm"}
    return Notice(**{**base, "created_at": at, "expires_at": at + timedelta(hours=1), "event_id": "e-1", **more})


async def refusal(notifier, sent=None):
    with pytest.raises(SendFailed) as caught:
        await notifier.send(sent or notice())
    return caught.value


async def test_a_notice_arrives_signed_with_its_key_text_event_and_picture(receiver, services):
    receipt = await make(services, receiver.url, image="base64").send(notice(image="kali.jpg"))
    headers, body = receiver.calls[0]
    assert headers["Idempotency-Key"] == "run-7:pusat:0"
    assert (body["key"], body["text"], body["event"]) == ("run-7:pusat:0", "SIAGA 2: 205 cm", "e-1")
    assert body["created_at"] == "2026-11-22T12:05:00Z"
    assert base64.b64decode(body["image"]["base64"]) == JPEG
    assert abs(int(headers["X-Siaga-Timestamp"]) - datetime.now(timezone.utc).timestamp()) < 5
    assert (receipt.state, receiver.forged) == ("delivered", 0)


async def test_a_notice_of_an_incident_says_what_it_is_about_and_whether_it_waits_for_an_answer(receiver, services):
    at = datetime(2026, 11, 22, 12, 4, tzinfo=timezone.utc)
    more = {"incident_id": "insiden-7", "asks_answer": True, "thread": "pesan-1", "clip": "klip-3", "since": at}
    await make(services, receiver.url).send(notice(**more))
    await make(services, receiver.url).send(notice())
    told = [[call[key] for key in ("incident", "asks_answer", "thread", "clip", "since")] for _, call in receiver.calls]
    assert told == [
        ["insiden-7", True, "pesan-1", "klip-3", "2026-11-22T12:04:00Z"],
        [None, False, None, None, None],
    ]


async def test_another_secret_is_noticed_by_the_receiver_and_told_to_the_operator(receiver, services):
    failed = await refusal(make(services, receiver.url, secret="kunci-yang-salah"))
    assert (failed.verdict, receiver.forged) == ("ask_operator", 1)


async def test_a_picture_that_is_gone_does_not_hold_up_the_notice(receiver, services):
    receipt = await make(services, receiver.url, image="base64").send(notice(image="hilang.jpg"))
    assert receiver.calls[0][1]["image"] is None and "tanpa gambar" in receipt.detail


async def test_the_pictures_name_alone_may_be_sent(receiver, services):
    await make(services, receiver.url, image="path").send(notice(image="kali.jpg"))
    assert receiver.calls[0][1]["image"] == {"path": "kali.jpg"}


async def test_a_lost_answer_is_sent_again_and_acted_on_once(receiver, services):
    receiver.then = ["cut"]
    notifier = make(services, receiver.url)
    assert (await refusal(notifier)).verdict == "retry"
    await notifier.send(notice())
    assert len(receiver.calls) == 2 and receiver.acted == {"run-7:pusat:0": "SIAGA 2: 205 cm"}


async def test_a_receiver_that_hangs_is_tried_again(receiver, services):
    async def hang(_):
        await asyncio.sleep(5)

    receiver.then = [hang]
    assert (await refusal(make(services, receiver.url, timeout=0.2))).verdict == "retry"


async def test_a_receiver_that_is_not_there_is_tried_again(services):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        failed = await refusal(make(services, f"http://127.0.0.1:{closed.getsockname()[1]}/x"))
    assert failed.verdict == "retry" and "127.0.0.1 tidak menjawab" in str(failed)


@pytest.mark.parametrize(
    ("status", "headers", "verdict", "wait_s"),
    [
        (408, {}, "retry", None),
        (429, {"Retry-After": "12"}, "retry", 12),
        (503, {"Retry-After": "999999"}, "retry", 3600),
        (503, {"Retry-After": "besok"}, "retry", None),
        (500, {}, "retry", None),
        (400, {}, "give_up", None),
        (422, {}, "give_up", None),
        (401, {}, "ask_operator", None),
        (403, {}, "ask_operator", None),
        (404, {}, "ask_operator", None),
        (302, {"Location": "http://127.0.0.1:1/elsewhere"}, "ask_operator", None),
    ],
)
async def test_each_status_has_its_verdict(receiver, services, status, headers, verdict, wait_s):
    receiver.then = [web.Response(status=status, headers=headers, text="alasan " + SECRET + " x" * 50_000)]
    failed = await refusal(make(services, receiver.url))
    assert (failed.verdict, failed.wait_s) == (verdict, wait_s)
    assert str(status) in str(failed) and "alasan" in str(failed)
    assert SECRET not in str(failed) and "rahasia-di-alamat" not in str(failed)
    assert len(str(failed)) < 500 and len(receiver.calls) == 1


async def test_a_key_that_fits_no_header_goes_as_its_hash(receiver, services):
    await make(services, receiver.url).send(notice(key="kali é\r\nX-Evil: 1"))
    headers, body = receiver.calls[0]
    assert "X-Evil" not in headers and len(headers["Idempotency-Key"]) == 64
    assert body["key"] == "kali é\r\nX-Evil: 1"


@pytest.mark.parametrize("change", [{"url": "ftp://x"}, {"url": "x"}, {"secret": "pendek"}, {"image": "ya"}])
def test_options_that_cannot_work_are_refused_at_the_start(change):
    with pytest.raises(vol.Invalid):
        KIND.schema({"url": "https://pusat.example", "secret": SECRET, **change})


def test_every_option_is_explained_in_both_languages():
    for option in KIND.schema.schema:
        assert set(catalogue()[option.description]) == {"id", "en"}
