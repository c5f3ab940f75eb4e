"""Triggers behave as Home Assistant documents; each row names its page, and says where Siaga differs on purpose."""

from datetime import datetime, timedelta, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hub_for_rules import EVENING, built_in_words, event
from source_bench import SourceBench

from siaga.core.texts import Texts
from siaga.rules.due_times import Place, sun_on

PAGE = "https://www.home-assistant.io/docs/automation/trigger/"
STATE, NUMERIC = f"{PAGE}#state-trigger", f"{PAGE}#numeric-state-trigger"
HOLDING = f"{PAGE}#holding-a-state-or-attribute"
TIME, PATTERN, SUN = f"{PAGE}#time-trigger", f"{PAGE}#time-pattern-trigger", f"{PAGE}#sun-trigger"
CRON = "https://github.com/cuu508/cronsim#dst-handling"
DST = "https://github.com/home-assistant/core/blob/dev/homeassistant/util/dt.py"
OWN = "docs/decisions/018"


@pytest.fixture
async def bench(tmp_path):
    bench = SourceBench(tmp_path, EVENING)
    yield bench
    await bench.close()


class Row(NamedTuple):
    """One behaviour: its source, the options, what is told, and how often it fired after each.

    A number in ``told`` is a level, a text a stage, a timedelta lets time pass, a dict is a level's other data.
    """

    source: str
    options: str
    told: tuple
    fired: tuple


def minutes(count):
    return timedelta(minutes=count)


