"""Turning a camera from its page, without a browser: who may, what is answered, and who is told of whom."""

import pytest
from hub_for_rules import until
from web_client import PASSWORD, browser, csrf_on, log_in
from web_dome import put_dome
from web_hub import running

JSON = {"Accept": "application/json"}


class Visitor:
    """Somebody who has logged in and turns the camera of the page."""

    def __init__(self, client, url):
        self.client, self.url = client, url

    async def go(self, status=200, headers=JSON, **form):
        form["csrf"] = await csrf_on(self.client, self.url) if "csrf" not in form else form["csrf"]
        async with self.client.post(f"{self.url}/ptz", data=form, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json() if answer.content_type == "application/json" else await answer.text()

    async def state(self):
        async with self.client.get(f"{self.url}/ptz") as answer:
            return await answer.json()


@pytest.fixture
async def site(tmp_path):
    """Give the hub, its dome, and a way to let somebody in."""
    async with running(tmp_path) as (hub, _, app):
        dome, clients = await put_dome(hub), []

        async def enter(name, role="operator"):
            await app.accounts.add(name, PASSWORD, role=role)
            client = browser()
            clients.append(client)
            await log_in(client, app.url, name)
            return Visitor(client, f"{app.url}/cameras/ptz")

        yield hub, dome, enter
        for client in clients:
            await client.close()


async def test_an_operator_turns_moves_stops_sends_home_and_releases(site):
    hub, dome, enter = site
    budi = await enter("budi")
    told = await budi.go(preset="pintu-air")
    assert told["said"] == "Kamera diarahkan ke pintu-air." and told["tone"] == "good"
    assert told["is_mine"] and told["held"].startswith("Anda memegang kamera sampai")
    await budi.go(do="move", pan="-1")
    await budi.go(do="stop")
    await budi.go(do="home")
    released = await budi.go(do="release")
    assert not released["held"]
    assert [what[:2] for what in dome.told] == [("goto", "pintu-air"), ("move", -1.0), ("stop",), ("goto", "jalan")]
    assert dome.told[1][-1] < 2, "a browser that is gone turns the camera no longer"
    audited = {(one.who, one.what) for one in await hub.audit.find(50) if one.what.startswith("ptz.")}
    assert {("budi", f"ptz.{what}") for what in ("goto", "move", "home", "done", "release")} == audited


async def test_the_page_says_where_the_camera_stands_and_shows_only_the_zones_of_there(site):
    _, _, enter = site
    budi = await enter("budi")
    async with budi.client.get(budi.url) as answer:
        html = await answer.text()
    assert "zona preset tidak berlaku" in html and 'data-at="pintu-air" hidden' in html
    assert "bantaran (di pintu-air)" in html
    await budi.go(preset="pintu-air")

    async def is_there():
        return (await budi.state())["at"] == "pintu-air"

    await until(is_there, limit_s=20)
    async with budi.client.get(budi.url) as answer:
        html = await answer.text()
    assert "Kamera di pintu-air." in html and 'data-at="pintu-air"></polygon>' in html


async def test_somebody_else_is_told_who_holds_it_and_may_take_over(site):
    _, dome, enter = site
    budi, sari = await enter("budi"), await enter("sari")
    await budi.go(preset="pintu-air")
    refused = await sari.go(preset="jalan")
    assert refused["asks_take_over"] and refused["said"].startswith("Dipegang budi sampai")
    assert [what[1] for what in dome.told] == ["pintu-air"]
    page = await sari.go(409, headers={}, preset="jalan")
    assert "Ambil alih" in page and '<input type="hidden" name="preset" value="jalan">' in page
    taken = await sari.go(preset="jalan", take_over="yes")
    assert taken["is_mine"] and dome.told[-1] == ("goto", "jalan")
    assert (await budi.state())["held"].startswith("Dipegang sari sampai")
    assert (await budi.go(do="release"))["tone"] == "warning"


async def test_only_who_may_change_rules_keeps_presets(site):
    _, dome, enter = site
    budi, ayu = await enter("budi"), await enter("ayu", "supervisor")
    await budi.go(403, do="set_preset", preset="gerbang")
    kept = await ayu.go(do="set_preset", preset=" gerbang ")
    assert "gerbang" in kept["said"] and dome.names[-1] == "gerbang"
    await ayu.go(do="remove_preset", preset="gerbang")
    assert dome.names == ["pintu-air", "jalan"]
    for name in ("", "   ", "a\u0000b"):
        await ayu.go(400, do="set_preset", preset=name)


async def test_a_viewer_looks_and_moves_nothing(site):
    hub, dome, enter = site
    tamu = await enter("tamu", "viewer")
    assert (await tamu.state())["stands"]
    for verb in ("goto", "move", "stop", "home", "release", "patrol_off", "set_preset"):
        await tamu.go(403, do=verb, preset="jalan")
    assert dome.told == []
    assert [one.what for one in await hub.audit.find(3)] == ["ptz.refused"] * 3


@pytest.mark.parametrize("form", [{"do": "explode"}, {"do": "move", "pan": "2"}, {"do": "move", "tilt": "nan"}])
async def test_what_no_page_sends_is_refused(site, form):
    _, dome, enter = site
    await (await enter("budi")).go(400, **form)
    assert dome.told == []


async def test_a_command_needs_the_pages_token(site):
    _, dome, enter = site
    await (await enter("budi")).go(403, csrf="f" * 64, preset="jalan")
    assert dome.told == []


async def test_a_patrol_is_stopped_and_started(site):
    _, _, enter = site
    budi = await enter("budi")
    assert (await budi.go(do="patrol_off"))["patrol"] == "Patroli dihentikan"
    assert (await budi.go(do="patrol_on"))["patrol_is"] in ("walking", "waiting")


async def test_a_camera_that_fails_is_said_in_words(site):
    _, dome, enter = site
    budi = await enter("budi")
    dome.is_dead = True
    told = await budi.go(do="move", pan="1")
    assert (told["tone"], told["said"]) == ("bad", "kamera tidak menjawab")


async def test_the_api_tells_where_cameras_stand_and_who_holds_them_and_no_address(site):
    _, _, enter = site
    budi = await enter("budi")
    await budi.go(preset="pintu-air")
    async with budi.client.get(budi.url.replace("/cameras/ptz", "/api/v1/cameras")) as answer:
        said = await answer.text()
        cameras = {one["id"]: one for one in (await answer.json())["cameras"]}
    assert cameras["kali"]["ptz"] is None and cameras["ptz"]["ptz"]["is_mine"]
    assert "127.0.0.1" not in said


async def test_a_camera_that_does_not_turn_has_no_panel(site):
    _, _, enter = site
    budi = await enter("budi")
    async with budi.client.get(budi.url.replace("/ptz", "/kali") + "/ptz") as answer:
        assert answer.status == 404
    async with budi.client.get(budi.url.replace("/ptz", "/kali")) as answer:
        assert "data-ptz" not in await answer.text()
