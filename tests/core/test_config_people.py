"""People in a configuration: every name is checked, with its place and the nearest right one."""

from datetime import date, time

import pytest
from config_samples import GOOD, load

from siaga.core.settings import QuietHours, RateLimit

PEOPLE = """\
  lurah:
    name: Lurah
    via: [{notifier: wa, to: "+62813"}]
    quiet_hours: [{after: "22:00", before: "05:00", weekday: [sat, sun], except_from: normal}]
    limit: {count: 5, per: 10 min}
teams:
  satgas: {name: Satgas, members: [posko, lurah]}
rotas:
  jaga:
    name: Jaga posko
    shifts:
      - {after: "19:00", before: "07:00", weekday: fri, team: satgas}
      - {after: "07:00", before: "19:00", holiday: true, contact: [posko], dates: 2026-12-25}
    otherwise: lurah
holidays: {2026-12-25: Natal}
"""
HEAD, TAIL = GOOD.split("rules:\n")
RIGHT = f"{HEAD}{PEOPLE}rules:\n{TAIL}"


def test_people_are_read_as_they_are_written(tmp_path):
    loaded = load(tmp_path, RIGHT)
    assert [str(problem) for problem in loaded.problems] == []
    lurah = loaded.settings.contacts["lurah"]
    assert lurah.quiet_hours == (
        QuietHours(after=time(22), before=time(5), weekday=("sat", "sun"), except_from="normal"),
    )
    assert lurah.limit == RateLimit(count=5, per_s=600.0)
    assert loaded.settings.teams["satgas"].members == ("posko", "lurah")
    night, free = loaded.settings.rotas["jaga"].shifts
    assert (night.weekday, night.teams, night.holiday) == (("fri",), ("satgas",), None)
    assert (free.contacts, free.holiday, free.dates) == (("posko",), True, (date(2026, 12, 25),))
    assert loaded.settings.rotas["jaga"].otherwise == ("lurah",)
    assert loaded.settings.holidays == {date(2026, 12, 25): "Natal"}


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            "members: [posko, lurah]",
            "members: [posko, luarh]",
            "teams.satgas.members[1]: there is no contact 'luarh' (did you mean 'lurah'?)",
        ),
        (
            "team: satgas}",
            "team: satgass}",
            "rotas.jaga.shifts[0].team: there is no team 'satgass' (did you mean 'satgas'?)",
        ),
        (
            "otherwise: lurah",
            "otherwise: poskoo",
            "rotas.jaga.otherwise: there is no contact 'poskoo' (did you mean 'posko'?)",
        ),
        ('after: "22:00"', "after: malam", "contacts.lurah.quiet_hours[0].after: "),
        ("except_from: normal", "except_from: norml", "(did you mean 'normal'?)"),
        ("weekday: fri", "weekday: jumat", "days are written as one of mon, tue"),
        (", team: satgas}", "}", "rotas.jaga.shifts[0]: give 'contact' or 'team': who is on duty"),
        ("{2026-12-25: Natal}", "{25-12-2026: Natal}", "holidays.25-12-2026: must be a date such as 2026-12-25"),
        ("limit: {count: 5,", "limit: {cuont: 5,", "(did you mean 'count'?)"),
    ],
)
def test_a_mistake_among_people_is_told_with_its_line_and_the_nearest_right_word(tmp_path, right, wrong, told):
    assert right in RIGHT
    loaded = load(tmp_path, RIGHT.replace(right, wrong))
    (problem,) = loaded.problems
    line = RIGHT[: RIGHT.index(right)].count("\n") + 1
    assert problem.line == line and told in str(problem)
    assert loaded.settings is not None, "one mistake leaves one item out"
