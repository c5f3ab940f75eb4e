"""WhatsApp alerts: how they go, what each refusal means, and what comes back through the webhook."""

import asyncio
import json
import logging
import socket
from datetime import datetime, timezone

import aiohttp
import pytest
import voluptuous as vol
from aiohttp import web
from cloud_api import PHONE_NUMBER_ID, VERIFY_TOKEN
from whatsapp_cases import HOOKED, JPEG, KIND, POSKO, WITH_HEADER, lent, make, meta, notice, post_request, refusal  # noqa: F401

from siaga.core.clock import ManualClock
from siaga.core.inbound import Inbound, InboundRequest
from siaga.core.settings import NotifierSettings
from siaga.core.texts import catalogue
from siaga.plugins.notifications.whatsapp import verdicts
from siaga.plugins.notifications.whatsapp.conversations import Conversations
from siaga.plugins.notifications.whatsapp.messages import parameter_text, phone_number
from siaga.testing import OwnServices

# --- in which form an alert goes --------------------------------------------------------------


async def test_an_alert_to_somebody_silent_goes_as_the_approved_template(api, services):
    sent = notice(key="run-7:posko:0")
    receipt = await make(api, services).send(sent)
    message = api.accepted[0]
    assert (message.type, message.to, message.text, message.key) == ("template", POSKO, sent.text, "run-7:posko:0")
    assert message.body["template"]["language"] == {"code": "id", "policy": "deterministic"}
    assert (receipt.state, receipt.provider_id) == ("accepted", message.id)


async def test_an_alert_to_somebody_who_wrote_today_goes_as_picture_with_caption(api, services):
    notifier = make(api, services, **HOOKED)
    api.open_window(POSKO)
    await notifier.receive(post_request(api, api.reply_payload(POSKO, "Siap")))
    await notifier.send(notice(image="kali.jpg"))
    await notifier.send(notice("tanpa gambar"))
    assert [m.type for m in api.accepted] == ["image", "text"]
    assert api.accepted[0].image == JPEG
    assert api.accepted[0].text == "SIAGA 2: Kali Ciliwung 205 cm"


async def test_the_24_hours_are_remembered_across_a_restart_and_end(api, tmp_path):
    memory: dict[str, str] = {}
    clock = ManualClock(datetime.now(timezone.utc))
    async with OwnServices(tmp_path, clock=clock, memory=memory) as before:
        await make(api, before, **HOOKED).receive(post_request(api, api.reply_payload(POSKO, "Siap")))
        api.open_window(POSKO)
    async with OwnServices(tmp_path, clock=clock, memory=memory) as after:
        notifier = make(api, after, **HOOKED)
        await notifier.send(notice())
        await clock.advance(24 * 3600 - 300)
        await notifier.send(notice())
    assert [m.type for m in api.accepted] == ["text", "template"]


async def test_a_window_that_meta_holds_closed_costs_a_second_request_not_the_alert(api, services):
    notifier = make(api, services, **HOOKED)
    await notifier.receive(post_request(api, api.reply_payload(POSKO, "Siap")))
    api.close_windows()
    await notifier.send(notice())
    await notifier.send(notice())
    assert [m.type for m in api.accepted] == ["template", "template"]
    assert len(api.requests) == 3, "the closed window is remembered: no second free text is tried"


async def test_one_picture_for_many_recipients_is_uploaded_once_and_stands_in_the_header(api, services):
    api.template("siaga_gambar", header="image")
    notifier = make(api, services, template="siaga_gambar", **WITH_HEADER)
    recipients = [f"+62812000000{n:02}" for n in range(8)]
    await asyncio.gather(*(notifier.send(notice(to=to, image="kali.jpg")) for to in recipients))
    assert api.uploads == 1
    assert {m.to for m in api.accepted} == set(recipients)
    assert all(m.image == JPEG for m in api.accepted)


