"""A live view over the web: for those who are logged in, noted, bounded, and told when the stream is away."""

import aiohttp
import pytest
from hub_for_rules import until
from web_client import PASSWORD, browser, log_in
from web_hub import running

from siaga.core.media.messages import LiveHeader, LivePiece, StreamEnd
from siaga.web.live_video import MOST_OF_ONE


@pytest.fixture
async def inside(tmp_path):
    async with running(tmp_path) as (hub, _, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD)
        await log_in(client, app.url)
        yield hub, app, client


def watch(client, app, camera="kali", origin=None):
    headers = {"Origin": origin or app.url}
    return client.ws_connect(f"{app.url}/cameras/{camera}/live", headers=headers)


async def test_headers_pieces_and_ends_arrive_in_order_and_the_view_is_noted(inside):
    hub, app, client = inside
    async with watch(client, app) as socket:
        (view,) = hub.views.open
        view.put(LiveHeader(camera="kali", mime="video/mp4", init=b"init"))
        view.put(LivePiece(camera="kali", is_key=True, data=b"piece"))
        view.put(StreamEnd(camera="kali"))
        assert await socket.receive_json(timeout=5) == {"mime": "video/mp4"}
        assert await socket.receive_bytes(timeout=5) == b"init"
        assert await socket.receive_bytes(timeout=5) == b"piece"
        assert await socket.receive_json(timeout=5) == {"ended": True}
    entries = await hub.audit.find(limit=10)
    assert [(entry.what, entry.subject) for entry in entries if entry.what == "live.view"] == [("live.view", "kali")]
    await until(lambda: not hub.views.open)


@pytest.mark.parametrize(("camera", "origin", "status"), [("lain", None, 404), ("kali", "http://jahat.example", 403)])
async def test_only_our_own_pages_watch_and_only_cameras_that_exist(inside, camera, origin, status):
    _, app, client = inside
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await watch(client, app, camera, origin)
    assert refused.value.status == status


async def test_one_account_cannot_take_every_place(inside):
    hub, app, client = inside
    open_ones = [await watch(client, app) for _ in range(MOST_OF_ONE)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await watch(client, app)
    assert refused.value.status == 429
    await open_ones.pop().close()
    await until(lambda: len(hub.views.open) < MOST_OF_ONE)
    open_ones.append(await watch(client, app))
    for socket in open_ones:
        await socket.close()
