"""What templates of rules may do: what an alert needs, nothing that reads the machine, nothing that takes long."""

import contextlib
import time
from datetime import datetime, timezone

import pytest
import voluptuous as vol
from hub_for_rules import EVENING, event

from siaga.core.clock import ManualClock
from siaga.core.errors import StoreFailed, TemplateFailed
from siaga.core.settings import SiteSettings
from siaga.core.states import StateBook
from siaga.core.texts import Texts
from siaga.rules.template_functions import offer_template_functions
from siaga.rules.templates import TemplateBox, is_true


def box(language="id", **more):
    site = SiteSettings(id="kebon-baru", name="Kelurahan Kebon Baru")
    return TemplateBox(offer_template_functions(), site, ManualClock(EVENING), Texts(language), **more)


AT = datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc)
SEEN = {
    "trigger": {
        "event": {
            "camera": {"name": "Kali Ciliwung", "id": "kali"},
            "data": {"level_cm": 212.5, "items": 3, "labels": ["person", "dog"], "empty": None},
            "at": AT.astimezone(box().zone),
        }
    }
}

RESULTS = {
    "{{ trigger.event.camera.name }}: {{ trigger.event.data.level_cm | round }} cm": "Kali Ciliwung: 213 cm",
    "{{ trigger.event.data.level_cm > 200 }}": True,
    "{{ trigger.event.data.level_cm }}": 212.5,
    "{{ trigger.event.data['level_cm'] | round(1) }}": 212.5,
    "{{ trigger.event.data.items }}": 3,
    "{{ trigger.event.data.labels }}": ["person", "dog"],
    "{{ trigger.event.data.labels | join(', ') }}": "person, dog",
    "{{ trigger.event.data.empty }}": None,
    "{{ trigger.event.at | jam }}": "19.05 WIB",
    "{{ trigger.event.at | hari }}, {{ trigger.event.at | tanggal }}": "Minggu, 22 November 2026",
    "{{ now() | jam }}": "19.05 WIB",
    "{{ 1234.5 | angka(1) }}": "1.234,5",
    "{{ 7500 | lama }}": "2 jam 5 menit",
    "{{ timedelta(hours=2, minutes=5) | lama }}": "2 jam 5 menit",
    "{{ (now() - timedelta(minutes=5)) | lalu }}": "5 menit lalu",
    "{{ now() | lalu }} {{ today_at('21:05') | lalu }}": "baru saja 2 jam lagi",
    "{{ trigger.event.at | tanggal_jam }}": "22 November 2026 19.05 WIB",
    "{{ '2026-11-22T12:05:00+00:00' | jam }}": "19.05 WIB",
    "{{ '2026-11-22T20:00:00+00:00' | hari }}": "Senin",
    "{{ now() < today_at('19:06') and now() >= today_at('19:05') }}": True,
    "{{ as_datetime('2026-11-22T00:00:00Z') | jam }}": "07.00 WIB",
    "{{ as_timestamp(now()) - as_timestamp('2026-11-22T19:00:00') }}": 300.0,
    "{{ 2 | siaga }}, {{ '1' | siaga }}": "Siaga 2 (kritis), Siaga 1 (bencana)",
    "{{ 0.874 | persen }} {{ 0.874 | persen(1) }}": "87% 87,4%",
    "{{ trigger.event.data.labels | daftar }}": "person dan dog",
    "{{ ['kali'] | daftar }}{{ [] | daftar }}": "kali",
    "{{ ['a', 'b', 'c'] | daftar }}": "a, b dan c",
    "{{ 'dog' in trigger.event.data.labels }}": True,
    "{{ 12 }}": 12,
    "{{ '012' }}": "012",
    "{% if trigger.event.data.level_cm > 200 %}tinggi{% else %}rendah{% endif %}": "tinggi",
    "{% for label in trigger.event.data.labels %}{{ loop.index }}{{ label[0] }} {% endfor %}": "1p 2d ",
    "{{ trigger.event.data.nope | default(5) }}": 5,
    "{{ trigger.event.data.nope is defined }}": False,
    "{{ '%.1f' | format(3.14159) }}": "3.1",
    "{{ trigger.event.data.labels | select('eq', 'dog') | list | length }}": 1,
    "{% set n = 2 ** 10 %}{{ n }}": 1024,
}


@pytest.mark.parametrize(("source", "result"), RESULTS.items(), ids=RESULTS)
def test_a_template_gives_what_an_operator_expects(source, result):
    given = box().render(source, SEEN)
    assert given == result and type(given) is type(result)


