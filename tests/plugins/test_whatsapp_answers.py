"""Alerts by WhatsApp that ask for an answer: buttons, threads, recordings, and what comes back."""

import asyncio
import contextlib
from datetime import datetime, timedelta, timezone

import pytest
from whatsapp_cases import HOOKED, JPEG, KIND, POSKO, WITH_HEADER, lent, make, meta, notice, post_request, refusal  # noqa: F401

from siaga.core.contracts import carries_of
from siaga.core.errors import SendFailed
from siaga.core.settings import NotifierSettings
from siaga.core.types import Clip
from siaga.testing import OwnServices

MP4 = b"\0\0\0\x18ftypisom" + b"\0" * 5000


async def writes(api, services, notifier):
    """Let Posko write to us: the 24 hours begin."""
    api.open_window(POSKO)
    await notifier.receive(post_request(api, api.reply_payload(POSKO, "Halo")))


def asking(**more):
    return notice(asks_answer=True, incident_id="insiden-7", **more)


def recorded(services, folder, content=MP4, codec="h264"):
    """Let a finished recording stand in the index and on the disk; without content only in the index."""
    if content is not None:
        (folder / "klip.mp4").write_bytes(content)
    at = datetime.now(timezone.utc)
    services.clips["klip"] = Clip(
        id="klip", camera="kali", path="klip.mp4", start=at, end=at + timedelta(seconds=70), codec=codec,
        size_bytes=len(content or b""), sha256="0" * 64,
    )  # fmt: skip


async def test_an_alert_that_asks_has_a_button_that_knows_its_incident_and_its_picture_above(api, services):
    notifier = make(api, services, **HOOKED)
    await writes(api, services, notifier)
    await notifier.send(asking(image="kali.jpg"))
    (message,) = api.accepted
    assert (message.type, message.button, message.image) == ("interactive", "ack:insiden-7", JPEG)
    assert message.text.startswith("SIAGA 2")
    assert message.body["interactive"]["action"]["buttons"][0]["reply"]["title"] == "Terima"


async def test_a_button_stands_also_under_an_alert_without_picture_or_whose_picture_is_gone(api, services):
    notifier = make(api, services, **HOOKED)
    await writes(api, services, notifier)
    await notifier.send(asking())
    receipt = await notifier.send(asking(image="hilang.jpg"))
    assert [message.button for message in api.accepted] == ["ack:insiden-7"] * 2
    assert "tanpa gambar" in receipt.detail


async def test_a_long_alert_with_a_button_is_fitted(api, services):
    notifier = make(api, services, **HOOKED)
    await writes(api, services, notifier)
    await notifier.send(asking(text="air naik " * 300))
    assert len(api.accepted[0].text) == 1024


async def test_outside_the_24_hours_the_template_has_the_button(api, services):
    api.template("siaga_gambar", header="image", button="Terima")
    api.template("siaga_peringatan", button="Terima")
    more = {**HOOKED, **WITH_HEADER, "template": "siaga_gambar", "template_button": True}
    notifier = make(api, services, **more)
    await notifier.send(asking(image="kali.jpg"))
    await notifier.send(asking())
    await notifier.send(notice(incident_id="insiden-7"))
    await notifier.send(notice())
    assert [message.type for message in api.accepted] == ["template"] * 4
    assert [message.button for message in api.accepted] == ["ack:insiden-7"] * 3 + [""]


async def test_a_template_without_a_button_is_sent_as_it_is(api, services):
    await make(api, services, **HOOKED).send(asking())
    assert (api.accepted[0].type, api.accepted[0].button) == ("template", "")


async def test_what_continues_a_message_stands_under_it(api, services):
    notifier = make(api, services, **HOOKED)
    await writes(api, services, notifier)
    first = await notifier.send(asking())
    await notifier.send(notice("Pak Budi menanggapi", thread=first.provider_id))
    assert [message.thread for message in api.accepted] == [None, first.provider_id]


async def test_the_recording_follows_under_its_alert_and_is_uploaded_once_for_all(api, services, tmp_path):
    notifier = make(api, services, **HOOKED)
    recorded(services, tmp_path)
    await writes(api, services, notifier)
    api.open_window("+6281299990000")
    await notifier.receive(post_request(api, api.reply_payload("+6281299990000", "Halo")))
    first = await notifier.send(asking(image="kali.jpg"))
    await notifier.send(notice("Rekaman: Air naik", clip="klip", thread=first.provider_id))
    await notifier.send(notice("Rekaman: Air naik", clip="klip", to="+6281299990000"))
    _, video, other = api.accepted
    assert (video.type, video.text, video.thread) == ("video", "Rekaman: Air naik", first.provider_id)
    assert video.image == MP4 and other.type == "video"
    assert api.uploads == 2


@pytest.mark.parametrize(
    ("content", "codec", "why"),
    [
        (None, "h264", "berkasnya tidak ada"),
        (b"\0\0\0\x18ftypisom" + b"\0" * 16_000_000, "h264", "lebih dari 16 MB"),
        (MP4, "hevc", "H.264"),
        (b"bukan rekaman sama sekali", "h264", "bukan MP4"),
    ],
)
async def test_a_recording_that_cannot_go_becomes_a_word_where_to_see_it(api, services, tmp_path, content, codec, why):
    recorded(services, tmp_path, content, codec)
    notifier = make(api, services, **HOOKED)
    await writes(api, services, notifier)
    receipt = await notifier.send(notice("Rekaman: Air naik", clip="klip"))
    assert [(m.type, m.text) for m in api.accepted] == [
        ("text", "Rekaman: Air naik (dapat dilihat di Siaga, halaman Insiden)")
    ]
    assert why in receipt.detail


