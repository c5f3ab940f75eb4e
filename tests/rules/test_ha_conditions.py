"""Conditions hold as Home Assistant documents; each row names its page, and says where Siaga differs on purpose."""

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hub_for_rules import built_in_words, event, settings

from siaga.core.clock import ManualClock
from siaga.core.media.messages import Reading
from siaga.core.states import StateBook

PAGE = "https://www.home-assistant.io/docs/scripts/conditions/"
STATE, NUMERIC, SUN = f"{PAGE}#state-condition", f"{PAGE}#numeric-state-condition", f"{PAGE}#sun-condition"
TRIGGER, OWN = f"{PAGE}#trigger-condition", "docs/decisions/018"
NOON = datetime(2026, 11, 22, 5, 0, tzinfo=timezone.utc)  # 12.00 WIB, a Sunday
JAKARTA = ZoneInfo("Asia/Jakarta")


class Then:
    """A moment at which everything is as told."""

    def __init__(self, at=NOON, of=None, trigger_id="0", **site):
        self.clock = ManualClock(at)
        base = settings()
        self.settings = msgspec.structs.replace(
            base,
            site=msgspec.structs.replace(base.site, **site),
            holidays={date(2026, 12, 25): "Natal"},
        )
        self.event = of or event("object.person", "kali", zone="bantaran")
        self.trigger_id = trigger_id
        self.states = StateBook()

    def told(self, kind, value, camera="kali", ago_s=0.0, zone=None, **data):
        at = self.clock.now() - timedelta(seconds=ago_s)
        field = {"flood.level": "level_cm", "crowd.count": "count"}.get(kind, "to")
        message = Reading(camera=camera, kind=kind, at=at, zone=zone, data={field: value, **data})
        self.states._meet_message(message)
        return self

    def link(self, camera, word, ago_s=0.0):
        at = self.clock.now() - timedelta(seconds=ago_s)
        self.states.meet(event(f"camera.{word}", camera, at=at))
        return self

    def render(self, template, more=None):
        assert template == "{{ state.value / 2 }}"
        return more["state"]["value"] / 2


def holds(word, options, moment):
    kind = built_in_words().conditions[word]
    return kind.make(kind.schema(options)).decide(moment).is_true


LEVEL = {"kind": "flood.level", "camera": "kali"}
STATES = {
    "the state is the wanted one": (STATE, {"camera": "kali", "state": "online"}, Then().link("kali", "online"), True),
    "it is another": (STATE, {"camera": "kali", "state": "online"}, Then().link("kali", "offline"), False),
    "nothing was told yet": (STATE, {"camera": "kali", "state": "online"}, Then(), False),
    "one of a list": (STATE, {"camera": "kali", "state": ["offline", "online"]}, Then().link("kali", "online"), True),
    "a number and its text are one": (OWN, {**LEVEL, "state": "180"}, Then().told("flood.level", 180), True),
    "for so long at least": (
        STATE,
        {"camera": "kali", "state": "offline", "for": 600},
        Then().link("kali", "offline", ago_s=600),
        True,
    ),
    "not for so long yet": (
        STATE,
        {"camera": "kali", "state": "offline", "for": 600},
        Then().link("kali", "offline", ago_s=599),
        False,
    ),
    "told again the same does not begin the time anew": (
        STATE,
        {**LEVEL, "state": 180, "for": 60},
        Then().told("flood.level", 180, ago_s=90).told("flood.level", 180),
        True,
    ),
    "several cameras: all of them must": (
        STATE,
        {"camera": ["kali", "ptz"], "state": "online"},
        Then().link("kali", "online").link("ptz", "offline"),
        False,
    ),
    "several cameras, any: one is enough": (
        STATE,
        {"camera": ["kali", "ptz"], "state": "online", "match": "any"},
        Then().link("kali", "online").link("ptz", "offline"),
        True,
    ),
    "several cameras of which one is unknown": (
        STATE,
        {"camera": ["kali", "ptz"], "state": "online"},
        Then().link("kali", "online"),
        False,
    ),
    "a field of the data": (
        f"{PAGE}#state-condition",
        {**LEVEL, "field": "stage", "state": 3},
        Then().told("flood.level", 180, stage=3),
        True,
    ),
    "without a camera it is the event's own": (
        OWN,
        {"kind": "flood.stage", "state": 2},
        Then().told("flood.stage", 2),
        True,
    ),
    "without a zone it is the whole picture first": (
        OWN,
        {"kind": "crowd.count", "state": 7},
        Then().told("crowd.count", 7).told("crowd.count", 3, zone="bantaran"),
        True,
    ),
    "else the event's zone": (
        OWN,
        {"kind": "crowd.count", "state": 3},
        Then().told("crowd.count", 3, zone="bantaran").told("crowd.count", 9, zone="lain"),
        True,
    ),
    "a zone that is named": (
        OWN,
        {"kind": "crowd.count", "camera": "kali", "zone": "lain", "state": 9},
        Then().told("crowd.count", 3, zone="bantaran").told("crowd.count", 9, zone="lain"),
        True,
    ),
}
NUMBERS = {
    "between the limits": (NUMERIC, {**LEVEL, "above": 17, "below": 25}, Then().told("flood.level", 20), True),
    "the limits are outside: above": (NUMERIC, {**LEVEL, "above": 20}, Then().told("flood.level", 20), False),
    "the limits are outside: below": (NUMERIC, {**LEVEL, "below": 20}, Then().told("flood.level", 20), False),
    "a value that cannot be read": (NUMERIC, {**LEVEL, "above": -1}, Then().told("flood.level", None), False),
    "nothing was told yet": (NUMERIC, {**LEVEL, "above": -1}, Then(), False),
    "a template makes the number": (
        NUMERIC,
        {**LEVEL, "below": 11, "value_template": "{{ state.value / 2 }}"},
        Then().told("flood.level", 20),
        True,
    ),
    "a field of the data": (
        NUMERIC,
        {**LEVEL, "field": "rise_cm_h", "above": 5},
        Then().told("flood.level", 20, rise_cm_h=6),
        True,
    ),
    "a word is no number": (NUMERIC, {**LEVEL, "above": 1}, Then().told("flood.level", "tinggi"), False),
}


