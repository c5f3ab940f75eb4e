"""The real outbox and WhatsApp together: a lost answer, and still exactly one message."""

import asyncio
import contextlib
from datetime import datetime, timedelta, timezone

import pytest
from aiohttp import web
from cloud_api import APP_SECRET, VERIFY_TOKEN, CloudApi

from siaga.core.bus import Bus
from siaga.core.clock import ManualClock
from siaga.core.inbound import InboundRequest
from siaga.core.journal import Journal
from siaga.core.outbox import Outbox
from siaga.core.settings import NotifierSettings
from siaga.core.tasks import Tasks
from siaga.core.types import Notice, new_id
from siaga.plugins.notifications import whatsapp
from siaga.testing import OwnServices

KIND = next(iter(whatsapp.offer_notifiers()))


class Post:
    """A hub's post office in small: journal, outbox, one WhatsApp notifier, its webhook over HTTP."""

    def __init__(self, folder, api, **options):
        self.api = api
        self.clock = ManualClock(datetime.now(timezone.utc))
        self.services = OwnServices(folder, clock=self.clock)
        checked = KIND.schema(api.options(timeout=1.0, **options))
        self.notifier = KIND.make(NotifierSettings(id="wa", type="whatsapp", options=checked), self.services)
        self.events = []
        self._folder = folder

    async def __aenter__(self):
        self.tasks = Tasks(self.clock)
        self.journal = await Journal.open(self._folder / "siaga.db")
        self.outbox = Outbox(
            self.journal, Bus(), self.clock, self.tasks, {"wa": self.notifier}, self._emit, "kebon-baru"
        )
        await self.outbox.start()
        app = web.Application()
        app.router.add_post("/hooks/wa", self._hook)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.hook_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hooks/wa"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()
        await self.outbox.stop()
        await self.tasks.stop()
        await self.journal.close()
        await self.services.__aexit__(None, None, None)

    async def _emit(self, event):
        self.events.append(event)
        return len(self.events)

    async def _hook(self, request):
        body = await request.read()
        asked = InboundRequest(method="POST", headers=dict(request.headers), query={}, body=body)
        result = await self.notifier.receive(asked)
        for keyed in result.receipts:
            await self.outbox.receive(keyed)
        return web.Response(status=result.status)

    async def put(self, key="run-7:wa:0"):
        now = self.clock.now()
        self.key = key
        await self.outbox.put(
            Notice(
                id=new_id(),
                key=key,
                notifier="wa",
                to="+6281234567890",
                text="SIAGA 2",
                created_at=now,
                expires_at=now + timedelta(hours=2),
            )
        )

    async def state(self):
        records = [r for r in await self.outbox.find(limit=10) if r.notice.key == self.key]
        return records[0].state

    async def until(self, holds, step_s=1.0):
        """Let real requests run and the hub's clock go on until something is so; at most 20 s."""
        async with asyncio.timeout(20):
            while not await holds():
                await self.clock.advance(step_s)
                await asyncio.sleep(0.01)


@pytest.fixture
async def api():
    async with CloudApi() as api:
        yield api
        assert api.violations == []


HOOKED = {"app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN}


async def test_an_answer_lost_after_accepting_is_confirmed_by_the_webhook_and_nothing_is_sent_twice(api, tmp_path):
    async with Post(tmp_path, api, **HOOKED) as post:
        api.drop(after_accepting=True)
        api.webhook_to(post.hook_url, auto=("sent", "delivered"))
        await post.put()
        await post.until(lambda: _is(post, "delivered"), step_s=0.1)
        for _ in range(20):
            await post.clock.advance(60)
        assert len(api.accepted) == 1 and api.requests == ["messages"]
        assert await post.state() == "delivered"


async def test_an_alert_that_was_lost_before_accepting_is_sent_again_and_arrives_once(api, tmp_path):
    async with Post(tmp_path, api, **HOOKED) as post:
        api.drop()
        api.webhook_to(post.hook_url, auto=("sent", "delivered"))
        await post.put()
        await post.until(lambda: _is(post, "delivered"), step_s=5.0)
        assert len(api.accepted) == 1 and len(api.requests) == 2


@pytest.mark.parametrize(("choice", "messages"), [("resend", 2), ("hold", 1)])
async def test_without_a_webhook_a_lost_answer_goes_by_the_operators_choice(api, tmp_path, choice, messages):
    async with Post(tmp_path, api, on_unsure=choice) as post:
        api.drop(after_accepting=True)
        await post.put()
        await post.until(lambda: _is(post, "accepted" if choice == "resend" else "failed"), step_s=5.0)
        for _ in range(20):
            await post.clock.advance(60)
        assert len(api.accepted) == messages
        assert {m.key for m in api.accepted} == {post.key}


async def test_a_disturbed_service_delays_the_alert_and_does_not_double_it(api, tmp_path):
    async with Post(tmp_path, api, **HOOKED) as post:
        api.fail(131000, times=2)
        api.fail(130429, times=1, retry_after="30")
        api.webhook_to(post.hook_url, auto=("sent", "delivered", "read"))
        await post.put()
        await post.until(lambda: _is(post, "read"), step_s=2.0)
        assert len(api.accepted) == 1


async def test_a_status_told_out_of_order_or_twice_does_not_go_back(api, tmp_path):
    async with Post(tmp_path, api, **HOOKED) as post:
        api.webhook_to(post.hook_url)
        await post.put()
        await post.until(lambda: _are(api, 1))
        for state in ("read", "delivered", "sent", "read"):
            assert await api.status(0, state) == 200
        assert await post.state() == "read"


async def test_a_number_without_whatsapp_is_told_as_an_event_for_the_operator(api, tmp_path):
    async with Post(tmp_path, api, **HOOKED) as post:
        api.webhook_to(post.hook_url)
        await post.put()
        await post.until(lambda: _are(api, 1))
        await api.status(0, "failed", 131026, "Message undeliverable")
        with contextlib.suppress(TimeoutError):
            await post.until(lambda: _told(post))
        assert [e.kind for e in post.events] == ["notice.failed"]
        assert "tidak memakai WhatsApp" in str(post.events[0].data)
        assert len(api.accepted) == 1


async def _is(post, state):
    return await post.state() == state


async def _are(api, count):
    return len(api.accepted) == count


async def _told(post):
    return bool(post.events)


async def test_a_failure_told_afterwards_that_may_pass_is_sent_again(api, tmp_path):
    async with Post(tmp_path, api, **HOOKED) as post:
        api.webhook_to(post.hook_url)
        await post.put()
        await post.until(lambda: _are(api, 1))
        await api.status(0, "failed", 131016, "Service unavailable")
        await post.until(lambda: _are(api, 2), step_s=5.0)
        await api.status(1, "delivered")
        assert await post.state() == "delivered"
