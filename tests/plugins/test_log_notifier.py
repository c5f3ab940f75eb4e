"""The log notifier: one readable line for each notice."""

import logging
from datetime import datetime, timezone

from siaga.core.settings import NotifierSettings
from siaga.core.types import Notice
from siaga.plugins.notifications import log
from siaga.testing import OwnServices

KIND = next(iter(log.offer_notifiers()))


async def test_a_notice_stands_in_the_log_as_one_line(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    at = datetime.now(timezone.utc)
    notice = Notice(
        id="1",
        key="k",
        notifier="catatan",
        to="posko",
        text="SIAGA 2\nair 205 cm",
        created_at=at,
        expires_at=at,
        image="snapshots/kali.jpg",
        clip="klip-3",
        incident_id="insiden-7",
        asks_answer=True,
    )
    async with OwnServices(tmp_path) as services:
        notifier = KIND.make(NotifierSettings(id="catatan", type="log", options=KIND.schema({})), services)
        receipt = await notifier.send(notice)
        await notifier.close()
    assert receipt.state == "sent"
    assert caplog.messages == [
        "catatan: pemberitahuan untuk posko: SIAGA 2 / air 205 cm [snapshots/kali.jpg] [clip klip-3]"
        " [minta tanggapan, insiden insiden-7]"
    ]
