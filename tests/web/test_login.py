"""Nobody sees anything without a login, and a guesser waits longer and longer."""

import re
from datetime import datetime, timezone

import pytest
from web_client import PASSWORD, browser, csrf_on, log_in
from web_hub import running

from siaga.core.clock import ManualClock
from siaga.web.accounts import AccountRefused
from siaga.web.app import routes
from siaga.web.parts import PARTS


@pytest.fixture
async def web(tmp_path):
    async with running(tmp_path) as (hub, engine, app):
        await app.accounts.add("petugas", PASSWORD)
        yield hub, engine, app


async def test_every_address_but_the_few_open_ones_asks_for_a_login(web):
    _, _, app = web
    open_ones = {"/login", "/healthz", "/static/{version}/{name}", "/language/{language}"}
    open_ones |= {"/hooks/{notifier}", "/hooks/rules/{webhook}"}
    asked = 0
    async with browser() as client:
        for route in routes(app._runner.app[PARTS]):
            if route.path in open_ones:
                continue
            path = re.sub(r"{[^}]+}", "kali", route.path)
            async with client.request(route.method, app.url + path, allow_redirects=False) as answer:
                text = await answer.text()
                is_closed = answer.status == 401 or (
                    answer.status == 303 and answer.headers["Location"].startswith("/login")
                )
                assert is_closed, f"{route.method} {path}: {answer.status}"
                assert "Ciliwung" not in text
            asked += 1
        async with client.get(app.url + "/not/there", allow_redirects=False) as answer:
            assert answer.status == 303
    assert asked >= 18


async def test_the_right_password_opens_the_first_page_and_stands_in_the_audit(web):
    hub, _, app = web
    async with browser() as client:
        answer = await log_in(client, app.url, next="/events")
        assert (answer.status, answer.headers["Location"]) == (303, "/events")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
        async with client.get(app.url) as page:
            assert "Kali Ciliwung" in await page.text()
    assert [entry.what for entry in await hub.audit.find()] == ["login"]


async def test_the_login_gives_a_new_token_and_the_journal_keeps_no_token(web):
    hub, _, app = web
    async with browser() as client:
        await csrf_on(client, app.url + "/login")
        before = {c.key: c.value for c in client.cookie_jar}["siaga"]
        await log_in(client, app.url)
        after = {c.key: c.value for c in client.cookie_jar}["siaga"]
    assert before != after
    rows = await hub.journal.read(lambda db: str(list(db.query("select * from sessions"))))
    assert "petugas" in rows and after not in rows


async def test_a_wrong_password_and_an_unknown_name_get_the_same_words(web):
    _, _, app = web
    said = []
    async with browser() as client:
        for name in ("petugas", "siapa"):
            answer = await log_in(client, app.url, name=name, password="salah sekali")
            assert answer.status == 401
            said.append(re.search(r'role="alert">([^<]+)', await answer.text()).group(1))
    assert said[0] == said[1]


async def test_a_guesser_waits_longer_and_longer_and_is_told_how_long(tmp_path):
    clock = ManualClock(datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc))
    async with running(tmp_path, clock) as (_, _, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD)
        for _ in range(4):
            assert (await log_in(client, app.url, password="salah sekali")).status == 401
        waits = []
        for _ in range(3):
            answer = await log_in(client, app.url, password=PASSWORD)
            assert answer.status == 429, "the right password must wait too"
            waits.append(int(answer.headers["Retry-After"]))
            assert f"{waits[-1]} detik" in await answer.text()
            await clock.advance(waits[-1])
            assert (await log_in(client, app.url, password="salah sekali")).status == 401
        assert waits == [2, 4, 8]
        await clock.advance(16)
        assert (await log_in(client, app.url)).status == 303


@pytest.mark.parametrize("path", ["/login", "/logout", "/password", "/cameras/ptz/ptz"])
async def test_a_form_without_its_token_is_refused(web, path):
    hub, _, app = web
    async with browser() as client:
        await log_in(client, app.url)
        async with client.post(app.url + path, data={"preset": "jembatan", "name": "petugas"}) as answer:
            assert answer.status == 403
            assert "Traceback" not in await answer.text()
    assert hub.turning.went_to == []


