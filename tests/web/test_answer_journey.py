"""An alert and its answer, whole: alert desk, outbox, WhatsApp at Meta's stand-in, and the pages."""

from contextlib import asynccontextmanager
from datetime import datetime, timezone

import pytest
from alert_cases import rest
from cloud_api import CloudApi
from hub_for_rules import until
from web_client import PASSWORD, browser, csrf_on, log_in
from web_hub import running
from web_incidents import BUDI, LURAH, POSKO, people, water_rises
from whatsapp_cases import HOOKED, JPEG, KIND

from siaga.core.clock import ManualClock
from siaga.core.contracts import carries_of
from siaga.core.outbox import Outbox
from siaga.core.settings import NotifierSettings
from siaga.core.types import Event, new_id
from siaga.testing import OwnServices

MP4 = b"\0\0\0\x18ftypisom" + b"\0" * 5000


class Place:
    """A hub's post and pages in small; ``said(to)`` are the texts that somebody's telephone has."""

    def __init__(self, hub, app, api, client, services):
        self.hub, self.app, self.api, self.client, self.services = hub, app, api, client, services

    def messages(self, to):
        return [message for message in self.api.accepted if message.to == to]

    def said(self, to):
        return [message.text for message in self.messages(to)]

    def number_of(self, message):
        return self.api.accepted.index(message)

    async def advance(self, seconds):
        while seconds > 0:
            await self.hub.clock.advance(min(seconds, 30))
            seconds -= 30
            await rest(self.hub)

    async def state(self, incident):
        return (await self.hub.alerts.incident(incident.id)).state


@asynccontextmanager
async def opened(folder):
    clock = ManualClock(datetime.now(timezone.utc))
    async with (
        CloudApi() as api,
        OwnServices(folder, clock=clock) as services,
        running(folder, clock) as (hub, _, app),
        browser() as client,
    ):
        api.template("siaga_peringatan", button="Terima")
        options = KIND.schema(api.options(**HOOKED, template_button=True))
        notifier = KIND.make(NotifierSettings(id="wa", type="whatsapp", options=options), services)
        hub.settings, hub.notifiers = people(hub.settings), {"wa": notifier}
        hub.outbox = Outbox(hub.journal, hub.bus, clock, hub.tasks, hub.notifiers, hub.emit, "kebon-baru")
        await hub.outbox.start()
        await hub.alerts.stop()
        await hub.open_desk(hub.outbox, carries=lambda name: carries_of(hub.notifiers.get(name)))
        api.webhook_to(app.url + "/hooks/wa")
        await app.accounts.add("rina", PASSWORD)
        await log_in(client, app.url, "rina")
        yield Place(hub, app, api, client, services)
        await hub.outbox.stop()
        assert api.violations == []


@pytest.fixture
async def place(tmp_path):
    async with opened(tmp_path) as place:
        yield place


async def alerted(place):
    """Let the water rise; Posko wrote today, Lurah did not."""
    await place.api.reply(POSKO, "Selamat malam")
    event, incident = await water_rises(place.hub)
    await until(lambda: place.said(POSKO) and place.said(LURAH), "the alert is out")
    return event, incident