async def test_named_parameters_and_texts_fit_what_a_template_allows(api, services):
    api.template("siaga_rinci", parameters=3, names=["kejadian", "lokasi", "waktu"])
    notifier = make(api, services, template="siaga_rinci", parameter_names=["kejadian", "lokasi", "waktu"])
    await notifier.send(notice(parameters=("Banjir\n\n  Siaga 2\tkritis      naik", "Kali\r\nCiliwung")))
    await notifier.send(notice(parameters=("a", "b", "c", "d")))
    await notifier.send(notice(parameters=("x" * 3000, "RW 05", "19.05 WIB")))
    first, second, third = (m.text.split("\n") for m in api.accepted)
    assert first == ["Banjir · Siaga 2 kritis naik", "Kali · Ciliwung", "-"]
    assert second == ["a", "b", "c · d"]
    assert third[0].endswith("x…") and third[1:] == ["RW 05", "19.05 WIB"]


async def test_a_template_without_parameters_can_be_used(api, services):
    api.template("hello_world", parameters=0)
    await make(api, services, template="hello_world", parameter_count=0).send(notice())
    assert api.accepted[0].body["template"]["components"] == []


async def test_long_and_empty_texts_are_fitted_not_refused(api, services):
    notifier = make(api, services, **HOOKED)
    api.open_window(POSKO)
    await notifier.receive(post_request(api, api.reply_payload(POSKO, "Siap")))
    await notifier.send(notice("a" * 5000))
    await notifier.send(notice("a" * 5000, image="kali.jpg"))
    await notifier.send(notice("  "))
    assert [len(m.text) for m in api.accepted] == [4096, 1024, 1]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("0812-3456-7890", "+6281234567890"),
        ("+62 (812) 3456 7890", "+6281234567890"),
        ("6281234567890", "+6281234567890"),
        ("0065 9123 4567", "+6591234567"),
        ("posko", None),
        ("", None),
        ("+62", None),
    ],
)
def test_telephone_numbers_are_read_as_people_write_them(written, sent):
    assert phone_number(written, "62") == sent


async def test_an_address_that_is_no_number_is_given_up_in_plain_words(api, services):
    failed = await refusal(make(api, services), notice(to="Pak RW"))
    assert failed.verdict == "give_up" and "“Pak RW” bukan nomor telepon" in str(failed)
    assert api.requests == []


def test_a_parameter_never_holds_what_whatsapp_forbids():
    assert parameter_text("  \n\t ") == "-"
    assert parameter_text("a\u2028b    c") == "a · b c"


# --- the picture must not hold up the alert ---------------------------------------------------


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "berkasnya tidak ada"), (b"GIF89a", "bukan JPEG"), (b"\xff\xd8\xff" + bytes(5_000_001), "5 MB")],
    ids=["gone", "no picture", "too large"],
)
async def test_an_alert_whose_picture_cannot_go_goes_without_it_and_says_why(api, services, content, why):
    api.template("siaga_gambar", header="image")
    if content:
        (services.folder / "odd.jpg").write_bytes(content)
    notifier = make(
        api, services, template="siaga_gambar", template_header="image", template_without_image="siaga_peringatan"
    )
    receipt = await notifier.send(notice(image="odd.jpg"))
    assert why in receipt.detail
    assert api.accepted[0].body["template"]["name"] == "siaga_peringatan"


async def test_an_upload_that_fails_is_repeated_then_left_out(api, tmp_path):
    (tmp_path / "kali.jpg").write_bytes(JPEG)
    clock = ManualClock(datetime.now(timezone.utc))
    async with OwnServices(tmp_path, clock=clock) as services:
        notifier = make(api, services, **HOOKED)
        api.open_window(POSKO)
        await notifier.receive(post_request(api, api.reply_payload(POSKO, "Siap")))
        api.fail(131000, times=1, on="media")
        first = await advance_until(clock, notifier.send(notice(image="kali.jpg")))
        api.fail(131016, times=99, on="media")
        (tmp_path / "lain.jpg").write_bytes(JPEG)
        second = await advance_until(clock, notifier.send(notice(image="lain.jpg")))
    assert [m.type for m in api.accepted] == ["image", "text"]
    assert first.detail == "" and "tidak dapat diunggah" in second.detail


