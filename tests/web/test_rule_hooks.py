"""A rule's secret address: called, it is an event; anybody else finds nothing, and nobody fills the journal."""

import aiohttp
import pytest
from web_hub import running

from siaga.core.texts import Texts
from siaga.core.types import Struct
from siaga.rules.rule import BoundTrigger
from siaga.rules.trigger_webhook import WEBHOOK_TRIGGER, WebhookTrigger, webhook_print, webhooks_in
from siaga.web.rule_hooks import MAX_BODY_BYTES

SECRET = "pintu-air-9f3kq81zz"


class Waiting(Struct):
    """Hold triggers somewhere inside a rule."""

    triggers: tuple[BoundTrigger, ...]


def bound(**options):
    made = WebhookTrigger(WEBHOOK_TRIGGER({"webhook_id": SECRET, **options}), Texts("id"))
    return BoundTrigger(id="0", path="triggers[0]", word="webhook", trigger=made)


@pytest.fixture
async def listening(tmp_path):
    """Let the engine say what real triggers say."""
    async with running(tmp_path) as (hub, engine, app):
        engine.webhooks = webhooks_in((Waiting(triggers=(bound(),)),))
        yield hub, app


async def call(app, address, method="POST", **more):
    url = f"{app.url}/hooks/rules/{address}"
    async with aiohttp.ClientSession() as caller, caller.request(method, url, **more) as answer:
        return answer.status


async def test_a_call_is_an_event_that_does_not_hold_its_secret(listening):
    hub, app = listening
    assert await call(app, SECRET, json={"tinggi": 212.5}, params={"alat": "7"}) == 200
    (found,) = await hub.events.find(kind="webhook.call")
    data = found.event.data
    assert (data["webhook"], data["json"], data["query"]) == (webhook_print(SECRET), {"tinggi": 212.5}, {"alat": "7"})
    assert SECRET not in str(data)
    assert bound().trigger.miss(found.event) is None


async def test_an_address_that_no_rule_has_is_not_there(listening):
    hub, app = listening
    assert await call(app, "pintu-air-9f3kq81zx") == 404
    assert await call(app, SECRET, "GET") == 405, "a link that somebody follows fires nothing"
    assert not await hub.events.find(kind="webhook.call")


@pytest.mark.parametrize(
    ("body", "status", "meaning"),
    [
        (b"", 200, None),
        (b"NYALA", 200, None),
        (b"\xff\xfe", 200, None),
        (b'{"a": "\\ud800"}', 200, None),
        (b"[" * 50_000, 200, None),
        (b"x" * MAX_BODY_BYTES, 200, None),
        (b"x" * (MAX_BODY_BYTES + 1), 413, None),
        (b"17", 200, 17),
    ],
)
async def test_any_body_is_met(listening, body, status, meaning):
    hub, app = listening
    assert await call(app, SECRET, data=body) == status
    found = await hub.events.find(kind="webhook.call")
    assert len(found) == (status == 200)
    assert all(one.event.data["json"] == meaning for one in found)


async def test_who_calls_too_often_is_asked_to_wait(listening):
    _, app = listening
    statuses = [await call(app, SECRET, data=b"1") for _ in range(130)]
    assert statuses[0] == 200 and 429 in statuses
