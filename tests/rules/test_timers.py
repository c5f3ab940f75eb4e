"""Times of rules: none early, none lost, none twice, over random schedules, clock steps and restarts."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.core.texts import Texts
from siaga.rules.due_times import Place
from siaga.rules.source_log import Key
from siaga.rules.timers import MADE_UP_FOR, WRONG_AHEAD, Timers
from siaga.rules.trigger_time import (
    CRON_TRIGGER,
    PATTERN_TRIGGER,
    SUN_TRIGGER,
    TIME_TRIGGER,
    CronTrigger,
    PatternTrigger,
    SunTrigger,
    TimeTrigger,
)

START = datetime(2026, 3, 27, 22, 0, tzinfo=timezone.utc)
JAKARTA = Place(ZoneInfo("Asia/Jakarta"), -6.2, 106.8)
# Berlin sets its clock forward on 29 March 2026 and back on 25 October.
BERLIN = Place(ZoneInfo("Europe/Berlin"), 52.5, 13.4)


def at(*times, **more):
    return TimeTrigger(TIME_TRIGGER({"at": list(times), **more}), Texts("id"))


def every(**parts):
    return PatternTrigger(PATTERN_TRIGGER(parts), Texts("id"))


def cron(line):
    return CronTrigger(CRON_TRIGGER({"cron": line}), Texts("id"))


def sun(event, offset=0):
    return SunTrigger(SUN_TRIGGER({"event": event, "offset": offset}), Texts("id"))


clock_times = st.builds(
    "{:02d}:{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59), st.sampled_from((0, 0, 0, 15, 59))
)
schedules = st.one_of(
    st.lists(clock_times, min_size=1, max_size=3).map(lambda times: at(*times)),
    st.integers(1, 59).map(lambda step: every(minutes=f"/{step}")),
    st.integers(20, 59).map(lambda step: every(seconds=f"/{step}")),
    st.builds(lambda minute, hour: cron(f"{minute} {hour} * * *"), st.integers(0, 59), st.integers(0, 23)),
    st.builds(sun, st.sampled_from(("sunrise", "sunset")), st.integers(-5_000, 5_000)),
)
# The clock runs, is set forward or back, or the hub is away: for so many seconds.
moves = st.one_of(
    st.tuples(st.just("runs"), st.integers(1, 40_000)),
    st.tuples(st.just("set"), st.integers(-3_000, 20_000)),
    st.tuples(st.just("away"), st.integers(1, 30_000)),
)


def dues(trigger, after, until, place):
    found = []
    while (following := trigger.due_after(after, place)) is not None and following <= until:
        found.append(following)
        after = following
    return found


@settings(max_examples=200, deadline=None)
@given(schedules, st.lists(moves, min_size=1, max_size=8), st.sampled_from((JAKARTA, BERLIN)))
def test_no_time_is_early_and_none_is_lost_and_none_comes_twice(trigger, story, place):
    key, now, told = Key("aturan", "triggers[0]"), START, []
    timers = Timers(place)
    kept = timers.put(key, trigger, None, now)
    reached = now

    def look(until):
        """Look as the source does: when something is due and now and then; return what must have come."""
        nonlocal now, kept, reached
        expected, was_told = [], set(told)
        while now < until:
            next_at = timers.next_at
            step = until if next_at is None else max(min(next_at, until), now)
            now = step if step > now else now + timedelta(seconds=1)
            meant = dues(trigger, reached, now, place)
            for due in timers.due(now):
                assert due.at <= now, "early"
                kept = timers.kept(key)
                reached = due.at
                # The event's id follows from the time: the journal takes it once, however often it is told.
                if not due.is_late and due.at not in told:
                    told.append(due.at)
            if meant:
                reached = meant[-1]
                if now - meant[-1] <= MADE_UP_FOR and meant[-1] not in was_told:
                    expected.append(meant[-1])
        return expected

    for what, seconds in story:
        before = len(told)
        if what == "runs":
            expected = look(now + timedelta(seconds=seconds))
        elif what == "set":
            now += timedelta(seconds=seconds)
            timers.set_back(now)
            if reached > now + WRONG_AHEAD:
                reached = now  # the clock was wrong then, and what it reached does not count
            kept = timers.kept(key)
            expected = look(now + timedelta(seconds=1))
        else:
            now += timedelta(seconds=seconds)
            timers = Timers(place)  # all that a killed hub has is what it committed
            assert timers.put(key, trigger, kept, now) is None
            expected = look(now + timedelta(seconds=1))
        assert told[before:] == expected, "lost, or made up twice"
    assert len(told) == len(set(told)), "twice"


def test_while_the_clock_runs_every_time_comes():
    timers, key = Timers(JAKARTA), Key("a", "triggers[0]")
    trigger = every(minutes="/5")
    timers.put(key, trigger, None, START)
    told, now = [], START
    while now < START + timedelta(hours=3):
        now += timedelta(seconds=7)
        told += [due.at for due in timers.due(now)]
    assert told == [START + timedelta(minutes=5 * number) for number in range(1, 37)]


def test_a_thousand_timers_cost_nothing_while_none_is_due():
    timers = Timers(JAKARTA)
    for number in range(1_000):
        timers.put(Key(f"r{number}", "triggers[0]"), at("07:00"), None, START)
    asked = []
    for timer in timers._timers.values():
        timer.trigger.due_after = lambda after, place: asked.append(after)
    for second in range(1_000):
        assert timers.due(START + timedelta(seconds=second)) == []
    assert asked == [] and len(timers._heap) == 1_000


def test_what_was_missed_is_made_up_for_once_with_the_newest_time():
    key, trigger = Key("a", "triggers[0]"), every(minutes="/5")
    kept = Timers(JAKARTA).put(key, trigger, None, START)
    timers = Timers(JAKARTA)
    timers.put(key, trigger, kept, START + timedelta(minutes=33))
    [due] = timers.due(START + timedelta(minutes=33))
    assert (due.at, due.is_late) == (START + timedelta(minutes=30), False)
    assert timers.due(START + timedelta(minutes=34)) == []


@pytest.mark.parametrize(("minutes", "is_late"), [(59, False), (61, True)])
def test_a_missed_time_is_of_use_for_an_hour(minutes, is_late):
    key, trigger = Key("a", "triggers[0]"), at("07:00")
    due = datetime(2026, 3, 28, 0, 0, tzinfo=timezone.utc)  # 07.00 WIB
    timers = Timers(JAKARTA)
    timers.put(key, trigger, None, START)
    [found] = timers.due(due + timedelta(minutes=minutes))
    assert (found.at, found.is_late) == (due, is_late)


def test_a_clock_that_was_a_year_ahead_does_not_silence_the_timers_for_a_year():
    timers, key = Timers(JAKARTA), Key("a", "triggers[0]")
    ahead = START + timedelta(days=365)
    timers.put(key, at("07:00"), None, ahead)
    assert timers.set_back(START) == [key]
    assert timers.next_at == datetime(2026, 3, 28, 0, 0, tzinfo=timezone.utc)
    kept = timers.kept(key)._replace(at=ahead)
    again = Timers(JAKARTA)
    assert again.put(key, at("07:00"), kept, START) is not None
    assert again.next_at == datetime(2026, 3, 28, 0, 0, tzinfo=timezone.utc)


def test_a_changed_time_begins_anew_and_an_unchanged_one_goes_on():
    timers, key = Timers(JAKARTA), Key("a", "triggers[0]")
    kept = timers.put(key, at("07:00"), None, START)
    later = START + timedelta(hours=2, minutes=10)
    assert timers.put(key, at("07:00"), kept, later) is None
    assert [due.at for due in timers.due(later)] == [datetime(2026, 3, 28, 0, 0, tzinfo=timezone.utc)]
    assert timers.put(key, at("07:05"), kept, later) is not None
    assert timers.due(later) == []


def test_a_day_of_seconds_is_not_walked_through():
    calls = 0

    class Counted:
        what = "x"

        def due_after(self, after, place):
            nonlocal calls
            calls += 1
            return after.replace(microsecond=0) + timedelta(seconds=1)

    timers = Timers(JAKARTA)
    timers.put(Key("a", "triggers[0]"), Counted(), None, START)
    timers.due(START + timedelta(days=3))
    assert calls < 40


def test_a_stranger_s_trigger_that_raises_or_stands_still_stops_no_other():
    class Broken:
        what = "x"

        def __init__(self, answer):
            self.answer = answer

        def due_after(self, after, place):
            return after if self.answer == "same" else 1 / 0

    timers = Timers(JAKARTA)
    timers.put(Key("a", "triggers[0]"), Broken("same"), None, START)
    timers.put(Key("b", "triggers[0]"), Broken("raises"), None, START)
    timers.put(Key("c", "triggers[0]"), at("07:00"), None, START)
    assert [due.key.owner for due in timers.due(START + timedelta(hours=2, minutes=1))] == ["c"]
