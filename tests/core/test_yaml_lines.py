"""A YAML file keeps its lines, reads as people mean it, and says its mistakes in words."""

import time

import msgspec
import pytest

from siaga.core.errors import PluginError
from siaga.core.texts import Texts
from siaga.core.yaml_lines import Gap, line_of, load_yaml, place_of, plain, where

EN = Texts("en")


@pytest.fixture
def read(tmp_path):
    def read(text, secrets=None, environ=None, **others):
        for name, content in others.items():
            file = tmp_path / name.replace("__", "/").replace("_yaml", ".yaml")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, "utf-8")
        (tmp_path / "config.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        known = secrets or {}
        return load_yaml(
            tmp_path / "config.yaml",
            find_secret=known.get,
            texts=EN,
            secret_names=lambda: known,
            environ=environ or {},
        )

    return read


def said(loaded):
    return [str(problem) for problem in loaded.problems]


def test_keys_and_items_know_their_lines(read):
    value = read("site:\n  name: Kebon Baru\nlist:\n  - a\n  - b: 1\n").value
    assert where(value) == ("config.yaml", 1)
    assert line_of(value, "list") == 3
    assert line_of(value["site"], "name") == 2
    assert line_of(value["list"], 1) == 5
    assert where(value["list"][1]) == ("config.yaml", 5)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("19:00", "19:00"),
        ("07:00", "07:00"),
        ("1:30", "1:30"),
        ("off", "off"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("2026-11-22", "2026-11-22"),
        ("0812345678", "0812345678"),
        ("+62812345678", "+62812345678"),
        ("112", 112),
        ("-3", -3),
        ("0x1F", 31),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.5e999", "1.5e999"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("~", None),
        ("", None),
        ('"5"', "5"),
        ("!!str 5", "5"),
    ],
)
def test_a_value_is_read_as_people_mean_it(read, written, meant):
    value = read(f"a: {written}\n").value["a"]
    assert value == meant
    assert type(value) is type(meant)


def test_values_are_ordinary_to_msgspec(read):
    value = read("a: {b: [1, x, 2.5, true], 3: null}\n").value
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(value), strict=False) == {
        "a": {"b": [1, "x", 2.5, True], 3: None}
    }
    assert type(plain(value)["a"]) is dict


def test_secrets_and_environment_fill_in_values_marked_as_secret(read):
    loaded = read(
        "a: !secret wifi\nb: !env HOME_TOWN\nc: !env NOT_THERE Jakarta Selatan\n",
        {"wifi": "s3cret"},
        {"HOME_TOWN": "Tebet"},
    )
    assert loaded.value == {"a": "s3cret", "b": "Tebet", "c": "Jakarta Selatan"}
    assert place_of(loaded.value, "a").is_secret
    assert loaded.problems == ()


def test_a_missing_secret_or_variable_is_named_with_its_line_and_the_nearest(read):
    loaded = read("a: 1\nb: !secret kali_pasword\nc: !env TOKN\n", {"kali_password": "x"}, {"TOKEN": "y"})
    assert said(loaded) == [
        "config.yaml:2: b: there is no secret 'kali_pasword' in secrets.yaml (did you mean 'kali_password'?)",
        "config.yaml:3: c: there is no environment variable 'TOKN' (a default is written after it: !env TOKN value)"
        " (did you mean 'TOKEN'?)",
    ]
    assert isinstance(loaded.value["b"], Gap)


def test_a_secret_plugin_that_fails_is_told_at_the_line(tmp_path):
    def find(name):
        raise PluginError("the vault is closed")

    (tmp_path / "c.yaml").write_text("a:\n  b: !secret x\n")
    loaded = load_yaml(tmp_path / "c.yaml", find_secret=find, texts=EN)
    assert said(loaded) == ["c.yaml:2: a.b: the vault is closed"]


def test_a_folder_of_lists_becomes_one_list_that_knows_each_file(read):
    loaded = read(
        "rules: !include_dir rules\n",
        rules__b_yaml="- id: two\n- id: three\n",
        rules__a_yaml="\n\nid: one\n",
        rules__c_yaml="# nothing yet\n",
    )
    rules = loaded.value["rules"]
    assert [rule["id"] for rule in rules] == ["one", "two", "three"]
    assert [where(rule) for rule in rules] == [("rules/a.yaml", 3), ("rules/b.yaml", 1), ("rules/b.yaml", 2)]
    assert [place_of(rules, n).file for n in range(3)] == ["rules/a.yaml", "rules/b.yaml", "rules/b.yaml"]
    assert [file.name for file in loaded.files] == ["config.yaml", "rules", "a.yaml", "b.yaml", "c.yaml"]


def test_a_broken_file_of_a_folder_leaves_the_others_standing(read):
    loaded = read("rules: !include_dir rules\n", rules__a_yaml="- id: one\n", rules__b_yaml="- id: [1\n")
    assert [rule for rule in loaded.value["rules"] if not isinstance(rule, Gap)] == [{"id": "one"}]
    assert said(loaded)[0].startswith("rules/b.yaml:2: rules[1]: the bracket")


def test_an_include_is_relative_to_the_file_that_asks(read):
    loaded = read("a: !include sub/one.yaml\n", sub__one_yaml="b: !include two.yaml\n", sub__two_yaml="c: 1\n")
    assert loaded.value == {"a": {"b": {"c": 1}}}
    assert where(loaded.value["a"]["b"]) == ("sub/two.yaml", 1)


