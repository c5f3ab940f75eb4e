"""When conditions hold and which events fire a trigger, row by row."""

from datetime import datetime, timezone

import pytest
from hub_for_rules import event, settings

from siaga.core.clock import ManualClock
from siaga.core.rule_contracts import Verdict
from siaga.core.texts import Texts
from siaga.rules.conditions import TIME_CONDITION, AllCondition, AnyCondition, NoneCondition, TimeCondition
from siaga.rules.triggers import EVENT_TRIGGER, EventTrigger


class At:
    """A moment in Jakarta."""

    def __init__(self, day, clock):
        hour, minute = (int(part) for part in clock.split(":"))
        # 22 November 2026 is a Sunday; WIB is UTC+7 all year.
        utc = datetime(2026, 11, day, tzinfo=timezone.utc).timestamp() + (hour - 7) * 3600 + minute * 60
        self.clock = ManualClock(datetime.fromtimestamp(utc, timezone.utc))
        self.settings = settings()

    def render(self, template):
        raise AssertionError("no template here")


NIGHT = {"after": "22:00", "before": "05:00"}
DAY = {"after": "07:00", "before": "19:00"}
TIMES = [
    (DAY, 22, "06:59", False),
    (DAY, 22, "07:00", True),
    (DAY, 22, "18:59", True),
    (DAY, 22, "19:00", False),
    (NIGHT, 22, "21:59", False),
    (NIGHT, 22, "22:00", True),
    (NIGHT, 22, "23:59", True),
    (NIGHT, 23, "00:00", True),
    (NIGHT, 23, "04:59", True),
    (NIGHT, 23, "05:00", False),
    (NIGHT, 23, "12:00", False),
    ({"after": "12:00"}, 22, "11:59", False),
    ({"after": "12:00"}, 22, "12:00", True),
    ({"before": "12:00"}, 22, "11:59", True),
    ({"before": "12:00"}, 22, "12:00", False),
    ({"after": "06:00", "before": "06:00"}, 22, "03:00", True),
    ({"weekday": "sun"}, 22, "00:00", True),
    ({"weekday": "sun"}, 22, "23:59", True),
    ({"weekday": ["sun"]}, 23, "00:00", False),
    ({"weekday": ["mon", "sat"]}, 23, "12:00", True),
    # As in Home Assistant, the weekday is that of the moment, also behind midnight.
    ({**NIGHT, "weekday": "sun"}, 22, "23:00", True),
    ({**NIGHT, "weekday": "sun"}, 23, "01:00", False),
    ({**NIGHT, "weekday": "sun"}, 22, "01:00", True),
]


@pytest.mark.parametrize(("options", "day", "clock", "holds"), TIMES)
def test_time_windows_in_jakarta(options, day, clock, holds):
    assert TimeCondition(TIME_CONDITION(options)).decide(At(day, clock)).is_true is holds


class Fixed:
    def __init__(self, answer):
        self.answer, self.asked = answer, 0

    def decide(self, moment):
        self.asked += 1
        return Verdict(is_true=self.answer)


GROUPS = [
    ((), True, False, True),
    ((True,), True, True, False),
    ((False,), False, False, True),
    ((True, False), False, True, False),
    ((False, False), False, False, True),
    ((True, True), True, True, False),
]


@pytest.mark.parametrize(("inner", "all_of", "any_of", "none_of"), GROUPS)
def test_and_or_not(inner, all_of, any_of, none_of):
    def of(group):
        return group({"conditions": tuple(Fixed(answer) for answer in inner)}).decide(None).is_true

    assert (of(AllCondition), of(AnyCondition), of(NoneCondition)) == (all_of, any_of, none_of)


def test_what_is_decided_is_not_asked_further():
    second = Fixed(True)
    AllCondition({"conditions": (Fixed(False), second)}).decide(None)
    AnyCondition({"conditions": (Fixed(True), second)}).decide(None)
    assert second.asked == 0


