"""What a reply means: somebody acknowledges an incident by a button, by quoting our message, or by a plain word."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

from ..settings import Address
from ..texts import Texts
from ..types import Event, Incident, Notice, new_id
from .deciding import Deciding
from .people import Recipient, same_address

BUTTON = "ack:"
# A word that answers what was told longer ago means something else.
ANSWERS_FOR_S = 86_400.0
REPLY_EXPIRES_S = 600.0


class Quoted(NamedTuple):
    """Name what a reply quotes: the key of our message, and the incident it was about."""

    key: str
    incident_id: str | None


def take_reply(deciding: Deciding, event: Event, quoted: Quoted | None) -> None:
    """Acknowledge what a reply answers, and say to its sender what came of it. Strangers get no answer."""
    data = event.data
    text, button = str(data.get("text") or ""), str(data.get("button") or "")
    notifier = str(data.get("notifier") or "")
    sender = _sender(deciding, notifier, str(data.get("sender") or ""))
    if sender is None or not (button.startswith(BUTTON) or is_answer(text, deciding.texts)):
        return
    incident = _meant(deciding, sender.address, button, quoted)
    if incident is None:
        _say(deciding, event, sender, deciding.texts("alerts.nothing_open"), None)
    elif incident.state != "open":
        if incident.acknowledged_by != sender.name or button:
            _say(deciding, event, sender, deciding.why_taken(incident), incident)
    else:
        deciding.acknowledge(incident.id, sender.name, notifier, sender.address)
        _say(deciding, event, sender, _thanks(deciding, sender.address, incident), incident)


def is_answer(text: str, texts: Texts) -> bool:
    """Say whether a text begins with one of the words that acknowledge."""
    words = re.findall(r"[^\s.,!?;:]+", text.lower())
    known = texts("alerts.answer_words").lower().split()
    return bool(words) and (words[0] in known or any(text.strip().startswith(sign) for sign in _signs(known)))


def _signs(known: list[str]) -> list[str]:
    # A thumb may carry the colour of a skin behind it.
    return [word for word in known if not word[0].isalnum()]


def _sender(deciding: Deciding, notifier: str, sender: str) -> Recipient | None:
    """Return who wrote: somebody we know, or to whom we wrote."""
    known = deciding.people.by_sender(notifier, sender)
    if known is not None:
        return known
    for telling in deciding.rows.tellings("notifier = ? order by number desc limit 500", notifier):
        if same_address(telling.notice.to, sender):
            return deciding.people.at_address_of(telling.contact, notifier, telling.notice.to)
    return None


def _meant(deciding: Deciding, address: Address, button: str, quoted: Quoted | None) -> Incident | None:
    rows = deciding.rows
    if button.startswith(BUTTON):
        return rows.incident(button.removeprefix(BUTTON))
    if quoted is not None and quoted.incident_id is not None:
        return rows.incident(quoted.incident_id)
    if quoted is not None and (in_summary := rows.tellings("state = 'summed' order by number desc limit 500")):
        ids = dict.fromkeys(t.notice.incident_id for t in in_summary if t.summary_key == quoted.key)
        return _first_open([found for id_ in ids if id_ and (found := rows.incident(id_))])
    return _first_open(_told_incidents(deciding, address))


def _told_incidents(deciding: Deciding, address: Address) -> list[Incident]:
    """Return the incidents that an address was told of in the last day, the newest first."""
    since = deciding.rows.stamp(deciding.now - timedelta(seconds=ANSWERS_FOR_S))
    where = (
        "notifier = ? and address = ? and at > ? and what in ('alert', 'escalation') and incident is not null"
        " and state in ('due', 'put', 'summed') order by at desc, number desc limit 200"
    )
    told = deciding.rows.tellings(where, address.notifier, address.to, since)
    ids = dict.fromkeys(telling.notice.incident_id or "" for telling in told)
    return [found for id_ in ids if (found := deciding.rows.incident(id_)) is not None]


def _first_open(incidents: list[Incident]) -> Incident | None:
    """Return the newest that is open, else the newest at all."""
    return next((one for one in incidents if one.state == "open"), incidents[0] if incidents else None)


def _thanks(deciding: Deciding, address: Address, taken: Incident) -> str:
    text = deciding.texts("alerts.thanks", title=taken.title)
    others = [one.title for one in _told_incidents(deciding, address) if one.state == "open" and one.id != taken.id]
    return f"{text} {deciding.texts('alerts.still_open', titles='; '.join(others[:5]))}" if others else text


def _say(deciding: Deciding, event: Event, sender: Recipient, text: str, incident: Incident | None) -> None:
    notice = Notice(
        id=new_id(),
        key=f"reply:{event.id}",
        notifier=sender.address.notifier,
        to=sender.address.to,
        text=text,
        parameters=(text,),
        created_at=deciding.now,
        expires_at=deciding.now + timedelta(seconds=REPLY_EXPIRES_S),
        incident_id=incident.id if incident else None,
        since=deciding.now,
    )
    deciding.add(notice, "reply", sender)
