"""Who is on duty, by the local clock: past midnight, on holidays, on dates, when nobody is."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hub_for_rules import settings

from siaga.core.alerts.shifts import on_duty
from siaga.core.settings import RotaSettings, Shift, TeamSettings

WIB = ZoneInfo("Asia/Jakarta")
SITE = msgspec.structs.replace(
    settings(),
    teams={"malam": TeamSettings(id="malam", name="Regu malam", members=("posko", "lurah"))},
    holidays={date(2026, 12, 25): "Natal"},
)


def shift(after="19:00", before="07:00", **more):
    return Shift(after=time.fromisoformat(after), before=time.fromisoformat(before), **more)


def names(at, *shifts, otherwise=()):
    rota = RotaSettings(id="jaga", name="Jaga", shifts=shifts, otherwise=otherwise)
    return on_duty(rota, datetime.fromisoformat(at).replace(tzinfo=WIB), WIB, SITE)


FRIDAY_NIGHT = shift(weekday=("fri",), contacts=("posko",))


@pytest.mark.parametrize(
    ("at", "is_on"),
    [
        ("2026-11-27 18:59", False),
        ("2026-11-27 19:00", True),
        ("2026-11-28 06:59", True),  # Saturday morning belongs to Friday's night
        ("2026-11-28 07:00", False),
        ("2026-11-27 06:00", False),  # Friday morning is Thursday's night
        ("2026-11-28 19:00", False),
    ],
)
def test_a_shift_past_midnight_belongs_to_the_day_it_began(at, is_on):
    assert bool(names(at, FRIDAY_NIGHT)) is is_on


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-12-25 12:00", ("lurah",)),
        ("2026-12-24 12:00", ("posko",)),
        ("2026-12-26 03:00", ("lurah",)),  # the night of the holiday
    ],
)
def test_a_holiday_has_its_own_people_until_its_night_is_over(at, who):
    usual = shift("06:00", "06:00", holiday=False, contacts=("posko",))
    free = shift("06:00", "06:00", holiday=True, contacts=("lurah",))
    assert names(at, usual, free) == who


def test_a_date_stands_alone_and_a_team_is_its_members():
    once = shift("08:00", "16:00", dates=(date(2026, 11, 29),), teams=("malam",))
    assert names("2026-11-29 09:00", once) == ("posko", "lurah")
    assert names("2026-11-30 09:00", once) == ()


def test_every_shift_under_way_counts_and_nobody_twice():
    both = shift(contacts=("posko",)), shift(teams=("malam",))
    assert names("2026-11-27 22:00", *both) == ("posko", "lurah")


def test_when_nobody_is_on_duty_the_others_are_told():
    assert names("2026-11-27 12:00", FRIDAY_NIGHT, otherwise=("lurah",)) == ("lurah",)


def test_a_shift_of_one_time_is_the_whole_day():
    assert names("2026-11-27 04:00", shift("06:00", "06:00", contacts=("posko",))) == ("posko",)
    assert names("2026-11-27 06:00", shift("06:00", "06:00", contacts=("posko",))) == ("posko",)
