"""What a notice looks like on the Cloud API's wire: text, picture, recording, button, template. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from ....core import Notice
from .options import Options

# Limits as Meta documents them for messages and templates.
MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_BUTTON_BODY = 1024
# What a pressed button holds comes back as it is: how the alert desk knows an answer (``contracts.Carries``).
ANSWER = "ack:"
# A template's body may have 1,024 characters once filled; its own words take part of that.
MAX_PARAMETERS_TOTAL = 850
MAX_CALLBACK = 512
# An empty text or parameter is refused (131008, 131009).
NOTHING = "-"
_LONG_KEY = "sha256:"


def phone_number(address: str, country_code: str) -> str | None:
    """Return an address in international form (``+62812...``), or None when it is no number.

    People write 0812-3456-7890; the leading 0 then stands for the country code.
    """
    digits = re.sub(r"[\s().\-]", "", address)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    elif digits.startswith("0"):
        digits = f"+{country_code}{digits[1:]}"
    elif not digits.startswith("+"):
        digits = "+" + digits
    # E.164: at most 15 digits.
    return digits if re.fullmatch(r"\+[1-9]\d{6,14}", digits) else None


def callback(key: str) -> str:
    """Return the key as it travels with the message: itself, or its hash where it is too long."""
    if len(key) <= MAX_CALLBACK and not key.startswith(_LONG_KEY):
        return key
    return _LONG_KEY + hashlib.sha256(key.encode()).hexdigest()


def text_message(notice: Notice, to: str) -> dict[str, Any]:
    """Return a free text; only within 24 hours of the recipient's last message."""
    return {
        **_base(notice, to, "text"),
        "text": {"body": shorten(notice.text.strip() or NOTHING, MAX_TEXT), "preview_url": False},
    }


def image_message(notice: Notice, to: str, media_id: str) -> dict[str, Any]:
    """Return a picture with the text as its caption; only within the 24 hours."""
    caption = shorten(notice.text, MAX_CAPTION)
    return {**_base(notice, to, "image"), "image": {"id": media_id, "caption": caption}}


def video_message(notice: Notice, to: str, media_id: str) -> dict[str, Any]:
    """Return a recording with the text as its caption; only within the 24 hours."""
    caption = shorten(notice.text, MAX_CAPTION)
    return {**_base(notice, to, "video"), "video": {"id": media_id, "caption": caption}}


def button_message(notice: Notice, to: str, media_id: str | None, title: str) -> dict[str, Any]:
    """Return the text with a button that answers it, and its picture above; only within the 24 hours."""
    interactive: dict[str, Any] = {
        "type": "button",
        "body": {"text": shorten(notice.text.strip() or NOTHING, MAX_BUTTON_BODY)},
        "action": {"buttons": [{"type": "reply", "reply": {"id": answer(notice), "title": title}}]},
    }
    if media_id:
        interactive["header"] = {"type": "image", "image": {"id": media_id}}
    return {**_base(notice, to, "interactive"), "interactive": interactive}


def answer(notice: Notice) -> str:
    """Return what the button of a notice holds; empty where it is about no incident."""
    return f"{ANSWER}{notice.incident_id}" if notice.incident_id else ""


def template_message(notice: Notice, to: str, options: Options, name: str, media_id: str | None) -> dict[str, Any]:
    """Return an approved template, filled; with ``media_id`` as the picture in its header."""
    components: list[dict[str, Any]] = []
    if media_id:
        components.append({"type": "header", "parameters": [{"type": "image", "image": {"id": media_id}}]})
    body = [{"type": "text", "text": value} for value in _filling(notice, options)]
    for parameter, parameter_name in zip(body, options.parameter_names, strict=False):
        parameter["parameter_name"] = parameter_name
    if body:
        components.append({"type": "body", "parameters": body})
    if options.template_button and answer(notice):
        # Also where no answer is asked for: the template shows its button anyway, and it should know its incident.
        payload = [{"type": "payload", "payload": answer(notice)}]
        components.append({"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": payload})
    # Meta's OpenAPI requires the policy; "deterministic" is the only one there is.
    language = {"code": options.template_language, "policy": "deterministic"}
    return {
        **_base(notice, to, "template"),
        "template": {"name": name, "language": language, "components": components},
    }


def shorten(text: str, limit: int) -> str:
    """Return at most ``limit`` characters; a cut is shown by an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def parameter_text(text: str) -> str:
    """Return text as a template parameter allows it: one line, no tabs, no runs of spaces."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return " · ".join(line for line in lines if line) or NOTHING


def _base(notice: Notice, to: str, kind: str) -> dict[str, Any]:
    thread = {"context": {"message_id": notice.thread}} if notice.thread else {}
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": kind,
        "biz_opaque_callback_data": callback(notice.key),
        **thread,
    }


def _filling(notice: Notice, options: Options) -> list[str]:
    values = [parameter_text(value) for value in notice.parameters or (notice.text,)]
    wanted = len(options.parameter_names) or options.parameter_count
    if wanted == 0:
        return []
    if wanted is not None:
        # A template refuses one parameter too many or too few (132000); a full alert in the last place is better.
        if len(values) > wanted:
            values = [*values[: wanted - 1], " · ".join(values[wanted - 1 :])]
        values += [NOTHING] * (wanted - len(values))
    surplus = sum(map(len, values)) - MAX_PARAMETERS_TOTAL
    if surplus > 0:
        longest = max(range(len(values)), key=lambda i: len(values[i]))
        values[longest] = shorten(values[longest], max(20, len(values[longest]) - surplus))
    return values