async def test_a_picture_that_failed_for_one_recipient_does_not_hold_up_the_others(api, tmp_path):
    (tmp_path / "kali.jpg").write_bytes(JPEG)
    api.template("siaga_gambar", header="image")
    options = {"template": "siaga_gambar", "template_header": "image", "template_without_image": "siaga_peringatan"}
    clock = ManualClock(datetime.now(timezone.utc))
    async with OwnServices(tmp_path, clock=clock) as services:
        notifier = make(api, services, **options)
        api.fail(131016, times=99, on="media")
        sends = [notifier.send(notice(to=f"+6281200000{n:03}", image="kali.jpg")) for n in range(20)]
        await advance_until(clock, asyncio.gather(*sends))
        assert clock.mono_s() < 20 and api.requests.count("media") == 3
    assert {m.body["template"]["name"] for m in api.accepted} == {"siaga_peringatan"} and len(api.accepted) == 20


async def advance_until(clock, coroutine):
    task = asyncio.ensure_future(coroutine)
    while not task.done():
        await asyncio.wait([task], timeout=0.02)
        await clock.advance(0.5)
    return await task


async def test_a_picture_that_meta_cannot_use_costs_the_picture_only(api, services):
    api.template("siaga_gambar", header="image")
    options = {"template": "siaga_gambar", "template_header": "image", "template_without_image": "siaga_peringatan"}
    api.fail(131053)
    receipt = await make(api, services, **options).send(notice(image="kali.jpg"))
    assert len(api.accepted) == 1 and "Meta menolaknya" in receipt.detail


def test_a_header_template_alone_is_refused_at_the_start_and_the_second_template_asked_for(api):
    with pytest.raises(vol.Invalid, match="template_without_image") as caught:
        KIND.schema(api.options(template="siaga_gambar", template_header="image"))
    assert caught.value.path == ["template_header"]


# --- what a refusal means ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "verdict", "wait_s", "words"),
    [
        (190, "ask_operator", None, "token"),
        (10, "ask_operator", None, "izin"),
        (200, "ask_operator", None, "izin"),
        (3, "ask_operator", None, "izin"),
        (4, "retry", 60, "terlalu banyak"),
        (80007, "retry", 60, "terlalu banyak"),
        (130429, "retry", 5, "terlalu banyak"),
        (131048, "retry", 300, "membatasi"),
        (131056, "retry", 6, "penerima ini"),
        (368, "ask_operator", None, "dibatasi"),
        (131031, "ask_operator", None, "dibatasi"),
        (131042, "ask_operator", None, "pembayaran"),
        (133010, "ask_operator", None, "phone_number_id"),
        (132000, "ask_operator", None, "parameter_count"),
        (132001, "ask_operator", None, "template"),
        (132007, "ask_operator", None, "template"),
        (132012, "ask_operator", None, "template"),
        (132015, "ask_operator", None, "mutunya"),
        (132016, "ask_operator", None, "mutunya"),
        (131030, "ask_operator", None, "Daftarkan"),
        (131026, "give_up", None, "tidak memakai WhatsApp"),
        (131049, "give_up", None, "Utility"),
        (131051, "give_up", None, "menolak isi"),
        (100, "give_up", None, "menolak isi"),
        (131008, "give_up", None, "menolak isi"),
        (131009, "give_up", None, "menolak isi"),
        (1, "retry", None, "terganggu"),
        (2, "retry", None, "terganggu"),
        (131000, "retry", None, "terganggu"),
        (131016, "retry", None, "terganggu"),
    ],
)
async def test_each_documented_code_has_its_verdict_and_words(api, services, code, verdict, wait_s, words):
    api.fail(code)
    failed = await refusal(make(api, services), notice())
    assert (failed.verdict, failed.wait_s) == (verdict, wait_s)
    assert words in str(failed) and str(code) in str(failed)


