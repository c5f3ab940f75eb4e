"""Which messages fire ``mqtt``, row by row as the standard reads topics, and what is near and does not."""

import msgspec
import pytest
from hub_for_rules import event, read_rules, settings

from siaga.core.settings import LinkSettings
from siaga.core.texts import Texts
from siaga.rules.trigger_mqtt import MQTT_TRIGGER, MqttTrigger, filters_meet, topic_fits

# MQTT 5.0, 4.7.1 and 4.7.2, with its own examples.
TOPICS = [
    ("sport/tennis/player1/#", "sport/tennis/player1", True),
    ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
    ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
    ("#", "sport/tennis", True),
    ("sport/tennis/+", "sport/tennis/player1", True),
    ("sport/tennis/+", "sport/tennis/player1/ranking", False),
    ("sport/+", "sport", False),
    ("sport/+", "sport/", True),
    ("+/+", "/finance", True),
    ("/+", "/finance", True),
    ("+", "/finance", False),
    ("#", "$SYS/uptime", False),
    ("+/monitor/Clients", "$SYS/monitor/Clients", False),
    ("$SYS/#", "$SYS/uptime", True),
    ("pompa/1", "pompa/10", False),
]


@pytest.mark.parametrize(("pattern", "topic", "fits"), TOPICS)
def test_topics_fit_as_the_standard_says(pattern, topic, fits):
    assert topic_fits(pattern, topic) is fits


def trigger(**options):
    return MqttTrigger(MQTT_TRIGGER({"topic": "pompa/+", **options}), Texts("id"))


def message(**data):
    kept = {"link": "sensor", "topic": "pompa/1", "payload": "MATI", "is_retained": False}
    return event("mqtt.message", None, data={**kept, **data})


MESSAGES = [
    ({}, {}, None),
    ({"payload": "MATI"}, {}, None),
    ({"payload": ["MATI", "RUSAK"]}, {"payload": "RUSAK"}, None),
    ({"payload": "MATI"}, {"payload": "NYALA"}, "payload"),
    ({}, {"topic": "pintu/1"}, "topic"),
    ({"link": "lain"}, {}, "link"),
    ({}, {"is_retained": True}, "pesan lama"),
    ({"retained": True}, {"is_retained": True}, None),
]


@pytest.mark.parametrize(("options", "data", "miss"), MESSAGES)
def test_a_message_fires_or_says_why_not(options, data, miss):
    said = trigger(**options).miss(message(**data))
    assert said is None if miss is None else miss in said


MEETINGS = [
    ("pompa/+/status", "pompa/#", True),
    ("pompa/1", "pompa/+", True),
    ("pompa/1", "pintu/#", False),
    ("+/1", "pompa/+/status", False),
    ("pompa", "pompa/#", True),
    ("a/b", "a/b", True),
    ("a/b/c", "a/+", False),
]


@pytest.mark.parametrize(("one", "other", "meet"), MEETINGS)
def test_filters_meet_where_a_topic_fits_both(one, other, meet):
    assert filters_meet(one, other) is filters_meet(other, one) is meet


LINK = LinkSettings(id="sensor", type="mqtt", options={"subscribe": ["pompa/#"]})
CHECKS = [
    ({}, {"sensor": LINK}, None),
    ({"topic": "pintu/1"}, {"sensor": LINK}, "rules.check.topic_unheard"),
    ({}, {}, "rules.check.topic_unheard"),
    ({"link": "sensro"}, {"sensor": LINK}, "rules.check.no_link"),
]


@pytest.mark.parametrize(("options", "links", "key"), CHECKS)
def test_a_topic_that_no_link_hears_is_a_mistake_in_the_rule(options, links, key):
    site = msgspec.structs.replace(settings(), links=links)
    assert [fault.key for fault in trigger(**options).faults(site)] == ([key] if key else [])


def test_the_mistake_is_told_with_its_line(tmp_path):
    rule = "- id: pompa\n  triggers:\n    - {trigger: mqtt, topic: pompa/1}\n  actions: [{action: snapshot}]\n"
    loaded = read_rules(rule, tmp_path)
    assert str(loaded.problems[0]).startswith("rules/banjir.yaml:3: triggers[0].topic: tidak ada sambungan")
