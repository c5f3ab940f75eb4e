"""The span of a dry run: what a person means by its ends, and what the journal no longer holds of it."""

import asyncio
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hub_for_rules import EVENING, event, read_rules, settings

from siaga.core.bus import Bus
from siaga.core.event_log import EventLog
from siaga.core.journal import Journal
from siaga.core.texts import Texts
from siaga.core.validators import Wrong
from siaga.rules.trial.moments import moment_of
from siaga.rules.trial.replay import replay
from siaga.rules.trial.replay_text import replay_lines

JAKARTA = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 22, 20, 30, tzinfo=JAKARTA).astimezone(timezone.utc)
AIR = """
- id: air
  triggers: {trigger: event, kind: flood.stage, to: 2}
  actions: {action: log, data: {message: air}}
"""


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-11-22 19:05", "2026-11-22 19:05:00"),
        ("2026-11-22 19.05", "2026-11-22 19:05:00"),
        ("2026-11-22T19:05:30", "2026-11-22 19:05:30"),
        (" 2026-11-21 ", "2026-11-21 00:00:00"),
        ("19:05", "2026-11-22 19:05:00"),
        ("23.00", "2026-11-22 23:00:00"),
        ("2 jam", "2026-11-22 18:30:00"),
        ("2 h", "2026-11-22 18:30:00"),
        ("90 min ago", "2026-11-22 19:00:00"),
        ("1 hari yang lalu", "2026-11-21 20:30:00"),
        ("2 jam lalu", "2026-11-22 18:30:00"),
        ("0 s", "2026-11-22 20:30:00"),
    ],
)
def test_a_moment_is_a_local_time_or_so_long_ago(text, local):
    assert f"{moment_of(text, NOW, JAKARTA).astimezone(JAKARTA):%Y-%m-%d %H:%M:%S}" == local


def test_a_time_alone_is_of_the_day_that_it_is_there():
    """00.30 in Jakarta is still the day before in UTC."""
    now = datetime(2026, 11, 22, 0, 30, tzinfo=JAKARTA)
    assert moment_of("00:10", now.astimezone(timezone.utc), JAKARTA) == now - timedelta(minutes=20)


def test_a_time_that_the_clocks_leave_out_is_what_follows_it():
    berlin = ZoneInfo("Europe/Berlin")
    assert moment_of("2026-03-29 02:30", NOW, berlin) == datetime(2026, 3, 29, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kemarin",
        "10",
        "25:00",
        "2026-13-01",
        "2026-11-22 7",
        "2 bulan",
        "0001-01-01",
        "-2 jam",
        "99999 d",
        "2 jam 5",
    ],
)
def test_what_is_no_moment_is_refused_in_both_languages(text):
    with pytest.raises(Wrong) as refused:
        moment_of(text, NOW, JAKARTA)
    assert "hari ini" in refused.value.say(Texts("id")) and "today" in refused.value.say(Texts("en"))


def told(tmp_path, events, *, prune=None, span=(0, 60)):
    """Record events, remove some as housekeeping does, and return what a dry run says of them."""
    path = tmp_path / "siaga.db"
    loaded = read_rules(AIR, tmp_path)

    async def record():
        journal = await Journal.open(path)
        log = await EventLog.open(journal, Bus())
        await log.add_all(events)
        if prune:
            await log.prune(EVENING + timedelta(minutes=prune[0]), kinds=prune[1])
        await journal.close()

    asyncio.run(record())
    since, until = (EVENING + timedelta(minutes=minutes) for minutes in span)
    found = replay(
        loaded.rules[0],
        settings(),
        Texts("id"),
        functions=loaded.template_functions,
        journal=path,
        span=(since, until),
    )
    return found, "\n".join(replay_lines(found, JAKARTA, Texts("id")))


def each_minute(first, last):
    return [
        event(("flood.stage", "object.person")[n % 2], at=EVENING + timedelta(minutes=n), data={"from": 3, "to": 2})
        for n in range(first, last)
    ]


def test_of_a_span_that_the_journal_covers_nothing_is_missing(tmp_path):
    found, text = told(tmp_path, each_minute(-10, 70))
    assert found.looked_at == 60 and found.gone == 0 and found.recorded_since == EVENING - timedelta(minutes=10)
    assert "jurnal" not in text


def test_a_journal_that_begins_within_the_span_says_when(tmp_path):
    found, text = told(tmp_path, each_minute(30, 40))
    assert found.recorded_since == EVENING + timedelta(minutes=30) and found.gone == 0
    local = (EVENING + timedelta(minutes=30)).astimezone(JAKARTA)
    assert f"jurnal baru mulai {local:%Y-%m-%d %H:%M:%S}" in text.splitlines()[0]


def test_events_that_were_removed_from_among_others_are_counted(tmp_path):
    found, text = told(tmp_path, each_minute(-1, 60), prune=(20, ("object.",)))
    assert found.gone == 11 and found.looked_at == 50, "minutes -1, 1, 3 ... 19"
    assert "11 kejadian dari rentang ini" in text and "jurnal baru mulai" not in text


@pytest.mark.parametrize("events", [[], each_minute(61, 65)])
def test_a_span_before_everything_is_told_as_empty(tmp_path, events):
    found, text = told(tmp_path, events)
    assert found.looked_at == 0 and found.reactions == ()
    assert text.splitlines()[0] == "jurnal tidak memuat kejadian sebelum akhir rentang ini"