def test_every_verdict_has_words_in_both_languages():
    for fault in {*verdicts.FAULTS.values(), verdicts.UNKNOWN}:
        assert set(catalogue()[f"whatsapp.fault.{fault.text}"]) == {"id", "en"}


async def test_a_wrong_phone_number_id_is_a_matter_for_the_operator(api, services):
    failed = await refusal(make(api, services, phone_number_id="999999999999"), notice())
    assert failed.verdict == "ask_operator" and "phone_number_id" in str(failed)


async def test_what_meta_calls_transient_is_tried_again_whatever_its_code(api, services):
    api.fail(131009, is_transient=True)
    assert (await refusal(make(api, services), notice())).verdict == "retry"


async def test_an_unknown_code_is_tried_a_few_times_then_given_up(api, services):
    notifier, sent = make(api, services), notice()
    api.fail(999999, times=9)
    assert [(await refusal(notifier, sent)).verdict for _ in range(3)] == ["retry", "retry", "give_up"]


async def test_metas_retry_after_is_kept(api, services):
    api.fail(130429, retry_after="17")
    assert (await refusal(make(api, services), notice())).wait_s == 17


async def test_a_number_told_to_slow_down_sends_nothing_meanwhile(api, tmp_path):
    clock = ManualClock(datetime.now(timezone.utc))
    async with OwnServices(tmp_path, clock=clock) as services:
        notifier = make(api, services)
        api.fail(80007)
        await refusal(notifier, notice())
        waiting = await refusal(notifier, notice(to="+6281200000001"))
        assert (waiting.verdict, len(api.requests)) == ("retry", 1)
        assert 50 < waiting.wait_s <= 60
        await clock.advance(61)
        await notifier.send(notice())
    assert len(api.accepted) == 1


async def test_one_recipient_gets_45_at_once_and_then_one_in_six_seconds(api, tmp_path):
    clock = ManualClock(datetime.now(timezone.utc))
    async with OwnServices(tmp_path, clock=clock) as services:
        notifier = make(api, services)
        for _ in range(45):
            await notifier.send(notice())
        waiting = await refusal(notifier, notice())
        assert waiting.verdict == "retry" and 5 < waiting.wait_s <= 6
        await notifier.send(notice(to="+6281200000001"))
        await clock.advance(6)
        await notifier.send(notice())
    assert len(api.accepted) == 47


async def test_somebody_silent_without_a_template_asks_the_operator(api, services):
    options = {k: v for k, v in api.options().items() if k != "template"}
    notifier = KIND.make(NotifierSettings(id="wa", type="whatsapp", options=KIND.schema(options)), services)
    failed = await refusal(notifier, notice())
    assert failed.verdict == "ask_operator" and "24 jam" in str(failed)


# --- networks that fail -----------------------------------------------------------------------


async def test_a_refused_connection_is_tried_again_because_nothing_was_sent(api, services):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        failed = await refusal(make(api, services, base_url=url), notice())
    assert failed.verdict == "retry" and "belum terkirim" in str(failed)


async def test_a_name_that_does_not_resolve_is_tried_again(api, services):
    failed = await refusal(make(api, services, base_url="http://graph.invalid"), notice())
    assert failed.verdict == "retry"


