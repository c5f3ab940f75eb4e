"""A WhatsApp notifier: chooses how a notice goes, sends it once, and says what became of it."""

from __future__ import annotations

from collections import Counter
from typing import Any, NoReturn

import msgspec

from ....core import InboundRequest, InboundResult, Notice, NotifierSettings, Receipt, SendFailed, Services
from . import messages
from .conversations import Conversations
from .graph import Accepted, AnswerLost, Graph, GraphError, NotSent, Refused
from .inbound import Webhook
from .options import Options
from .pacing import Pace
from .recordings import Recordings, StillUploading
from .uploads import PICTURE, NotUploaded, Uploads
from .verdicts import PAIR_LIMIT, PICTURE_REFUSED, SHARED_LIMITS, UNKNOWN, WINDOW_CLOSED, Fault, fault_of

# A wait for the number's throughput is shorter than this; anything longer goes back to the outbox.
MAX_WAIT_HERE_S = 1.5
# A code that Meta's list does not name is tried so often, then given up.
UNKNOWN_TRIES = 3
MAX_COUNTED = 256
# So often a recording that is on its way to Meta is looked for again.
UPLOADING_WAIT_S = 10.0


class Attached(msgspec.Struct, frozen=True):
    """Hold the picture or recording of a notice, or why it goes without; both empty where there never was one."""

    media_id: str | None = None
    why: str = ""