LEVEL, STAGE = "kind: flood.level, camera: kali", "kind: flood.stage, camera: kali"
STATES = {
    # --- state ----------------------------------------------------------------------------------------
    "with the subject alone every change of the value fires": Row(STATE, STAGE, ("4", "3", "3", "2"), (0, 1, 1, 2)),
    # Home Assistant fires here on changed attributes too; a gauge changes its confidence every second.
    "a change of other data alone never fires (differs)": Row(
        OWN, LEVEL, (100, {"rise_cm_h": 3}, {"rise_cm_h": 9}), (0, 0, 0)
    ),
    "to fires when the value becomes it, from whatever": Row(
        STATE, f'{STAGE}, to: "2"', ("4", "2", "3", "2"), (0, 1, 1, 2)
    ),
    "to that is null fires on any change of the value": Row(STATE, f"{STAGE}, to:", ("4", "3", "2"), (0, 1, 2)),
    "from and to must both fit": Row(STATE, f'{STAGE}, from: "3", to: "2"', ("4", "2", "3", "2", "1"), (0, 0, 0, 1, 1)),
    "lists of from and to": Row(
        STATE, f'{STAGE}, from: ["4", "3"], to: ["2", "1"]', ("4", "1", "2", "3", "1"), (0, 1, 1, 1, 2)
    ),
    "from alone fires on leaving it": Row(STATE, f'{STAGE}, from: "4"', ("4", "3", "2", "4", "2"), (0, 1, 1, 1, 2)),
    "not_to fires on anything else": Row(STATE, f'{STAGE}, not_to: "4"', ("4", "3", "4", "2"), (0, 1, 1, 2)),
    "not_from leaves out changes from it": Row(
        STATE, f'{STAGE}, not_from: "4", to: "2"', ("4", "2", "3", "2"), (0, 0, 0, 1)
    ),
    "between values of a to list every change fires": Row(
        STATE, f'{STAGE}, to: ["2", "1"]', ("3", "2", "1", "2"), (0, 1, 2, 3)
    ),
    "a number and its text are one value (differs: there all is text)": Row(OWN, f"{STAGE}, to: 2", ("3", "2"), (0, 1)),
    "with field only that field counts": Row(
        f"{PAGE}#triggering-on-attribute-changes",
        f"{LEVEL}, field: stage",
        (100, {"stage": 3}, 200, {"stage": 2}),
        (0, 0, 0, 1),
    ),
    "for fires when the value stayed": Row(
        HOLDING, f'{STAGE}, to: "2", for: "00:05:00"', ("3", "2", minutes(4), minutes(2)), (0, 0, 0, 1)
    ),
    "for begins anew when the value left and came back": Row(
        HOLDING,
        f'{STAGE}, to: "2", for: "00:05:00"',
        ("3", "2", minutes(4), "3", "2", minutes(4), minutes(2)),
        (0, 0, 0, 0, 0, 0, 1),
    ),
    "other data do not cancel the time": Row(
        HOLDING,
        f'{LEVEL}, field: stage, to: "2", for: {{minutes: 5}}',
        ({"stage": 3}, {"stage": 2}, minutes(3), {"stage": 2, "rise_cm_h": 4}, minutes(3)),
        (0, 0, 0, 0, 1),
    ),
    "from and for: it has not come back for that time, whatever else it became": Row(
        HOLDING,
        f'{STAGE}, from: "4", for: "00:05:00"',
        ("4", "3", minutes(3), "2", minutes(3)),
        (0, 0, 0, 0, 1),
    ),
    "from and for: coming back ends it": Row(
        HOLDING, f'{STAGE}, from: "4", for: "00:05:00"', ("4", "3", minutes(3), "4", minutes(9)), (0, 0, 0, 0, 0)
    ),
    "from, to and for: only to counts for the time": Row(
        HOLDING,
        f'{STAGE}, from: "4", to: "3", for: "00:05:00"',
        ("4", "3", minutes(4), minutes(2), "2", "3", minutes(6)),
        (0, 0, 0, 1, 1, 1, 1),
    ),
    "for alone: the value stayed the same, whatever it is": Row(
        HOLDING,
        f'{STAGE}, for: "00:05:00"',
        ("4", "3", minutes(4), "2", minutes(4), minutes(2)),
        (0, 0, 0, 0, 0, 1),
    ),
    # --- numeric_state ----------------------------------------------------------------------------------
    "above fires when the limit is crossed, not while it stays above": Row(
        NUMERIC, f"{LEVEL}, above: 200", (190, 210, 220, 190, 201), (0, 1, 1, 1, 2)
    ),
    "the page's own example: 50, below 75, then 49, 72, 76, 74": Row(
        NUMERIC, f"{LEVEL}, below: 75", (76, 50, 49, 72, 76, 74), (0, 1, 1, 1, 1, 2)
    ),
    "the limit itself is outside": Row(NUMERIC, f"{LEVEL}, above: 200", (190, 200, 200.1), (0, 0, 1)),
    "above and below: fires on entering the range, again only after it was left": Row(
        NUMERIC, f"{LEVEL}, above: 17, below: 25", (10, 18, 24, 25, 20, 16, 30), (0, 1, 1, 1, 2, 2, 2)
    ),
    "a jump over the range does not fire": Row(NUMERIC, f"{LEVEL}, above: 17, below: 25", (10, 40, 10), (0, 0, 0)),
    "with field that field is compared": Row(
        NUMERIC, f"{LEVEL}, field: rise_cm_h, above: 23", ({"rise_cm_h": 5}, {"rise_cm_h": 24}), (0, 1)
    ),
    "with value_template its result is compared": Row(
        NUMERIC, f'{LEVEL}, value_template: "{{{{ state.value * 9 / 5 + 32 }}}}", above: 70', (10, 30), (0, 1)
    ),
    "for: it stayed inside for that time": Row(
        NUMERIC, f'{LEVEL}, above: 80, for: "00:05:00"', (70, 90, minutes(4), 95, minutes(2)), (0, 0, 0, 0, 1)
    ),
    "for: leaving the range ends it": Row(
        NUMERIC,
        f'{LEVEL}, above: 80, for: "00:05:00"',
        (70, 90, minutes(4), 70, minutes(2), 90, minutes(6)),
        (0, 0, 0, 0, 0, 0, 1),
    ),
    "a number written as text is a number": Row(NUMERIC, f"{STAGE}, below: 3", ("4", "2"), (0, 1)),
    # There unknown counts as outside: a gauge that is blind for a second would alarm again.
    "a value that cannot be read is neither in nor out (differs)": Row(
        OWN, f"{LEVEL}, above: 200", (190, 210, None, 220), (0, 1, 1, 1)
    ),
    "the first value ever fires when it is inside: it came there while nobody looked": Row(
        "https://github.com/home-assistant/core/pull/10125", f"{LEVEL}, above: 200", (210,), (1,)
    ),
}


