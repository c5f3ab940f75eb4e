"""How people answer: a button, a quoted message, a plain word; each reply counts once, strangers not at all."""

import pytest
from alert_cases import advance, alert, kinds, rest, sent, site
from hub_for_rules import EVENING, close_hub, event, open_hub

from siaga.core.alerts.answers import is_answer
from siaga.core.clock import ManualClock
from siaga.core.texts import Texts

BOTH = {"contact": ("lurah", "budi")}


@pytest.fixture
async def hub(tmp_path):
    hub = await open_hub(tmp_path / "siaga.db", ManualClock(EVENING), site=site())
    hub.outbox.state = "delivered"
    yield hub
    await close_hub(hub)


async def reply(hub, text="", sender="+62813", **more):
    await rest(hub)
    data = {"notifier": "wa", "sender": sender, "text": text, "reply_to": None, "button": None, "name": "L"} | more
    told = event("notice.reply", camera=None, at=hub.clock.now(), data=data)
    await hub.emit(told)
    await rest(hub)
    return told


async def test_a_button_acknowledges_its_incident_and_everybody_learns_it(hub):
    outcome = await hub.alert(alert(target=BOTH))
    await reply(hub, "Tanggapi", button=f"ack:{outcome.incident_id}")
    incident = await hub.alerts.incident(outcome.incident_id)
    assert (incident.state, incident.acknowledged_by, incident.acknowledged_via) == ("acknowledged", "Lurah", "wa")
    assert (await sent(hub, "+62815"))[1:] == ["Lurah menanggapi: Air naik di Kali Ciliwung (pukul 19.05)"]
    assert (await sent(hub, "+62813"))[1:] == ["Terima kasih, tercatat: Anda menanggapi 'Air naik di Kali Ciliwung'."]


async def test_the_second_to_answer_learns_who_was_first(hub):
    outcome = await hub.alert(alert(target=BOTH))
    await reply(hub, button=f"ack:{outcome.incident_id}")
    await hub.clock.advance(120)
    await reply(hub, "ok", sender="+62815")
    assert (await sent(hub, "+62815"))[-1] == (
        "Insiden 'Air naik di Kali Ciliwung' sudah ditanggapi Lurah pukul 19.05."
    )
    assert (await kinds(hub)).count("incident.acknowledged") == 1


async def test_a_quoted_message_means_its_own_incident(hub):
    first = await hub.alert(alert("a", incident="satu", text="Hal satu", target=BOTH))
    second = await hub.alert(alert("b", incident="dua", text="Hal dua", target=BOTH))
    await rest(hub)
    await reply(hub, "Siap, meluncur", reply_to="wamid.a:wa/+62813")
    assert (await hub.alerts.incident(first.incident_id)).state == "acknowledged"
    assert (await hub.alerts.incident(second.incident_id)).state == "open"


async def test_a_plain_word_means_the_newest_and_the_answer_names_it_and_the_others(hub):
    await hub.alert(alert("a", incident="satu", text="Hal satu", target=BOTH))
    await hub.clock.advance(60)
    await hub.alert(alert("b", incident="dua", text="Hal dua", target=BOTH))
    await reply(hub, "ok")
    assert [one.key for one in await hub.alerts.incidents("acknowledged")] == ["dua"]
    assert (await sent(hub, "+62813"))[-1] == (
        "Terima kasih, tercatat: Anda menanggapi 'Hal dua'. Masih menunggu jawaban: Hal satu."
    )


