"""What an open page is told: now, and after its line was away."""

from asyncio import get_running_loop
from datetime import timedelta

import aiohttp
import pytest
from web_client import PASSWORD, browser, log_in
from web_hub import running

from siaga.core.notice_states import NoticeRecord
from siaga.core.types import Notice


@pytest.fixture
async def inside(tmp_path):
    async with running(tmp_path) as (hub, engine, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD)
        await log_in(client, app.url)
        yield hub, engine, app, client


def follow(client, app, **known):
    return client.ws_connect(app.url + "/api/v1/stream", params=known, headers={"Origin": app.url})


async def told(socket, count):
    return [await socket.receive_json(timeout=5) for _ in range(count)]


def tell(hub, event):
    """Put a notice about an event into the outbox, as a rule does."""
    now = hub.clock.now()
    notice = Notice(
        id=event.id,
        key=event.id,
        notifier="wa",
        to="+62812",
        text="-",
        created_at=now,
        expires_at=now,
        event_id=event.id,
    )
    hub.outbox.records.insert(0, NoticeRecord(notice=notice, state="delivered", next_at=now, updated_at=now))


async def test_the_live_stream_opens_for_our_own_pages_alone(inside):
    _, _, app, client = inside
    for origin in ("https://jahat.example", ""):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(app.url + "/api/v1/stream", headers={"Origin": origin})
        assert refused.value.status == 403


async def test_a_page_that_comes_back_is_told_what_it_missed(inside):
    hub, _, app, client = inside
    seq = await hub.events.last_seq()
    await hub.happen("flood.stage", data={"from": 3, "to": 2})
    async with client.ws_connect(f"{app.url}/api/v1/stream?after={seq}", headers={"Origin": app.url}) as socket:
        assert (await socket.receive_json(timeout=5))["type"] == "hello"
        missed = await socket.receive_json(timeout=5)
        assert missed["event"]["title"] == "Siaga 2" and missed["event"]["severity"] == "danger"
        hub.read(187, 3)
        assert (await socket.receive_json(timeout=5))["reading"]["value"] == "187 cm · Siaga 3"


async def test_motion_pushes_no_alert_out_of_what_a_page_missed(inside):
    hub, _, app, client = inside
    seq = await hub.events.last_seq()
    flood = await hub.happen("flood.stage", data={"from": 3, "to": 2})
    for _ in range(60):
        await hub.happen("motion.start", jpeg=None)
    async with follow(client, app, after=seq) as socket:
        _, missed = await told(socket, 2)
        assert (missed["type"], missed["event"]["id"]) == ("event", flood.id)
        hub.read(187, 3)
        assert (await told(socket, 1))[0]["type"] == "reading", "the motion is told to nobody"


async def test_what_a_rule_told_somebody_while_the_line_was_away_is_an_alert_afterwards(inside):
    hub, _, app, client = inside
    old = await hub.happen("object.person", "ptz", data={"label": "person"})
    tell(hub, old)
    async with follow(client, app) as socket:
        (hello,) = await told(socket, 1)
    seen = await hub.happen("object.person", "ptz", data={"label": "person"})
    tell(hub, seen)
    async with follow(client, app, after=hello["seq"], since=hello["now"]) as socket:
        _, event, alert = await told(socket, 3)
        assert (event["type"], alert["type"]) == ("event", "alert")
        assert alert["event"]["id"] == seen.id and alert["event"]["severity_word"] == "Peringatan"
        hub.read(187, 3)
        assert (await told(socket, 1))[0]["type"] == "reading", "what was told before is no news"


@pytest.mark.parametrize(
    "known", [{"after": "x", "since": "x"}, {"after": "²", "since": "2026-11-22"}, {"after": "9" * 30}]
)
async def test_a_page_that_knows_nonsense_is_told_what_happens_now(inside, known):
    hub, _, app, client = inside
    await hub.happen("flood.stage", data={"from": 3, "to": 2}, at=hub.clock.now() - timedelta(hours=1))
    async with follow(client, app, **known) as socket:
        assert (await told(socket, 1))[0]["type"] == "hello"
        hub.read(187, 3)
        assert (await told(socket, 1))[0]["type"] == "reading"


async def test_many_pages_that_do_not_answer_hold_up_no_stop(tmp_path):
    async with running(tmp_path) as (_, _, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD)
        await log_in(client, app.url)
        # None of them reads, so none of them says good-bye.
        sockets = [await follow(client, app) for _ in range(8)]
        began_s = get_running_loop().time()
        await app.stop()
        assert get_running_loop().time() - began_s < 1.9, "the hub gives each part 2 s"
        for socket in sockets:
            await socket.close()