@pytest.mark.parametrize("name", STATES)
def test_a_state_condition_holds_as_documented(name):
    source, options, moment, expected = STATES[name]
    assert holds("state", options, moment) is expected, source


@pytest.mark.parametrize("name", NUMBERS)
def test_a_numeric_state_condition_holds_as_documented(name):
    source, options, moment, expected = NUMBERS[name]
    assert holds("numeric_state", options, moment) is expected, source


def test_the_state_of_an_incident_is_known_by_its_key():
    moment = Then()
    moment.states.meet(event("incident.opened", None, data={"key": "banjir", "incident": "1"}))
    assert holds("state", {"incident": "banjir", "state": ["open", "acknowledged"]}, moment)
    assert not holds("state", {"incident": "maling", "state": "open"}, moment)


# Jakarta on 22 November 2026: the sun rises at 05.26 and sets at 17.51.
NIGHT = {"after": "sunset", "before": "sunrise"}
SUNS = [
    ({"after": "sunset"}, "17:50", False),
    ({"after": "sunset"}, "17:53", True),
    ({"after": "sunset"}, "23:59", True),
    ({"after": "sunset"}, "00:01", False),  # after sunset alone lasts until midnight
    ({"before": "sunrise"}, "00:01", True),
    ({"before": "sunrise"}, "05:24", True),
    ({"before": "sunrise"}, "05:29", False),
    ({"before": "sunrise"}, "23:59", False),
    (NIGHT, "23:00", True),  # both together are the night
    (NIGHT, "02:00", True),
    (NIGHT, "12:00", False),
    ({"after": "sunrise", "before": "sunset"}, "12:00", True),
    ({"after": "sunrise", "before": "sunset"}, "20:00", False),
    ({"after": "sunset", "after_offset": "-01:00:00"}, "17:00", True),
    ({"after": "sunset", "after_offset": "-01:00:00"}, "16:49", False),
    ({"before": "sunset", "before_offset": "01:00:00"}, "18:40", True),
    ({**NIGHT, "before_offset": "00:30:00"}, "05:50", True),
]


@pytest.mark.parametrize(("options", "clock", "expected"), SUNS)
def test_a_sun_condition_holds_as_documented(options, clock, expected):
    hour, minute = map(int, clock.split(":"))
    at = datetime(2026, 11, 22, hour, minute, tzinfo=JAKARTA)
    assert holds("sun", options, Then(at.astimezone(timezone.utc))) is expected, SUN


def test_the_sun_of_a_site_is_that_of_its_place():
    evening = datetime(2026, 11, 22, 10, 0, tzinfo=timezone.utc)  # 17.00 WIB, 18.00 in Makassar, 19.00 in Jayapura
    assert not holds("sun", {"after": "sunset"}, Then(evening))
    far = Then(evening, timezone="Asia/Makassar", latitude=-5.14, longitude=119.42)
    assert holds("sun", {"after": "sunset", "after_offset": "-00:10:00"}, far)


@pytest.mark.parametrize(
    ("trigger_id", "wanted", "expected"), [("0", "0", True), ("pagi", ["sore", "pagi"], True), ("1", "0", False)]
)
def test_a_trigger_condition_compares_the_id(trigger_id, wanted, expected):
    assert holds("trigger", {"id": wanted}, Then(trigger_id=trigger_id)) is expected, TRIGGER


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (event("zone.enter", "kali", zone="bantaran"), True),
        (event("object.person", "kali", data={"zones": ["lain", "bantaran"]}), True),
        (event("object.person", "kali"), False),
        (event("zone.enter", "kali", zone="lain"), False),
    ],
)
def test_a_zone_condition_looks_at_the_event_and_at_the_thing(of, expected):
    assert holds("zone", {"zone": "bantaran"}, Then(of=of)) is expected


@pytest.mark.parametrize(
    ("utc", "options", "expected"),
    [
        (datetime(2026, 12, 24, 16, 59, tzinfo=timezone.utc), {}, False),
        (datetime(2026, 12, 24, 17, 0, tzinfo=timezone.utc), {}, True),  # midnight in Jakarta
        (datetime(2026, 12, 25, 16, 59, tzinfo=timezone.utc), {"holiday": True}, True),
        (datetime(2026, 12, 25, 17, 0, tzinfo=timezone.utc), {"holiday": False}, True),
        (datetime(2026, 12, 25, 5, 0, tzinfo=timezone.utc), {"holiday": False}, False),
    ],
)
def test_a_holiday_is_one_by_the_site_s_calendar(utc, options, expected):
    assert holds("holiday", options, Then(utc)) is expected