@pytest.mark.parametrize("trouble", ["cut after", "cut before", "slow", "gateway", "portal"])
async def test_a_lost_answer_is_unsure_where_the_webhook_can_confirm(api, services, trouble):
    tell = {
        "cut after": lambda: api.drop(after_accepting=True),
        "cut before": lambda: api.drop(),
        "slow": lambda: api.slow(6.0),
        "gateway": lambda: api.answer("<html>Bad Gateway</html>", 502),
        "portal": lambda: api.answer("<html>Selamat datang di JakWIFI</html>", 200),
    }
    tell[trouble]()
    # Long enough to connect on a busy machine: what is late must be the answer.
    failed = await refusal(make(api, services, timeout=2.0, **HOOKED), notice())
    assert failed.verdict == "unsure"
    assert len(api.accepted) == (1 if trouble in {"cut after", "slow"} else 0)


@pytest.mark.parametrize("choice", ["resend", "hold"])
async def test_without_a_webhook_the_operators_choice_is_told_to_the_outbox(api, services, choice):
    api.drop(after_accepting=True)
    notifier = make(api, services, on_unsure=choice)
    assert (await refusal(notifier, notice())).verdict == "unsure"
    assert (notifier.can_confirm, notifier.on_unsure) == (False, choice)


async def test_a_redirect_is_not_followed_and_is_no_success(api, services):
    api.answer("", 302)
    assert (await refusal(make(api, services), notice())).verdict == "retry"


# --- secrets ----------------------------------------------------------------------------------


async def test_the_token_is_in_no_error_log_or_repr(api, services, caplog):
    caplog.set_level(logging.DEBUG)
    notifier = make(api, services, app_secret="rahasia-aplikasi", verify_token="rahasia-kata")
    token = api.token
    api.revoke_token()
    failed = await refusal(notifier, notice())
    assert "Malformed access token ***" in str(failed), "Meta repeats the token; we do not"
    shown = [str(failed), repr(failed), repr(notifier), repr(vars(notifier)), caplog.text]
    shown.append(repr(failed.__cause__) + repr(failed.__context__))
    for secret in (token, "rahasia-aplikasi", "rahasia-kata"):
        assert not any(secret in text for text in shown)


# --- the webhook ------------------------------------------------------------------------------


async def test_meta_can_register_the_webhook_and_a_stranger_cannot(api, services):
    notifier = make(api, services, **HOOKED)
    assert isinstance(notifier, Inbound) and notifier.can_confirm
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}

    async def ask(**change):
        return await notifier.receive(InboundRequest(method="GET", headers={}, query={**query, **change}, body=b""))

    assert ((await ask()).status, (await ask()).body) == (200, "1158201444")
    assert (await ask(**{"hub.verify_token": "tebakan"})).status == 403
    assert (await ask(**{"hub.verify_token": ""})).status == 403
    assert (await ask(**{"hub.mode": "unsubscribe"})).status == 403


async def test_without_secrets_the_webhook_believes_nobody(api, services):
    notifier = make(api, services)
    result = await notifier.receive(post_request(api, api.reply_payload(POSKO, "Siap")))
    query = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
    shaken = await notifier.receive(InboundRequest(method="GET", headers={}, query=query, body=b""))
    assert (result.status, shaken.status) == (401, 403)


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "sha256=ü"])
async def test_a_call_that_is_not_signed_is_refused_and_changes_nothing(api, services, signature):
    notifier = make(api, services, **HOOKED)
    body = json.dumps(api.reply_payload(POSKO, "Siap")).encode()
    headers = {"X-Hub-Signature-256": signature}
    result = await notifier.receive(InboundRequest(method="POST", headers=headers, query={}, body=body))
    assert (result.status, result.receipts, result.replies) == (401, (), ())
    await notifier.send(notice())
    assert api.accepted[0].type == "template"


async def test_statuses_come_back_by_the_notices_key_even_when_it_was_too_long_to_travel(api, services):
    notifier = make(api, services, **HOOKED)
    for key in ("run-7:posko:0", "kali:" * 200):
        await notifier.send(notice(key=key))
        message = api.accepted[-1]
        assert len(message.key) <= 512
        for state in ("sent", "delivered", "read"):
            result = await notifier.receive(post_request(api, api.status_payload(message, state)))
            assert [(r.key, r.receipt.state, r.receipt.provider_id) for r in result.receipts] == [
                (key, state, message.id)
            ]