class WhatsApp:
    """Fulfil ``Notifier`` and ``Inbound`` over Meta's Cloud API.

    Within 24 hours of the recipient's last message: free text or picture with caption, or the recording
    itself. Otherwise an approved template. A notice that asks for an answer has a button in either. The
    notice's key travels as ``biz_opaque_callback_data`` and comes back in every status, so a message whose
    answer was lost can still be confirmed.
    """

    def __init__(self, settings: NotifierSettings, services: Services) -> None:
        self._options = Options.read(settings.options)
        self._services = services
        self._graph = Graph(self._options, services)
        self._pictures = Uploads(self._graph, services, PICTURE)
        self._recordings = Recordings(self._graph, services, self._options.timeout)
        self._conversations = Conversations(services)
        self._files_refused: dict[str, None] = {}
        self._webhook = Webhook(self._options, services, self._conversations, self._on_file_refused)
        self._pace = Pace(services.clock.mono_s())
        self._unknown: Counter[str] = Counter()
        self.can_confirm = bool(self._options.app_secret and self._options.verify_token)
        self.on_unsure = self._options.on_unsure
        self.carries = frozenset({"clip", "answers"})

    def __repr__(self) -> str:
        return f"WhatsApp({self._options.phone_number_id})"

    async def send(self, notice: Notice) -> Receipt:
        """Send once. SendFailed says whether to retry, give up, ask somebody, or wait for word."""
        to = messages.phone_number(notice.to, self._options.country_code)
        if to is None:
            self._fail("give_up", "whatsapp.fault.address", address=notice.to)
        await self._keep_pace(to)
        if messages.callback(notice.key) != notice.key:
            await self._conversations.keep_key(messages.callback(notice.key), notice.key)
        try:
            accepted, detail = await self._send(notice, to)
        except NotSent as err:
            raise self._failed("retry", "whatsapp.fault.no_network", why=str(err)) from err
        except AnswerLost as err:
            # The outbox waits for Meta's word where ``can_confirm``, else does as ``on_unsure`` says.
            raise self._failed("unsure", "whatsapp.fault.answer_lost", why=str(err)) from err
        except Refused as err:
            raise self._refused(notice, to, err.error) from err
        self._unknown.pop(notice.key, None)
        return Receipt(state="accepted", at=self._services.clock.now(), provider_id=accepted.message_id, detail=detail)

    async def receive(self, request: InboundRequest) -> InboundResult:
        """Read what Meta's webhook tells; 401 or 403 when it is not genuine."""
        return await self._webhook.receive(request)

    async def close(self) -> None:
        """Let go; the session is the hub's."""

    async def _send(self, notice: Notice, to: str) -> tuple[Accepted, str]:
        """Send in the form that the window allows."""
        is_open = await self._conversations.is_open(to)
        if not notice.clip:
            return await self._send_words(notice, to, is_open)
        clip = await self._clip(notice, notice.clip, is_open)
        if clip.media_id:
            return await self._send_clip(notice, to, clip.media_id), ""
        words = self._services.texts("whatsapp.clip.where", text=notice.text)
        notice = msgspec.structs.replace(notice, text=words, parameters=(words,))
        accepted, detail = await self._send_words(notice, to, is_open)
        return accepted, "; ".join(part for part in (clip.why, detail) if part)

    async def _send_clip(self, notice: Notice, to: str, media_id: str) -> Accepted:
        """Send the recording; where Meta will not have it, the next try goes without.

        There may be no time for that in this one: it may have waited for the upload.
        """
        try:
            return await self._graph.send(messages.video_message(notice, to, media_id))
        except Refused as err:
            if err.error.code == WINDOW_CLOSED:
                await self._conversations.close(to)
            elif err.error.code in PICTURE_REFUSED:
                self._on_file_refused(notice.key)
            raise

    async def _send_words(self, notice: Notice, to: str, is_open: bool) -> tuple[Accepted, str]:
        """Send text and picture; Meta may correct us once about window and picture."""
        picture: Attached | None = None
        while True:
            if picture is None and (is_open or self._options.template_header == "image"):
                picture = await self._picture(notice)
            body, detail = self._body(notice, to, is_open, picture or self._no_header(notice))
            try:
                accepted = await self._graph.send(body)
            except Refused as err:
                if err.error.code == WINDOW_CLOSED and is_open:
                    await self._conversations.close(to)
                    is_open = False
                elif err.error.code in PICTURE_REFUSED and picture and picture.media_id and notice.image:
                    self._pictures.forget(notice.image)
                    picture = self._without("refused")
                else:
                    raise
                continue
            held = "" if accepted.status in {"", "accepted"} else accepted.status
            return accepted, "; ".join(part for part in (detail, held) if part)

    def _body(self, notice: Notice, to: str, is_open: bool, picture: Attached) -> tuple[dict[str, Any], str]:
        """Return the message, and what the receipt should say about its picture."""
        if is_open and notice.asks_answer and notice.incident_id:
            title = self._services.texts("whatsapp.button")
            return messages.button_message(notice, to, picture.media_id, title), picture.why
        if is_open and picture.media_id:
            return messages.image_message(notice, to, picture.media_id), ""
        if is_open:
            return messages.text_message(notice, to), picture.why
        options = self._options
        if not options.template:
            self._fail("ask_operator", "whatsapp.fault.no_template")
        if options.template_header == "none":
            why = self._no_header(notice).why
            return messages.template_message(notice, to, options, options.template, None), why
        name = options.template if picture.media_id else options.template_without_image
        return messages.template_message(notice, to, options, name, picture.media_id), picture.why

    async def _clip(self, notice: Notice, clip_id: str, is_open: bool) -> Attached:
        clip = await self._services.clip(clip_id)
        why = "missing" if clip is None else "window" if not is_open else ""
        if notice.key in self._files_refused:
            why = "refused"
        elif clip is not None and clip.codec != "h264":
            # Meta, "Supported media types": only H.264 is played.
            why = "codec"
        if why or clip is None:
            return self._without(why, "clip")
        try:
            return Attached(await self._recordings.media_id(clip.path))
        except NotUploaded as err:
            return self._without(str(err), "clip")
        except StillUploading as err:
            raise self._failed("retry", "whatsapp.clip.uploading", UPLOADING_WAIT_S) from err

    async def _picture(self, notice: Notice) -> Attached:
        if not notice.image:
            return Attached()
        if notice.key in self._files_refused:
            return self._without("refused")
        try:
            return Attached(await self._pictures.media_id(notice.image))
        except NotUploaded as err:
            return self._without(str(err))

    def _no_header(self, notice: Notice) -> Attached:
        return self._without("no_header") if notice.image else Attached()

    def _without(self, why: str, what: str = "picture") -> Attached:
        return Attached(None, self._services.texts(f"whatsapp.{what}.{why}"))

    def _on_file_refused(self, key: str) -> None:
        """Send this notice without its picture or recording, should the outbox send it again."""
        self._files_refused[key] = None
        if len(self._files_refused) > MAX_COUNTED:
            del self._files_refused[next(iter(self._files_refused))]

    async def _keep_pace(self, to: str) -> None:
        clock = self._services.clock
        wait_s = self._pace.take(to, clock.mono_s())
        if 0 < wait_s <= MAX_WAIT_HERE_S:
            await clock.sleep(wait_s)
            wait_s = self._pace.take(to, clock.mono_s())
        if wait_s > 0:
            self._fail("retry", "whatsapp.fault.pacing", wait_s=wait_s)

    def _refused(self, notice: Notice, to: str, error: GraphError) -> SendFailed:
        """Return what a refusal means, and slow down where it says so."""
        fault = self._fault(notice, error)
        wait_s = error.retry_after_s or fault.wait_s
        if error.code == PAIR_LIMIT:
            self._pace.close_pair(to, self._services.clock.mono_s())
        elif error.code in SHARED_LIMITS or error.status == 429:
            self._pace.close(wait_s or 5.0, self._services.clock.mono_s())
        words = self._services.texts(f"whatsapp.fault.{fault.text}")
        return SendFailed(
            self._options.scrub(f"WhatsApp: {words} ({error.text()})"),
            verdict=fault.decision,
            wait_s=wait_s if fault.decision == "retry" else None,
        )

    def _fault(self, notice: Notice, error: GraphError) -> Fault:
        if error.code is None:
            return _http_fault(error.status)
        fault = fault_of(error.code, error.subcode, error.is_transient)
        if fault is not UNKNOWN or error.is_transient:
            return fault
        self._unknown[notice.key] += 1
        if len(self._unknown) > MAX_COUNTED:
            del self._unknown[next(iter(self._unknown))]
        if self._unknown[notice.key] < UNKNOWN_TRIES:
            return fault
        self._unknown.pop(notice.key)
        return Fault("give_up", "unknown")

    def _failed(self, verdict: Any, text: str, wait_s: float | None = None, **values: object) -> SendFailed:  # noqa: ANN401
        words = self._options.scrub(self._services.texts(text, **values))
        return SendFailed(f"WhatsApp: {words}", verdict=verdict, wait_s=wait_s)

    def _fail(self, verdict: Any, text: str, wait_s: float | None = None, **values: object) -> NoReturn:  # noqa: ANN401
        raise self._failed(verdict, text, wait_s, **values)


def _http_fault(status: int) -> Fault:
    """Return what an answer means that carries no Graph error: a gateway, a portal, a wrong address."""
    if status in {401, 403}:
        return Fault("ask_operator", "token")
    if status == 429:
        return Fault("retry", "too_fast", 30.0)
    if status == 404:
        return Fault("ask_operator", "not_meta")
    return Fault("retry", "not_meta", 30.0)