STAGE = {"from": 3, "to": 2, "level_cm": 212.0}
FIRES = [
    ({"kind": "flood.stage"}, {}, None),
    ({"kind": "flood.*"}, {}, None),
    ({"kind": "*"}, {}, None),
    ({"kind": ["object.person", "flood.stage"]}, {}, None),
    ({"kind": "flood"}, {}, "kind"),
    ({"kind": "floo.*"}, {}, "kind"),
    ({"kind": "flood.stage", "camera": ["kali", "ptz"]}, {}, None),
    ({"kind": "flood.stage", "camera": "ptz"}, {}, "camera"),
    ({"kind": "flood.stage", "zone": "bantaran"}, {"zone": "bantaran"}, None),
    ({"kind": "flood.stage", "zone": "bantaran"}, {}, "zone"),
    ({"kind": "flood.stage", "to": 2}, {"data": STAGE}, None),
    ({"kind": "flood.stage", "to": "2"}, {"data": STAGE}, None),
    ({"kind": "flood.stage", "to": [1, 2]}, {"data": STAGE}, None),
    ({"kind": "flood.stage", "to": 1}, {"data": STAGE}, "to"),
    ({"kind": "flood.stage", "to": 2}, {"data": {"stage": 2}}, None),
    ({"kind": "flood.stage", "from": 3}, {"data": STAGE}, None),
    ({"kind": "flood.stage", "from": [None, 4]}, {"data": {**STAGE, "from": None}}, None),
    ({"kind": "flood.stage", "from": [None, 4]}, {"data": STAGE}, "from"),
    ({"kind": "flood.stage", "above": 212}, {"data": STAGE}, "212.0, tidak di atas 212"),
    ({"kind": "flood.stage", "above": 211.9}, {"data": STAGE}, None),
    ({"kind": "flood.stage", "below": 212}, {"data": STAGE}, "tidak di bawah"),
    ({"kind": "flood.stage", "above": 200, "below": 220}, {"data": STAGE}, None),
    ({"kind": "flood.stage", "above": 1}, {"data": {"level_cm": None}}, "bukan bilangan"),
    ({"kind": "flood.stage", "above": 1}, {"data": {"level_cm": True}}, "bukan bilangan"),
    ({"kind": "crowd.count", "above": 20}, {"kind": "crowd.count", "data": {"count": 25}}, None),
    ({"kind": "object.*", "above": 0.5}, {"kind": "object.person", "score": 0.7}, None),
    ({"kind": "object.*", "above": 0.5}, {"kind": "object.person", "score": 0.4}, "tidak di atas"),
    ({"kind": "flood.stage", "above": 5, "field": "rise_cm_h"}, {"data": {**STAGE, "rise_cm_h": 6}}, None),
    ({"kind": "flood.stage", "above": 5, "field": "rise_cm_h"}, {"data": STAGE}, "rise_cm_h bukan bilangan"),
    ({"kind": "object.*", "label": "person"}, {"kind": "object.person"}, None),
    ({"kind": "zone.enter", "label": ["person"]}, {"kind": "zone.enter", "data": {"label": "person"}}, None),
    ({"kind": "zone.enter", "label": "person"}, {"kind": "zone.enter", "data": {"label": "car"}}, "label"),
]


@pytest.mark.parametrize(("options", "told", "miss"), FIRES)
def test_which_events_fire_an_event_trigger_and_why_others_do_not(options, told, miss):
    trigger = EventTrigger(EVENT_TRIGGER({**options, "kind": options["kind"]}), Texts("id"))
    reason = trigger.miss(event(**{"kind": "flood.stage", **told}))
    assert (reason is None) if miss is None else (reason is not None and miss in reason)


DATA = [
    ({"stream": "main"}, {"stream": "main", "reason": "x"}, True),
    ({"stream": ["main", "sub"]}, {"stream": "sub"}, True),
    ({"stream": "main"}, {"stream": "sub"}, False),
    ({"track": 7}, {"track": "7"}, True),
    ({"track": 7, "label": "person"}, {"track": 7, "label": "car"}, False),
    ({"has_gap": True}, {"has_gap": True}, True),
    ({"note": None}, {}, True),
    ({"note": "x"}, {}, False),
]


@pytest.mark.parametrize(("wanted", "data", "fires"), DATA)
def test_any_field_of_the_data_may_be_asked_for(wanted, data, fires):
    options = EVENT_TRIGGER({"kind": "camera.offline", "event_data": wanted})
    miss = EventTrigger(options, Texts("id")).miss(event("camera.offline", data=data))
    assert (miss is None) is fires
    assert fires or "data." in miss