def test_english_sites_read_english_numbers_and_dates():
    english = box("en")
    assert english.render("{{ 1234.5 | angka(1) }} {{ trigger.event.at | hari }}", SEEN) == "1,234.5 Sunday"
    assert english.render("{{ trigger.event.at | jam }}", SEEN) == "19:05 WIB"
    assert english.render("{{ 1 | siaga }}, {{ ['a', 'b'] | daftar }}", SEEN) == "Siaga 1 (disaster), a and b"
    assert english.render("{{ (now() - timedelta(minutes=5)) | lalu }}", SEEN) == "5 min ago"


SLOW = {
    "loop in loop": "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}"
    "{% endfor %}{% endfor %}",
    "long range": "{% for a in range(10 ** 9) %}{% endfor %}",
    "huge text": "{{ 'a' * 10 ** 9 }}",
    "huge text, turned round": "{{ 10 ** 9 * 'a' }}",
    "huge list": "{{ [1] * 10 ** 9 }}",
    "huge number": "{{ 10 ** (10 ** 8) }}",
    "huge number in steps": "{% set n = 9 ** 300 %}" + "{% set n = n * n %}" * 30,
    "doubled text": "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 40,
    "doubled by plus": "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a + a %}" * 40,
    "doubled block": "{% set a %}aaaaaaaaaa{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40,
    "doubled list": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a }}",
    "doubled dict": "{% set a = {} %}" + "{% set a = {1: a, 2: a} %}" * 40 + "{{ a }}",
    "two equal giants": "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a, a] %}{% set b = [b, b] %}" * 30
    + "{{ a == b }}",
    "center": "{{ 'a' | center(10 ** 9) }}",
    "center method": "{{ 'a'.center(10 ** 9) }}",
    "zfill": "{{ 'a'.zfill(10 ** 9) }}",
    "indent": "{{ 'a' | indent(10 ** 9) }}",
    "batch": "{{ [1] | batch(10 ** 9, 0) | list }}",
    "slice": "{{ [1] | slice(10 ** 9) | list }}",
    "percent": "{{ '%1000000000d' % 1 }}",
    "percent star": "{{ '%*d' | format(10 ** 9, 1) }}",
    "format filter": "{{ '%1000000000d' | format(1) }}",
    "format method": "{{ '{:>1000000000}'.format(1) }}",
    "round": "{{ 1 | round(10 ** 8, 'ceil') }}",
    "nested joins": "{{ range(1000) | map('string') | join('a' * 15000) }}",
    "replace": "{{ ('a' * 15000) | replace('a', 'b' * 15000) }}",
    "replace of nothing": "{{ ('a' * 15000) | replace('', 'b' * 15000) }}",
    "list of giants": "{{ (['a' * 15000] * 1000) | string }}",
    "macro": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "recursive loop": "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "too deep": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "too long": "{{ 1 }}" * 5000,
    "output in a loop": "{% for a in range(1000) %}{{ 'a' * 1000 }}{% endfor %}",
    "comparisons in a loop": "{% set a = range(900) | list %}{% for x in a %}{{ [a, a, a] == [a, a, a] }}{% endfor %}",
    "each in all": "{{ ([7] * 9000) | select('in', [8] * 9000) | list | count }}",
    "giant list in words": "{{ (['a' * 15000] * 1000) | daftar }}",
    "many lists in words": "{% for a in range(1000) %}{% for b in range(1000) %}"
    "{% set x = ['a', 'b'] * 4000 %}{% set y = x | daftar %}{% endfor %}{% endfor %}",
    "all dates": "{% for a in range(1000) %}{% for b in range(1000) %}{% set x = now() | tanggal_jam %}{% endfor %}"
    "{% endfor %}",
    "all times ago": "{% for a in range(1000) %}{% for b in range(1000) %}{% set x = now() | lalu %}{% endfor %}"
    "{% endfor %}",
    "a giant text as a time": "{{ ('x' * 19000) | jam }}",
    "a giant text as a clock": "{{ today_at('1' * 19000) }}",
    "a giant number as a time": "{{ as_datetime(9 ** 300) }}",
    "a giant number as a span": "{{ timedelta(days=9 ** 300) }}",
    "a span many times": "{{ timedelta(days=900000000) * 9 ** 300 }}",
    "a giant number as a stage": "{{ (9 ** 600) | siaga }}",
    "a giant number as per cent": "{{ (9 ** 600) | persen }}",
    "filter in a loop": "{% for a in range(1000) %}{% for b in range(1000) %}"
    "{% set x = range(1000) | list | sort | length %}{% endfor %}{% endfor %}",
}