async def test_a_failed_delivery_says_why_in_words(api, services):
    notifier = make(api, services, **HOOKED)
    await notifier.send(notice())
    payload = api.status_payload(api.accepted[0], "failed", 131026, "Message undeliverable")
    result = await notifier.receive(post_request(api, payload))
    assert result.receipts[0].receipt.state == "failed"
    assert "tidak memakai WhatsApp" in result.receipts[0].receipt.detail
    assert "131026" in result.receipts[0].receipt.detail


@pytest.mark.parametrize(("code", "may_retry"), [(131047, True), (131016, True), (131026, False), (999999, False)])
async def test_a_failure_told_afterwards_says_whether_to_send_again(api, services, code, may_retry):
    notifier = make(api, services, **HOOKED)
    api.open_window(POSKO)
    await notifier.receive(post_request(api, api.reply_payload(POSKO, "Siap")))
    await notifier.send(notice())
    result = await notifier.receive(post_request(api, api.status_payload(api.accepted[0], "failed", code, "x")))
    assert result.receipts[0].may_retry is may_retry
    await notifier.send(notice())
    assert api.accepted[1].type == ("template" if code == 131047 else "text")


async def test_a_picture_refused_afterwards_is_left_out_of_the_second_try(api, services):
    notifier, sent = make(api, services, **HOOKED), notice(image="kali.jpg")
    api.open_window(POSKO)
    await notifier.receive(post_request(api, api.reply_payload(POSKO, "Siap")))
    await notifier.send(sent)
    await notifier.receive(post_request(api, api.status_payload(api.accepted[0], "failed", 131053, "Media upload")))
    await notifier.send(sent)
    assert [m.type for m in api.accepted] == ["image", "text"]


@pytest.mark.parametrize("kind", ["text", "button", "interactive"])
async def test_an_answer_by_text_or_button_is_told_with_its_id_so_that_a_repeat_is_known(api, services, kind):
    notifier = make(api, services, **HOOKED)
    payload = api.reply_payload(POSKO, "Tanggapi", kind, id="wamid.in.9")
    for _ in range(2):
        result = await notifier.receive(post_request(api, payload))
        assert [(r.id, r.sender, r.text) for r in result.replies] == [("wamid.in.9", POSKO, "Tanggapi")]


async def test_what_concerns_another_number_of_the_same_app_is_not_ours(api, services):
    payload = api.reply_payload(POSKO, "Siap")
    payload["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "111111111"
    result = await make(api, services, **HOOKED).receive(post_request(api, payload))
    assert (result.status, result.replies) == (200, ())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"entry": 3}',
        b'{"entry": [{"changes": [{"field": "messages", "value": []}]}]}',
        b'{"entry": [{"changes": [{"field": "account_update", "value": {"event": "X"}}, 7, null]}]}',
        json.dumps(
            {
                "entry": [
                    {
                        "changes": [
                            {
                                "field": "messages",
                                "value": {
                                    "metadata": {"phone_number_id": PHONE_NUMBER_ID},
                                    "statuses": [{}, {"status": "deleted"}, {"status": "failed", "errors": "?"}, 5],
                                    "messages": [{"from": 5}, {"from": "62", "type": "order"}, {"type": "text"}],
                                },
                            }
                        ]
                    }
                ]
            }
        ).encode(),
    ],
)
async def test_shapes_nobody_knows_are_ignored_and_answered_200(api, services, body):
    result = await make(api, services, **HOOKED).receive(post_request(api, body))
    assert (result.status, result.replies) == (200, ())


async def test_a_body_over_three_megabytes_is_refused(api, services):
    result = await make(api, services, **HOOKED).receive(post_request(api, b" " * 3_000_001))
    assert result.status == 413


