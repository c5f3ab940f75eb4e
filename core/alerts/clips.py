"""The recording follows the alert: when it is done, those who were told get it behind their first message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from ..notice_states import NoticeRecord
from ..types import Clip, Notice, new_id
from .deciding import Deciding
from .tellings import Telling, in_words

# While the first message is not out yet, its clip waits; it is looked at so often.
LOOK_EVERY_S = 10.0
CLIP_EXPIRES_S = 3_600.0
_GONE = ("failed", "expired")


def take_clip(deciding: Deciding, clip_id: str, clip: Clip | None) -> None:
    """Plan a second message to everybody whose notifier carries clips and who was told by the run that made it."""
    runs = {key.partition(":")[0] for key in clip.keys} if clip else set()
    for alert_key in deciding.rows.alerts_of_clip(clip_id, runs):
        where = "alert = ? and what = 'alert' and state in ('due', 'put')"
        for telling in deciding.rows.tellings(where, alert_key):
            if "clip" in deciding.carries(telling.notice.notifier):
                _plan(deciding, telling, clip_id)


def _plan(deciding: Deciding, first: Telling, clip_id: str) -> None:
    notice, now = first.notice, deciding.now
    text = deciding.texts("alerts.clip", title=notice.text.partition("\n")[0][:200])
    second = Notice(
        id=new_id(),
        key=f"{notice.key}:clip:{clip_id}",
        notifier=notice.notifier,
        to=notice.to,
        text=text,
        parameters=in_words(text, notice.parameters),
        created_at=now,
        expires_at=now + timedelta(seconds=CLIP_EXPIRES_S),
        clip=clip_id,
        priority=notice.priority,
        event_id=notice.event_id,
        run_id=notice.run_id,
        incident_id=notice.incident_id,
        since=now,
    )
    why = deciding.texts("alerts.held_thread")
    telling = Telling(
        notice=second,
        what="clip",
        state="held",
        at=now,
        due_at=now,
        contact=first.contact,
        name=first.name,
        alert_key=first.alert_key,
        reason=why,
        held_at=now,
        held_why=why,
        hold="thread",
        counts=False,
        follows=notice.key,
    )
    deciding.rows.add_telling(telling)


def due_clips(deciding: Deciding) -> list[Telling]:
    """Return the clips that wait for their first message and are due to be looked at."""
    return deciding.rows.tellings(
        "state = 'held' and hold = 'thread' and due_at <= ? order by number limit 200",
        deciding.rows.stamp(deciding.now),
    )


def release_clips(deciding: Deciding, records: Mapping[str, NoticeRecord]) -> None:
    """Let a clip go behind its first message; wait while that is on its way, and drop it with it."""
    changed = []
    for telling in due_clips(deciding):
        record = records.get(telling.follows)
        if record is not None and record.state in _GONE:
            why = deciding.texts("alerts.dropped_first_failed")
            changed.append(msgspec.structs.replace(telling, state="dropped", reason=why, at=deciding.now))
        elif (record is not None and record.provider_id) or deciding.now >= telling.notice.expires_at:
            thread = record.provider_id if record else None
            sent = msgspec.structs.replace(telling.notice, thread=thread)
            changed.append(msgspec.structs.replace(telling, notice=sent, state="due", hold="", reason=""))
        else:
            later = deciding.now + timedelta(seconds=LOOK_EVERY_S)
            changed.append(msgspec.structs.replace(telling, due_at=later))
    deciding.rows.keep_tellings(changed)