@pytest.mark.parametrize("source", SLOW.values(), ids=SLOW)
def test_a_template_that_would_run_or_grow_without_end_is_cut(source):
    templates = box()
    began = time.thread_time()
    with pytest.raises(TemplateFailed):
        templates.render(source, SEEN)
    # Left alone each of these runs for many seconds or for ever; the limit itself is 0.05 s.
    assert time.thread_time() - began < 2


def test_heavy_operations_in_a_loop_are_cut_as_soon_as_light_ones():
    templates, seen = box(), {"a": [3, 1, 2] * 2_700}

    def cost_s(source):
        began = time.thread_time()
        with contextlib.suppress(TemplateFailed):
            templates.render(source, seen)
        return time.thread_time() - began

    one_s = max(cost_s("{{ a | sort | length }}") for _ in range(3))
    with pytest.raises(TemplateFailed, match="terlalu lama"):
        templates.render("{% for i in range(1000) %}{% set x = a | sort %}{% endfor %}", seen)
    # Cut within a few sorts of the limit of 0.05 s, not after every sixteenth.
    assert (
        min(cost_s("{% for i in range(1000) %}{% set x = a | sort %}{% endfor %}") for _ in range(3)) < 0.05 + 8 * one_s
    )


def test_what_a_function_loads_at_its_first_call_cuts_no_template():
    loaded = []

    def slow(value):
        if not loaded:
            until_s = time.thread_time() + 0.08
            while time.thread_time() < until_s:
                loaded.append(1)
        return value

    templates = TemplateBox({"slow": slow}, SiteSettings(id="x", name="X"), ManualClock(EVENING), Texts("id"))
    assert templates.render("{{ 1 | slow }} {{ 2 | slow }}", {}) == "1 2"


@pytest.mark.parametrize("source", ["{{ 'abcdef' | truncate(2) }}", "{{ 1 | refuse }}", "{{ 1 | lose }}"])
def test_whatever_a_filter_raises_is_a_failed_template(source):
    def refuse(value):
        raise vol.Invalid("tidak boleh")

    def lose(value):
        raise StoreFailed("disk penuh")

    functions = {"refuse": refuse, "lose": lose}
    with pytest.raises(TemplateFailed):
        TemplateBox(functions, SiteSettings(id="x", name="X"), ManualClock(EVENING), Texts("id")).render(source, {})


FORBIDDEN = [
    "{{ ''.__class__.__mro__ }}",
    "{{ now.__globals__ }}",
    "{{ trigger['__class__'] }}",
    "{{ trigger.event.data | attr('__class__') }}",
    "{{ trigger.event.data.update({'level_cm': 1}) }}",
    "{{ trigger.event.data.labels.append(1) }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% extends 'x' %}",
    "{{ self }}",
    "{{ cycler }}",
    "{{ lipsum() }}",
    "{{ dict(a=1) }}",
    "{{ namespace() }}",
    "{{ ['x'] | map('attr', '__class__') | list }}",
    "{{ [trigger] | map(attribute='__class__') | list }}",
    "{{ trigger.event.data | _weigh }}",
    "{% set trigger.x = 1 %}",
    "{{ config }}",
    "{{ settings }}",
    "{{ now() | jam('en') }}",
    "{{ now().tzinfo.key }}",
    "{{ now().strftime('%9999999d') }}",
    "{{ today_at.__globals__ }}",
    "{{ timedelta.__init__ }}",
    "{{ timedelta(1).__class__ }}",
    "{{ as_datetime('2026-11-22').__class__ }}",
    "{{ as_datetime('/etc/passwd') }}",
    "{{ today_at('{{ 7 }}') }}",
    "{{ '/etc/passwd' | jam }}",
    "{{ now | lalu }}",
    "{{ 5 | siaga }}",
    "{{ environment }}",
    "{{ os.environ }}",
]


# What the box gives to a filter, a template cannot give in its place.
SET_FROM_OUTSIDE = ["language='../../../../etc/passwd'", "language='xx'", "zone='UTC'", "now=now"]


@pytest.mark.parametrize("argument", SET_FROM_OUTSIDE)
def test_a_template_cannot_set_the_language_the_zone_or_the_clock_of_a_filter(argument):
    assert box().render(f"{{{{ as_datetime('2026-11-22T10:05:00Z') | lalu({argument}) }}}}", SEEN) == "2 jam lalu"