async def test_a_thousand_strangers_do_not_fill_the_memory(api, services):
    notifier = make(api, services, **HOOKED)
    for number in range(700):
        await notifier.receive(post_request(api, api.reply_payload(f"+6281{number:08}", "halo")))
    assert len(json.loads(services.memory["windows"])) == 500


# --- the options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [{"phone_number_id": "+62812"}, {"token": ""}, {"template": "Nama Template"}, {"timeout": 60}, {"base_url": "x"}],
)
def test_options_that_cannot_work_are_refused_at_the_start(change):
    base = {"phone_number_id": PHONE_NUMBER_ID, "token": "x"}
    with pytest.raises(vol.Invalid):
        KIND.schema({**base, **change})


def test_every_option_is_explained_in_both_languages():
    for option in KIND.schema.schema.validators[0]:
        assert set(catalogue()[option.description]) == {"id", "en"}


def test_a_phone_number_id_without_quotes_works_too():
    assert KIND.schema({"phone_number_id": 106540352242922, "token": "x"})["phone_number_id"] == PHONE_NUMBER_ID


async def test_keys_too_long_to_travel_are_remembered_up_to_what_the_memory_holds(services):
    conversations = Conversations(services)
    for n in range(300):
        await conversations.keep_key(f"sha256:{n}", f"{n}" + "k" * 700)
    assert len(await conversations.key_of("sha256:299")) > 700
    assert await conversations.key_of("sha256:0") == "sha256:0", "the oldest goes first"
    kept = await services.recall("long_keys")
    assert len(kept) > 60 and len(json.dumps(kept)) < 64_000
    await conversations.keep_key("sha256:big", "k" * 70_000)
    assert await conversations.key_of("sha256:big") == "sha256:big"
    assert len(await conversations.key_of("sha256:299")) > 700, "one giant pushes nobody out"


async def test_a_signature_that_is_no_text_is_refused_as_any_wrong_one(api, services):
    notifier = make(api, services, **HOOKED)
    sent = post_request(api, api.reply_payload(POSKO, "Siap"))
    for header in ("sha256=\udcff\udcfe", "sha256=é"):
        wrong = InboundRequest(method="POST", headers={"X-Hub-Signature-256": header}, query={}, body=sent.body)
        assert (await notifier.receive(wrong)).status == 401
    hello = {"hub.mode": "subscribe", "hub.verify_token": "\udcff", "hub.challenge": "1"}
    assert (await notifier.receive(InboundRequest(method="GET", headers={}, query=hello, body=b""))).status == 403


# --- the whole way round ----------------------------------------------------------------------


async def test_a_signed_status_arrives_over_http_and_a_tampered_one_does_not(api, services):
    notifier = make(api, services, **HOOKED)
    learnt = []

    async def hook(request: web.Request) -> web.Response:
        result = await notifier.receive(
            InboundRequest(
                method=request.method,
                headers=dict(request.headers),
                query=dict(request.query),
                body=await request.read(),
            )
        )
        learnt.extend(result.receipts)
        return web.Response(status=result.status, text=result.body)

    app = web.Application()
    app.router.add_route("*", "/hooks/wa-posko", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        api.webhook_to(f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/wa-posko", auto=("sent", "delivered"))
        assert await api.shake_hands() == (200, "1158201444")
        await notifier.send(notice(key="run-8"))
        await api.settle()
        assert [(r.key, r.receipt.state) for r in learnt] == [("run-8", "sent"), ("run-8", "delivered")]
        assert await api.call(api.status_payload(api.accepted[0], "read"), tries=1, signature="sha256=00") == 401
        assert len(learnt) == 2
    finally:
        await runner.cleanup()


async def test_the_session_may_be_shared_and_outlives_the_notifier(api, services):
    first = make(api, services)
    await first.send(notice())
    await first.close()
    assert isinstance(services.http(), aiohttp.ClientSession) and not services.http().closed
    await make(api, services).send(notice())
    assert len(api.accepted) == 2