@pytest.mark.parametrize(
    ("text", "others", "begins"),
    [
        ("a: !include nope.yaml\n", {}, "config.yaml:1: a: there is no file nope.yaml"),
        ("\na: !include_dir nope\n", {}, "config.yaml:2: a: there is no folder nope"),
        ("a: !include ../../etc/passwd\n", {}, "config.yaml:1: a: '../../etc/passwd' is outside"),
        ("a: !include /etc/passwd\n", {}, "config.yaml:1: a: '/etc/passwd' is outside"),
        ("a: !include config.yaml\n", {}, "config.yaml:1: a: file config.yaml includes itself"),
        (
            "a: !include x.yaml\n",
            {"x_yaml": "\nb: !include config.yaml"},
            "x.yaml:2: a.b: file config.yaml includes itself",
        ),
        ("a: !include sub\n", {"sub__x_yaml": "1"}, "config.yaml:1: a: file sub cannot be read"),
        ("a: !include\n", {}, "config.yaml:1: a: one name must follow !include"),
        ("a: !inclde x.yaml\n", {}, "config.yaml:1: a: the tag !inclde is not known (did you mean '!include"),
        ("a: !!python/object/apply:os.system [ls]\n", {}, "config.yaml:1: a: the tag !!python"),
        ("a: 1\nb: 2\na: 3\n", {}, "config.yaml:3: a: the key 'a' stands in line 1 already"),
        ("a:\n\tb: 1\n", {}, "config.yaml:2:1: this line is indented with a Tab"),
        ("a: 'x\nb: 2\n", {}, "config.yaml:1:4: a quotation mark is opened here and not closed"),
        ('a: 1\nb: "x\nc: "y"\nd: 4\n', {}, "config.yaml:2: a quotation mark is opened here and not closed"),
        ("a:\n  b: 1\n c: 2\n", {}, "config.yaml:3: the indentation does not fit"),
        ("a: b: c\n", {}, "config.yaml:1:5: there is a colon inside this value"),
        ("a: [1, 2\nb: 3\n", {}, "config.yaml:2: the bracket [ or { opened in line 1"),
        ("a: {{ trigger.x }}\n", {}, "config.yaml:1: a: a value with {{ ... }} must stand in quotes"),
        ('a: "C:\\q"\n', {}, "config.yaml:1:8: a backslash"),
        ("a: @posko\n", {}, "config.yaml:1:4: a value that begins with a sign"),
        ("a: *nobody\n", {}, "config.yaml:1:4: the name after * is not known"),
        ("a: &x [*x]\n", {}, "config.yaml:1: a[0]: this reference * points to the part that holds it"),
        ("---\na: 1\n---\nb: 1\n", {}, "config.yaml:3: the line '---' begins a second document"),
        (b"a: 1\nb: caf\xe9\n", {}, "config.yaml:2: this file is not UTF-8"),
        (b"a: 1\nb: \x01\n", {}, "config.yaml:2: there is an invisible"),
        ("a: " + "[" * 5000 + "\n", {}, "config.yaml:1: parts are nested more than 60 deep"),
        ("a: " + "x" * 1_000_100 + "\n", {}, "config.yaml:1: this file is larger than 1000 kB"),
    ],
)
def test_a_mistake_is_told_in_words_at_its_line(read, text, others, begins):
    loaded = read(text, **others)
    assert [problem for problem in said(loaded) if problem.startswith(begins)], said(loaded)


def test_a_chain_of_includes_ends(read, tmp_path):
    for number in range(20):
        (tmp_path / f"f{number}.yaml").write_text(f"next: !include f{number + 1}.yaml\n")
    assert "too many !include" in said(read("a: !include f0.yaml\n"))[0]


def test_a_file_that_multiplies_itself_by_references_is_refused_quickly(read):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    started = time.monotonic()
    loaded = read("\n".join(lines) + "\n")
    assert time.monotonic() - started < 5
    assert len(said(loaded)) == 1
    assert "more than 100000 values" in said(loaded)[0]
    assert loaded.problems[0].line > 0


def test_anchors_and_merges_work_and_own_keys_win(read):
    value = read("x-base: &b {host: a, port: 1}\nweb:\n  <<: *b\n  port: 2\n").value
    assert value["web"] == {"host": "a", "port": 2}
    assert line_of(value["web"], "host") == 1
    assert line_of(value["web"], "port") == 4


def test_a_missing_file_is_a_problem_and_no_traceback(tmp_path):
    loaded = load_yaml(tmp_path / "none.yaml", find_secret=lambda name: None, texts=EN)
    assert said(loaded) == ["none.yaml: there is no file none.yaml"]


def test_a_character_written_as_two_halves_is_one_and_a_half_alone_is_a_mistake(read):
    assert read('a: "\\ud83d\\ude00"\n').value == {"a": "\U0001f600"}
    assert said(read('a: 1\nb: "\\ud83d"\n')) == [
        "config.yaml:2: there is an invisible or forbidden character in this line; type the line again"
    ]


def test_an_input_belongs_to_blueprints(read):
    (line,) = said(read("a: 1\nb: !input x\n"))
    assert line.startswith("config.yaml:2: b: !input stands in the file of a blueprint only")