@pytest.mark.parametrize("source", FORBIDDEN)
def test_a_template_reaches_nothing_but_what_it_was_given(source):
    with pytest.raises(TemplateFailed):
        box().render(source, SEEN)
    assert SEEN["trigger"]["event"]["data"]["level_cm"] == 212.5
    assert SEEN["trigger"]["event"]["data"]["labels"] == ["person", "dog"]


def test_a_name_that_does_not_exist_is_told_with_the_nearest():
    with pytest.raises(TemplateFailed, match=r"nama 'nam' tidak ada \(maksud Anda 'name'\?\)"):
        box().render("{{ trigger.event.camera.nam }}", SEEN)
    with pytest.raises(TemplateFailed, match="there is no name 'foo'"):
        box("en").render("{{ foo }}", SEEN)


def test_a_filter_of_a_plugin_that_raises_fails_its_template_only():
    class OwnError(Exception):
        pass

    def bad(value):
        raise OwnError("rusak")

    templates = TemplateBox({"bad": bad}, SiteSettings(id="x", name="X"), ManualClock(EVENING), Texts("id"))
    with pytest.raises(TemplateFailed, match="rusak"):
        templates.render("{{ 1 | bad }}", {})
    assert templates.render("{{ 1 }}", {}) == 1


@pytest.mark.parametrize("value", [True, 1, 0.5, "true", "yes", "On", " 1 ", "enable", "ya"])
def test_what_home_assistant_takes_for_true(value):
    assert is_true(value)


@pytest.mark.parametrize("value", [False, 0, 0.0, None, "", "false", "off", "no", "2", [], [1], {"a": 1}])
def test_what_home_assistant_takes_for_false(value):
    assert not is_true(value)


# --- states ---------------------------------------------------------------------------------------


def states_box():
    book = StateBook()
    for zone, count in (("halaman", 4), ("gerbang", 9)):
        book.meet(event("crowd.count", "sekolah", zone=zone, data={"count": count}))
    book.meet(event("flood.level", data={"level_cm": 180.5, "stage": 3}))
    book.meet(event("camera.offline", "ptz"))
    site = SiteSettings(id="x", name="X")
    return TemplateBox(offer_template_functions(), site, ManualClock(EVENING), Texts("id"), states=book)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ keadaan('flood.level', 'kali') }}", 180.5),
        ("{{ keadaan('flood.level', trigger.event.camera) > 180 }}", True),
        ("{{ keadaan('flood.level', 'tidak-ada') }}", None),
        ("{{ keadaan('camera', 'ptz') }}", "offline"),
        ("{{ keadaan('crowd.count', 'sekolah', 'halaman') }}", 4),
        ("{{ state_of('flood.level', 'kali').data.stage }}", 3),
        ("{{ state_of('flood.level', 'kali').at | jam }}", "19.05 WIB"),
        ("{{ state_of('flood.level', 'tidak-ada').value is none }}", True),
    ],
)
def test_templates_read_how_everything_is_now(source, value):
    assert states_box().render(source, {"trigger": {"event": {"camera": {"id": "kali"}}}}) == value


def test_what_a_template_does_with_a_state_changes_nothing():
    box = states_box()
    for source in (
        "{{ state_of('flood.level', 'kali').data.update({'stage': 1}) }}",
        "{{ state_of('flood.level', 'kali').data.__class__ }}",
        "{{ state_of.__globals__ }}",
        "{{ keadaan.__closure__ }}",
    ):
        with pytest.raises(TemplateFailed):
            box.render(source, {})
    assert box.render("{{ state_of('flood.level', 'kali').data.stage }}", {}) == 3