@pytest.mark.parametrize("name", STATES)
async def test_a_state_trigger_fires_as_documented(bench, name):
    row = STATES[name]
    word = "numeric_state" if "above" in row.options or "below" in row.options else "state"
    await bench.open(f"{{trigger: {word}, {row.options}, id: x}}")
    fired = []
    for told in row.told:
        if isinstance(told, timedelta):
            await bench.advance(told.total_seconds())
        elif isinstance(told, str):
            await bench.tell(event("flood.stage", at=bench.hub.clock.now(), data={"to": told}))
        elif isinstance(told, dict):
            await bench.level(100, **told)
        else:
            await bench.level(told)
        fired.append(len(bench.done))
    assert tuple(fired) == row.fired, row.source


# --- the clock ------------------------------------------------------------------------------------


JAKARTA = Place(ZoneInfo("Asia/Jakarta"), -6.2, 106.8)
BERLIN = Place(ZoneInfo("Europe/Berlin"), 52.52, 13.4)
TROMSO = Place(ZoneInfo("Europe/Oslo"), 69.65, 18.96)


class Times(NamedTuple):
    """One behaviour of the clock: its source, the trigger, from when (local), and the first local times."""

    source: str
    word: str
    options: dict
    after: str
    expected: tuple
    place: Place = JAKARTA


