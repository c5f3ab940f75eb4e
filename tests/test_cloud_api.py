"""The stand-in for the Cloud API behaves as Meta documents it, and judges what it is asked."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
import meta_openapi
import pytest
from aiohttp import web
from cloud_api import APP_SECRET, PHONE_NUMBER_ID, TOKEN, CloudApi

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8 + b"\r\n--x\xff\xd9"
AUTH = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "Siaga/0.1.0"}


def text(**more):
    base = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+6281234567890", "type": "text"}
    return {**base, "text": {"body": "Air naik", "preview_url": False}, **more}


@pytest.fixture
async def api():
    async with CloudApi() as api:
        api.open_window("+6281234567890")
        yield api


async def post(api, body, headers=AUTH, edge="messages"):
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{api.url}/v23.0/{PHONE_NUMBER_ID}/{edge}", json=body, headers=headers) as response,
    ):
        return response.status, await response.json()


async def test_a_text_that_fits_is_accepted_and_kept(api):
    status, answer = await post(api, text(biz_opaque_callback_data="run-1"))
    assert status == 200
    assert answer["messages"][0]["id"] == api.accepted[0].id
    assert (api.accepted[0].text, api.accepted[0].key) == ("Air naik", "run-1")
    assert api.violations == []


@pytest.mark.skipif(not meta_openapi.SPEC.exists(), reason="NOT judged by Meta's OpenAPI: ../shared/specs is not there")
@pytest.mark.parametrize(
    "body",
    [
        {k: v for k, v in text().items() if k != "recipient_type"},
        text(text={"body": "x", "preview_url": "no"}),
        text(colour="red"),
        text(type="template", template={"name": "x", "language": {"code": "id"}}),
        text(
            type="template",
            template={
                "name": "siaga_peringatan",
                "language": {"code": "id", "policy": "deterministic"},
                "components": [{"type": "header", "parameters": [{"type": "image"}]}],
            },
        ),
    ],
    ids=["no recipient_type", "preview_url is no bool", "unknown field", "no policy", "image without image"],
)
async def test_metas_own_document_refuses_what_does_not_fit(api, body):
    status, answer = await post(api, body)
    assert (status, answer["error"]["code"]) == (400, 100)
    assert len(api.violations) >= 1 and api.accepted == []


async def test_a_wrong_token_is_refused_with_190_and_repeated_in_the_message(api):
    status, answer = await post(api, text(), {**AUTH, "Authorization": "Bearer Wrong123"})
    assert (status, answer["error"]["code"]) == (401, 190)
    assert "Wrong123" in answer["error"]["message"]


async def test_outside_the_24_hours_a_free_text_is_refused(api):
    api.close_windows()
    assert (await post(api, text()))[1]["error"]["code"] == 131047


async def test_an_uploaded_picture_comes_back_byte_for_byte(api):
    form = aiohttp.FormData({"messaging_product": "whatsapp", "type": "image/jpeg"})
    form.add_field("file", JPEG, filename="a.jpg", content_type="image/jpeg")
    async with aiohttp.ClientSession(headers=AUTH) as session:
        async with session.post(f"{api.url}/v23.0/{PHONE_NUMBER_ID}/media", data=form) as response:
            media_id = (await response.json())["id"]
        async with session.get(f"{api.url}/v23.0/{media_id}") as response:
            where = (await response.json())["url"]
        async with session.get(where) as response:
            assert await response.read() == JPEG
    assert api.violations == []


async def test_a_status_webhook_is_signed_and_repeated_until_it_is_taken(api):
    seen = []

    async def hook(request: web.Request) -> web.Response:
        body = await request.read()
        seen.append((request.headers["X-Hub-Signature-256"] == api.sign(body), json.loads(body)))
        return web.Response(status=503 if len(seen) < 3 else 200)

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.webhook_to(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", APP_SECRET)
    await post(api, text(biz_opaque_callback_data="run-1"))
    assert await api.status(0, "delivered") == 200
    assert [genuine for genuine, _ in seen] == [True, True, True]
    status = seen[-1][1]["entry"][0]["changes"][0]["value"]["statuses"][0]
    assert (status["status"], status["biz_opaque_callback_data"]) == ("delivered", "run-1")
    await runner.cleanup()


@pytest.mark.slow
async def test_it_serves_and_obeys_as_a_process_of_its_own():
    script = str(Path(__file__).with_name("cloud_api.py"))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, script, "--port", "0", stdout=pipe)
    try:
        url = json.loads(await process.stdout.readline())["url"]
        async with aiohttp.ClientSession() as session:
            for order in ({"do": "open_window", "number": "+6281234567890"}, {"do": "fail", "code": 131000}):
                async with session.post(f"{url}/_control", json=order) as response:
                    assert response.status == 200
            for expected in (500, 200):
                async with session.post(
                    f"{url}/v23.0/{PHONE_NUMBER_ID}/messages", json=text(), headers=AUTH
                ) as response:
                    assert response.status == expected
            async with session.get(f"{url}/_state") as response:
                state = await response.json()
        assert [m["text"] for m in state["accepted"]] == ["Air naik"]
        assert state["violations"] == []
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