# Ways in that are known from elsewhere: format strings, attributes by name in filters, what Jinja2 itself lends.
ATTACKS = [
    "{{ '{0.__class__.__init__.__globals__}'.format(now) }}",
    "{{ '{0.__class__}' | format(now) ~ now.__class__ }}",
    "{{ 'x'.format_map({}) }}",
    "{{ '%s' | format(now) }}",
    "{{ '%r' | format(range) }}",
    "{{ now }}",
    "{{ 'pukul ' ~ now }}",
    "pukul {{ now }}",
    "{{ now | string }}",
    "{{ [now] | string }}",
    "{{ [now] | join }}",
    "{{ [now] | daftar }}",
    "{{ now | tojson }}",
    "{{ {'a': now} }}",
    "{{ [now] | map('string') | list }}",
    "{{ [now] | map(attribute='__wrapped__.__globals__') | list }}",
    "{{ [now] | map(attribute='_function') | list }}",
    "{{ now._function }}",
    "{{ [trigger] | map(attribute='event.__class__') | list }}",
    "{{ [1] | map('attr', 'real') | list }}",
    "{{ [1] | map('_pay') | list }}",
    "{{ [[1]] | map('_glue') | list }}",
    "{{ [1] | map('_each') | list }}",
    "{{ [1] | select('__class__') | list }}",
    "{{ ['a'] | selectattr('__class__') | map(attribute='__class__') | list }}",
    "{{ ['a', 'b'] | sort(attribute='__class__') }}",
    "{{ ['a', 'b'] | unique(attribute='__class__') | list }}",
    "{{ ['a', 'b'] | max(attribute='__class__') }}",
    "{{ ['a'] | sum(attribute='__class__') }}",
    "{{ ['a'] | join(attribute='__class__') }}",
    "{{ ['a'] | groupby('__class__') }}",
    "{{ joiner() }}",
    "{{ namespace(a=1) }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler('a').__init__ }}",
    "{{ varargs }}",
    "{{ caller }}",
    "{{ self._TemplateReference__context }}",
    "{% for a in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% for a in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% for a in [1] %}{{ loop.changed.__func__ }}{% endfor %}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ ()['__class__'] }}",
    "{{ trigger.get.__self__ }}",
    "{{ trigger.event.at.__reduce__ }}",
    "{{ trigger.event.at.replace(year=1) }}",
    "{{ 'aaaa' | regex_match('(a+)+$') }}",
    "{% call now() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% from 'x' import y %}",
    "{% block x %}{% endblock %}",
    "{% debug %}",
    "{{ open('/etc/passwd') }}",
    "{{ secret('wa_token') }}",
]


@pytest.mark.parametrize("source", ATTACKS)
def test_no_way_that_is_known_leads_out_of_the_sandbox(source):
    with pytest.raises(TemplateFailed) as failed:
        box().render(source, SEEN)
    assert " at 0x" not in str(failed.value)


def test_a_forgotten_pair_of_brackets_is_said_and_not_sent():
    with pytest.raises(TemplateFailed, match=r"tanda kurung: now\(\)"):
        box().render("Pukul {{ now }}", SEEN)


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("{{ ['b', 'a'] | map('upper') }}", ["B", "A"]),
        ("{{ [1, 2, 3] | select('gt', 1) }}", [2, 3]),
        ("{{ [1, 2] | reverse }}", [2, 1]),
        ("{{ {'a': 1} | items }}", [["a", 1]]),
    ],
)
def test_a_filter_gives_its_list_and_not_a_promise_of_one(source, result):
    assert box().render(source, SEEN) == result


# Written so that reading it is the attack: none may break the reading, whatever Python makes of it.
TOWERS = {
    "digits": "{{ 1" + "0" * 7_000 + " }}",
    "many digits": "{{ " + "9" * 4_000 + " }}",
    "no number": "{{ 1e" + "9" * 900 + " }}",
    "filters": "{{ 1" + "|abs" * 1_900 + " }}",
    "signs": "{{ " + "-" * 7_000 + "1 }}",
    "nots": "{{ " + "not " * 1_900 + "1 }}",
    "ifs": "{% if 1 %}" * 250 + "{% endif %}" * 250,
    "loops": "{% for a in [1] %}" * 100 + "{% endfor %}" * 100,
    "lists": "{{ " + "[" * 3_900 + "]" * 3_900 + " }}",
    "dicts": "{{ " + "{1:" * 1_900 + "1" + "}" * 1_900 + " }}",
    "calls": "{{ now" + "()" * 3_900 + " }}",
    "names": "{{ a" + ".a" * 3_900 + " }}",
    "sums": "{{ 1" + " + 1" * 1_900 + " }}",
    "powers": "{{ 2" + "**2" * 2_600 + " }}",
    "choices": "{{ " + "1 if 1 else " * 650 + "1 }}",
    "blocks": "{% set a %}" * 300 + "{% endset %}" * 300,
}


@pytest.mark.parametrize("source", TOWERS.values(), ids=TOWERS)
def test_a_tower_of_anything_is_refused_in_time(source):
    templates = box()
    began = time.thread_time()
    with pytest.raises(TemplateFailed):
        templates.render(source, SEEN)
    assert time.thread_time() - began < 2