async def test_a_login_never_leads_to_somebody_elses_address(web):
    _, _, app = web
    for goal in ("//jahat.example", "https://jahat.example", "/\\jahat.example", "javascript:alert(1)"):
        async with browser() as client:
            assert (await log_in(client, app.url, next=goal)).headers["Location"] == "/"


async def test_the_first_admin_must_choose_a_password_before_anything_else(tmp_path):
    async with running(tmp_path) as (_, _, app), browser() as client:
        once = await app.accounts.ensure_admin()
        assert await app.accounts.ensure_admin() is None
        assert (await log_in(client, app.url, "admin", once)).headers["Location"] == "/password"
        async with client.get(app.url + "/", allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/password"
        form = {"csrf": await csrf_on(client, app.url + "/password"), "old": once, "new": "pendek", "again": "pendek"}
        async with client.post(app.url + "/password", data=form) as answer:
            assert answer.status == 400 and "terlalu pendek" in await answer.text()
        form |= {"new": PASSWORD, "again": PASSWORD}
        async with client.post(app.url + "/password", data=form, allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/"
        async with client.get(app.url + "/") as answer:
            assert "Kali Ciliwung" in await answer.text()


async def test_a_new_password_ends_the_sessions_on_other_devices(web):
    _, _, app = web
    async with browser() as phone, browser() as screen:
        await log_in(phone, app.url)
        await log_in(screen, app.url)
        form = {"csrf": await csrf_on(screen, app.url + "/password"), "old": PASSWORD}
        await screen.post(app.url + "/password", data=form | {"new": PASSWORD + "1", "again": PASSWORD + "1"})
        async with phone.get(app.url + "/", allow_redirects=False) as answer:
            assert answer.headers["Location"].startswith("/login")
        async with screen.get(app.url + "/", allow_redirects=False) as answer:
            assert answer.status == 200


async def test_switching_an_account_off_ends_its_sessions(tmp_path):
    clock = ManualClock(datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc))
    async with running(tmp_path, clock) as (_, _, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD)
        await log_in(client, app.url)
        await app.accounts.switch("petugas", is_on=False)
        # What the door remembers of a session is ten seconds old at most.
        await clock.advance(11)
        async with client.get(app.url + "/", allow_redirects=False) as answer:
            assert answer.headers["Location"].startswith("/login")
        assert (await log_in(client, app.url)).status == 401
        await app.accounts.switch("petugas", is_on=True)
        await app.accounts.renew("petugas", PASSWORD + " sekali")
        answer = await log_in(client, app.url, password=PASSWORD + " sekali")
        assert answer.headers["Location"] == "/password"


async def test_logging_out_ends_the_session_at_once(web):
    _, _, app = web
    async with browser() as client:
        await log_in(client, app.url)
        token = {c.key: c.value for c in client.cookie_jar}["siaga"]
        await client.post(app.url + "/logout", data={"csrf": await csrf_on(client, app.url + "/")})
        async with client.get(app.url + "/", cookies={"siaga": token}, allow_redirects=False) as answer:
            assert answer.status == 303


async def test_a_session_ends_after_twelve_idle_hours_and_after_seven_days(tmp_path):
    clock = ManualClock(datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc))
    async with running(tmp_path, clock) as (_, _, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD)

        async def status():
            async with client.get(app.url + "/", allow_redirects=False) as answer:
                return answer.status

        await log_in(client, app.url)
        await clock.advance(12.1 * 3600)
        assert await status() == 303
        await log_in(client, app.url)
        for _ in range(15):
            await clock.advance(11 * 3600)
            assert await status() == 200
        await clock.advance(4 * 3600)
        assert await status() == 303


async def test_accounts_refuse_short_passwords_and_names_that_are_taken(web):
    _, _, app = web
    for name, password in (("petugas", "cukup panjang"), ("baru", "pendek"), (" ", "cukup panjang")):
        with pytest.raises(AccountRefused):
            await app.accounts.add(name, password)
