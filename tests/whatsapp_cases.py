"""A WhatsApp notifier at a stand-in, notices for it, and calls of its webhook; fixtures ``api`` and ``services``."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from cloud_api import APP_SECRET, VERIFY_TOKEN, CloudApi

from siaga.core.errors import SendFailed
from siaga.core.inbound import InboundRequest
from siaga.core.settings import NotifierSettings
from siaga.core.types import Notice, new_id
from siaga.plugins.notifications import whatsapp
from siaga.testing import OwnServices

KIND = next(iter(whatsapp.offer_notifiers()))
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40 + b"\xff\xd9"
POSKO = "+6281234567890"
HOOKED = {"app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN}
WITH_HEADER = {"template_header": "image", "template_without_image": "siaga_peringatan"}


@pytest.fixture(name="api")
async def meta():
    async with CloudApi() as api:
        yield api
        assert api.violations == [], "a request did not fit Meta's OpenAPI or documents"


@pytest.fixture(name="services")
async def lent(tmp_path):
    (tmp_path / "kali.jpg").write_bytes(JPEG)
    async with OwnServices(tmp_path) as services:
        yield services


def make(api, services, **more):
    options = KIND.schema(api.options(**more))
    return KIND.make(NotifierSettings(id="wa-posko", type="whatsapp", options=options), services)


def notice(text="SIAGA 2: Kali Ciliwung 205 cm", to=POSKO, **more):
    now = datetime.now(timezone.utc)
    base = {"id": new_id(), "key": new_id(), "notifier": "wa-posko", "to": to, "text": text}
    return Notice(**{**base, "created_at": now, "expires_at": now + timedelta(hours=1), **more})


def post_request(api, payload, signature=None):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    headers = {"x-hub-signature-256": signature or api.sign(body)}
    return InboundRequest(method="POST", headers=headers, query={}, body=body)


async def refusal(notifier, sent):
    with pytest.raises(SendFailed) as caught:
        await notifier.send(sent)
    return caught.value