TIMES = {
    "once a day at its time": Times(
        TIME, "time", {"at": "15:32:00"}, "2026-11-22 15:31", ("11-22 15:32:00", "11-23 15:32:00")
    ),
    "seconds may be left out": Times(TIME, "time", {"at": "15:32"}, "2026-11-22 15:32", ("11-23 15:32:00",)),
    "several times": Times(
        TIME,
        "time",
        {"at": ["18:30", "06:00"]},
        "2026-11-22 12:00",
        ("11-22 18:30:00", "11-23 06:00:00", "11-23 18:30:00"),
    ),
    "midnight is the beginning of a day": Times(
        TIME, "time", {"at": "00:00"}, "2026-11-22 23:59", ("11-23 00:00:00", "11-24 00:00:00")
    ),
    "only on some weekdays": Times(
        f"{PAGE}#weekday-filtering",
        "time",
        {"at": "08:00", "weekday": ["mon", "fri"]},
        "2026-11-22 12:00",  # a Sunday
        ("11-23 08:00:00", "11-27 08:00:00", "11-30 08:00:00"),
    ),
    "the weekday is that of the site, not of UTC": Times(
        OWN, "time", {"at": "06:30", "weekday": "mon"}, "2026-11-22 12:00", ("11-23 06:30:00", "11-30 06:30:00")
    ),
    "minutes: 5 is every hour at five past": Times(
        PATTERN, "time_pattern", {"minutes": 5}, "2026-11-22 10:05", ("11-22 11:05:00", "11-22 12:05:00")
    ),
    "hours: 3, minutes: * is each minute of that hour": Times(
        PATTERN,
        "time_pattern",
        {"hours": "3", "minutes": "*"},
        "2026-11-22 03:58",
        ("11-22 03:59:00", "11-23 03:00:00"),
    ),
    "minutes: /5 matches what is divisible by five": Times(
        PATTERN, "time_pattern", {"minutes": "/5"}, "2026-11-22 23:52", ("11-22 23:55:00", "11-23 00:00:00")
    ),
    "/7 begins anew with each hour": Times(
        PATTERN, "time_pattern", {"minutes": "/7"}, "2026-11-22 10:50", ("11-22 10:56:00", "11-22 11:00:00")
    ),
    "hours alone is at minute and second 0": Times(
        PATTERN, "time_pattern", {"hours": "/6"}, "2026-11-22 07:00", ("11-22 12:00:00", "11-22 18:00:00")
    ),
    "seconds alone is in every minute": Times(
        PATTERN, "time_pattern", {"seconds": "/20"}, "2026-11-22 07:00", ("11-22 07:00:20", "11-22 07:00:40")
    ),
    "cron: Monday to Friday": Times(
        CRON, "cron", {"cron": "30 5 * * 1-5"}, "2026-11-20 06:00", ("11-23 05:30:00", "11-24 05:30:00")
    ),
    "cron: the last day of a month": Times(
        CRON, "cron", {"cron": "0 0 L * *"}, "2026-11-22 06:00", ("11-30 00:00:00", "12-31 00:00:00")
    ),
    # --- the change of the clock in Berlin: 29 March 2026 02:00 -> 03:00, 25 October 03:00 -> 02:00 ----------
    # Home Assistant leaves out a time that does not exist; an alert is better late by minutes than a day.
    "a time in the gap comes at the first instant behind it (differs)": Times(
        DST, "time", {"at": "02:30"}, "2026-03-28 03:00", ("03-29 03:00:00", "03-30 02:30:00"), BERLIN
    ),
    "a time that comes twice fires once, the first time": Times(
        DST, "time", {"at": "02:30"}, "2026-10-24 03:00", ("10-25 02:30:00", "10-26 02:30:00"), BERLIN
    ),
    "a pattern goes by real time: an hour that comes twice has it twice": Times(
        DST,
        "time_pattern",
        {"minutes": "/30"},
        "2026-10-25 01:59",
        ("10-25 02:00:00", "10-25 02:30:00", "10-25 02:00:00", "10-25 02:30:00", "10-25 03:00:00"),
        BERLIN,
    ),
    "a pattern whose hour is left out does not fit that day": Times(
        DST, "time_pattern", {"hours": 2, "minutes": 30}, "2026-03-28 03:00", ("03-30 02:30:00",), BERLIN
    ),
    "cron: a fixed time in the gap comes behind it": Times(
        CRON, "cron", {"cron": "30 2 * * *"}, "2026-03-28 03:00", ("03-29 03:00:00", "03-30 02:30:00"), BERLIN
    ),
    "cron: a fixed time that comes twice fires once": Times(
        CRON, "cron", {"cron": "30 2 * * *"}, "2026-10-24 03:00", ("10-25 02:30:00", "10-26 02:30:00"), BERLIN
    ),
    # --- the sun, as timeanddate.com and BMKG have it to the minute ------------------------------------------
    "sunset in Jakarta": Times(SUN, "sun", {"event": "sunset"}, "2026-11-22 12:00", ("11-22 17:51", "11-23 17:51")),
    "an offset in front": Times(
        SUN, "sun", {"event": "sunset", "offset": "-00:45:00"}, "2026-11-22 12:00", ("11-22 17:06", "11-23 17:06")
    ),
    "an offset behind, in seconds, over midnight": Times(
        SUN, "sun", {"event": "sunset", "offset": 7 * 3600}, "2026-11-22 12:00", ("11-23 00:51", "11-24 00:51")
    ),
    "sunrise in Jakarta": Times(SUN, "sun", {"event": "sunrise"}, "2026-11-22 12:00", ("11-23 05:26", "11-24 05:26")),
    "where the sun does not rise for weeks the next time it does counts": Times(
        SUN, "sun", {"event": "sunrise"}, "2026-12-01 12:00", ("01-1",), TROMSO
    ),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_trigger_of_the_clock_is_due_as_documented(name):
    row = TIMES[name]
    kind = built_in_words().triggers[row.word]
    trigger = kind.make(kind.schema(row.options), Texts("id"))
    at = datetime.fromisoformat(row.after).replace(tzinfo=row.place.zone).astimezone(timezone.utc)
    found = []
    for _ in row.expected:
        at = trigger.due_after(at, row.place)
        found.append(at.astimezone(row.place.zone).strftime("%m-%d %H:%M:%S"))
    shown = tuple(one[: len(wanted)] for one, wanted in zip(found, row.expected, strict=True))
    assert shown == row.expected, row.source


def test_the_sun_that_does_not_set_has_no_time():
    assert sun_on(datetime(2026, 6, 21).date(), "sunset", TROMSO) is None


async def test_a_time_over_midnight_and_a_new_year_fires_on_the_site_s_day(tmp_path):
    bench = SourceBench(tmp_path, datetime(2026, 12, 31, 16, 59, 50, tzinfo=timezone.utc))  # 23.59.50 WIB
    try:
        await bench.open('{trigger: time, at: "00:00", weekday: fri, id: tahun-baru}')
        await bench.advance(11)
        assert bench.done == ["tahun-baru"]  # 1 January 2027 is a Friday
    finally:
        await bench.close()