async def test_a_recording_on_a_weak_line_is_uploaded_once_beside_the_sending(api, services, tmp_path):
    recorded(services, tmp_path)
    notifier = make(api, services, **HOOKED | {"timeout": 0.5})
    await writes(api, services, notifier)
    api.slow(1.5, on="media")
    sent = notice("Rekaman: Air naik", clip="klip")
    failed = await refusal(notifier, sent)
    assert (failed.verdict, failed.wait_s) == ("retry", 10) and "sedang diunggah" in str(failed)
    await notifier.send(notice("SIAGA 1"))
    assert [message.text for message in api.accepted] == ["SIAGA 1"], "an alert goes out meanwhile"
    while (await asyncio.sleep(0.2)) or len(api.accepted) < 2:
        with contextlib.suppress(SendFailed):
            await notifier.send(sent)
    assert api.accepted[1].type == "video" and api.uploads == 1


async def test_a_recording_that_the_token_may_not_upload_asks_the_operator(api, services, tmp_path):
    recorded(services, tmp_path)
    notifier = make(api, services, **HOOKED)
    await writes(api, services, notifier)
    api.fail(190, on="media")
    failed = await refusal(notifier, notice("Rekaman: Air naik", clip="klip"))
    assert failed.verdict == "ask_operator" and "token" in str(failed)


async def test_a_recording_for_somebody_silent_becomes_a_word_in_the_template(api, services, tmp_path):
    recorded(services, tmp_path)
    receipt = await make(api, services, **HOOKED).send(notice("Rekaman: Air naik", clip="klip"))
    assert api.accepted[0].type == "template" and "halaman Insiden" in api.accepted[0].text
    assert "24 jam" in receipt.detail and api.uploads == 0


@pytest.mark.parametrize("code", [131047, 131053])
async def test_a_recording_that_meta_refuses_goes_as_a_word_at_the_next_try(api, services, tmp_path, code):
    recorded(services, tmp_path)
    notifier = make(api, services, **HOOKED)
    await writes(api, services, notifier)
    api.fail(code)
    sent = notice("Rekaman: Air naik", clip="klip")
    with pytest.raises(SendFailed) as caught:
        await notifier.send(sent)
    assert caught.value.verdict == "retry"
    await notifier.send(sent)
    assert "halaman Insiden" in api.accepted[0].text


async def test_a_pressed_button_says_which_message_which_incident_and_who(api, services):
    api.template("siaga_peringatan", button="Terima")
    notifier = make(api, services, **HOOKED, template_button=True)
    await notifier.send(asking())
    await writes(api, services, notifier)
    await notifier.send(asking())
    for message in api.accepted:
        pressed = api.press_payload(message)
        (reply,) = (await notifier.receive(post_request(api, pressed))).replies
        assert (reply.payload, reply.in_reply_to, reply.text) == ("ack:insiden-7", message.id, "Terima")
        assert (reply.sender, reply.name) == (POSKO, "Budi")


async def test_a_quoted_message_and_a_thumb_say_what_they_answer(api, services):
    notifier = make(api, services, **HOOKED)
    await notifier.send(asking())
    (message,) = api.accepted
    quoted = api.reply_payload(POSKO, "siap", "text", reply_to=message.id)
    thumb = api.reply_payload(POSKO, "👍", "reaction", reply_to=message.id)
    replies = [(await notifier.receive(post_request(api, one))).replies[0] for one in (quoted, thumb)]
    assert [(reply.text, reply.in_reply_to, reply.payload) for reply in replies] == [
        ("siap", message.id, ""),
        ("👍", message.id, ""),
    ]


async def test_a_thumb_that_is_taken_back_is_no_answer(api, services):
    taken_back = api.reply_payload(POSKO, "", "reaction", reply_to="wamid.x")
    result = await make(api, services, **HOOKED).receive(post_request(api, taken_back))
    assert (result.status, result.replies) == (200, ())


@pytest.mark.parametrize(
    "odd",
    [
        {"context": "x"},
        {"context": {"id": 5}},
        {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": 7}},
        {"type": "button", "button": {"payload": {"a": 1}, "text": "Terima"}},
        {"type": "reaction", "reaction": {"message_id": 5, "emoji": "👍"}},
    ],
)
async def test_a_reply_of_an_odd_shape_breaks_nothing(api, services, odd):
    payload = api.reply_payload(POSKO, "siap")
    payload["entry"][0]["changes"][0]["value"]["messages"][0].update(odd)
    payload["entry"][0]["changes"][0]["value"]["contacts"].append({"profile": 3})
    result = await make(api, services, **HOOKED).receive(post_request(api, payload))
    assert result.status == 200
    assert all(reply.in_reply_to is None and reply.payload == "" for reply in result.replies)


def test_it_says_that_it_carries_recordings_and_answers(tmp_path):
    options = KIND.schema({"phone_number_id": "12345", "token": "t"})
    notifier = KIND.make(NotifierSettings(id="wa", type="whatsapp", options=options), OwnServices(tmp_path))
    assert carries_of(notifier) == {"clip", "answers"}