async def test_a_quoted_summary_means_the_newest_matter_in_it_that_is_open(tmp_path):
    hub = await open_hub(tmp_path / "satu.db", ManualClock(EVENING), site=site(limit=(1, 600)))
    hub.outbox.state = "read"
    try:
        for name in ("satu", "dua", "tiga", "empat"):
            await hub.alert(alert(name, incident=name, text=f"Hal {name}", target={"contact": ("lurah",)}))
        await advance(hub, 660)
        (summary,) = [notice.key for notice in await hub.outbox.all() if notice.key.startswith("summary:")]
        told = await hub.alerts.told((await hub.alerts.incident("dua")).id)
        assert [(one.state, one.reason) for one in told] == [("summed", "masuk ringkasan pukul 19.15")]
        await hub.acknowledge("empat", "Bu Sari", "web")
        await reply(hub, "siap", reply_to=f"wamid.{summary}")
        assert (await hub.alerts.incident("tiga")).acknowledged_by == "Lurah"
        assert [one.key for one in await hub.alerts.incidents("open")] == ["dua", "satu"]
    finally:
        await close_hub(hub)


async def test_a_reply_of_nonsense_is_passed_over_and_the_next_is_taken(hub):
    await hub.alert(alert(target=BOTH))
    await hub.emit(event("notice.reply", camera=None, data={"notifier": ["?"], "sender": {}, "text": 7, "button": []}))
    await hub.emit(event("clip.done", data={}))
    await reply(hub, "ok")
    assert (await hub.alerts.incidents())[0].state == "acknowledged"


async def test_a_person_is_known_by_the_digits_of_the_number(hub):
    await hub.alert(alert(target=BOTH))
    await reply(hub, "siap", sender="62813")
    assert await hub.alerts.incidents("open") != [], "a number that short is compared by the letter"
    await reply(hub, "siap", sender="+62813")
    assert (await hub.alerts.incidents())[0].acknowledged_by == "Lurah"


async def test_a_stranger_answers_nothing_and_hears_nothing(hub):
    outcome = await hub.alert(alert(target=BOTH))
    await reply(hub, "ok", sender="+6289999999", button=f"ack:{outcome.incident_id}")
    assert await hub.alerts.incidents("acknowledged") == []
    assert await sent(hub, "+6289999999") == []


async def test_talk_is_no_answer(hub):
    await hub.alert(alert(target=BOTH))
    for text in ("Di mana itu?", "tidak siap", "banjirnya setinggi apa", ""):
        await reply(hub, text)
    assert len(await hub.alerts.incidents("open")) == 1
    assert len(await sent(hub, "+62813")) == 1


async def test_thanks_after_ones_own_answer_get_no_further_word(hub):
    await hub.alert(alert(target=BOTH))
    await reply(hub, "ok")
    before = await sent(hub, "+62813")
    await reply(hub, "siap terima kasih")
    assert await sent(hub, "+62813") == before


async def test_a_word_without_anything_to_answer_gets_a_word_back(hub):
    await reply(hub, "ok", sender="+62815")
    assert await sent(hub, "+62815") == ["Tidak ada insiden yang menunggu jawaban Anda."]


async def test_replies_that_came_while_the_desk_was_away_are_taken_once_after_the_start(hub, tmp_path):
    await hub.alert(alert(target=BOTH))
    await rest(hub)
    await hub.alerts.stop()
    await hub.emit(event("notice.reply", camera=None, data={"notifier": "wa", "sender": "+62813", "text": "ok"}))
    await close_hub(hub)
    for _ in range(2):
        later = await open_hub(tmp_path / "siaga.db", ManualClock(EVENING), site=site())
        await rest(later)
        assert (await later.alerts.incidents())[0].acknowledged_by == "Lurah"
        assert (await kinds(later)).count("incident.acknowledged") == 1
        assert len([text for text in await sent(later, "+62813") if text.startswith("Terima kasih")]) == 1
        await close_hub(later)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ok", True), ("OK.", True), ("Siap, pak!", True), ("ditanggapi", True), ("👍🏽", True), ("👍", True),
        ("okelah nanti", False), ("", False), ("?", False), ("tidak ok", False),
    ],
)  # fmt: skip
def test_the_words_that_acknowledge(text, is_one):
    assert is_answer(text, Texts("id")) is is_one