async def test_a_button_is_pressed_everybody_learns_it_and_nobody_further_is_called(place):
    event, incident = await alerted(place)
    (first,), (template,) = place.messages(POSKO), place.messages(LURAH)
    assert (first.type, first.button) == ("interactive", f"ack:{incident.id}") and first.image.startswith(JPEG[:3])
    assert (template.type, template.button) == ("template", f"ack:{incident.id}")

    assert await place.api.press(place.number_of(first), id="wamid.in.posko") == 200
    await until(lambda: len(place.said(LURAH)) == 2 and len(place.said(POSKO)) == 2, "they learn who")
    taken = await place.hub.alerts.incident(incident.id)
    assert (taken.state, taken.acknowledged_by, taken.acknowledged_via) == ("acknowledged", "Posko RW 05", "wa")
    assert place.said(LURAH)[1].startswith("Posko RW 05 menanggapi: SIAGA 2")
    assert place.said(POSKO)[1].startswith("Terima kasih, tercatat")

    # Meta delivers again what it thinks was lost.
    await place.api.press(place.number_of(first), id="wamid.in.posko")
    replies = [found.event.data for found in await place.hub.events.find(kind="notice.reply")]
    assert [data["text"] for data in replies] == ["Terima", "Selamat malam"], "each is told once"
    assert replies[0] == {
        "notifier": "wa",
        "sender": POSKO,
        "name": "Budi",
        "text": "Terima",
        "reply_to": first.id,
        "button": f"ack:{incident.id}",
    }
    assert (replies[1]["reply_to"], replies[1]["button"]) == (None, None)
    await place.api.press(place.number_of(template))
    await until(lambda: len(place.said(LURAH)) == 3, "the second reads who was first")
    assert "sudah ditanggapi Posko RW 05" in place.said(LURAH)[2] and len(place.said(POSKO)) == 2

    await place.advance(900)
    assert place.said(BUDI) == [], "the escalation stopped"
    async with place.client.get(f"{place.app.url}/incidents/{incident.id}") as answer:
        assert "Posko RW 05 menanggapi" in await answer.text()
    async with place.client.get(f"{place.app.url}/events/{event.id}") as answer:
        assert f"/incidents/{incident.id}" in await answer.text(), "the event names its incident"


async def test_an_answer_on_the_page_does_the_same(place):
    _, incident = await alerted(place)
    await place.api.status(place.number_of(place.messages(POSKO)[0]), "read")
    token = await csrf_on(place.client, place.app.url)
    address = f"{place.app.url}/incidents/{incident.id}"
    async with place.client.post(f"{address}/acknowledge", data={"csrf": token}) as answer:
        html = await answer.text()
    assert answer.status == 200 and "rina menanggapi" in html and "Dibaca" in html
    await until(lambda: len(place.said(LURAH)) == 2 and len(place.said(POSKO)) == 2, "they learn who")
    assert all(place.said(to)[1].startswith("rina menanggapi") for to in (POSKO, LURAH))
    await place.api.press(place.number_of(place.messages(POSKO)[0]))
    await until(lambda: len(place.said(POSKO)) == 3, "who presses late reads who was first")
    assert "sudah ditanggapi rina" in place.said(POSKO)[2]
    await place.advance(900)
    assert place.said(BUDI) == []


async def test_without_an_answer_the_next_one_is_called_and_a_thumb_under_a_message_answers_it(place):
    _, incident = await alerted(place)
    await place.advance(330)
    await until(lambda: place.said(BUDI), "the next one is called")
    called = place.messages(BUDI)[0]
    assert called.button == f"ack:{incident.id}" and "BELUM DITANGGAPI" in called.text
    await place.api.reply(BUDI, "👍", "reaction", reply_to=called.id)
    await until(lambda: len(place.said(LURAH)) == 2, "they learn who")
    assert (await place.hub.alerts.incident(incident.id)).acknowledged_by == "Pak Budi (Satpol PP)"


async def test_the_recording_follows_under_the_alert_of_who_wrote_and_as_a_word_to_who_did_not(place):
    event, incident = await alerted(place)
    clip = await place.hub.cut(event, MP4, keys=("run:actions[1]/kali",))
    place.services.clips[clip.id] = clip
    now = place.hub.clock.now()
    done = Event(id=new_id(), site="kebon-baru", kind="clip.done", at=now, camera="kali", data={"clip": clip.id})
    await place.hub.emit(done)
    await place.advance(30)
    await until(lambda: len(place.said(POSKO)) == 2 and len(place.said(LURAH)) == 2, "the recording is out")
    first, video = place.messages(POSKO)
    assert (video.type, video.thread, video.image) == ("video", first.id, MP4)
    assert "dapat dilihat di Siaga, halaman Insiden" in place.said(LURAH)[1]
    assert await place.state(incident) == "open"
