"""Ten thousand damaged rule files: each is read, or told with a line; none is a traceback, none takes long."""

import random
import time

import pytest
from hub_for_rules import built_in_words

from siaga.core.config import load_settings
from siaga.core.settings import Settings
from siaga.core.texts import Texts
from siaga.core.yaml_lines import LineDict, load_yaml
from siaga.rules.parse import load_rules

COUNT = 10_000
# A tenth of the files each, so that what fails names its share and the shares may run side by side.
SHARES = 10
# Of the thread's own time: the slowest of 10,000 takes a tenth of it.
LIMIT_S = 3.0

CONFIG = """\
site: {name: Kelurahan Kebon Baru}
places: {rw05: {name: RW 05}}
cameras:
  kali: {type: demo, scene: canal, place: rw05, zones: {bantaran: [[0, 0], [1, 0], [1, 1]]}, groups: [sungai]}
  ptz: {type: demo, scene: ptz}
notifiers: {catatan: {type: log}}
contacts: {posko: {name: Posko, via: [{notifier: catatan, to: posko}]}}
rules: !include aturan.yaml
"""
RULES = """\
- id: kali-siaga-2
  alias: "Kali Ciliwung: Siaga 2"
  triggers:
    - {trigger: event, kind: flood.stage, camera: kali, to: 2}
  conditions:
    - "{{ trigger.event.score > 0.5 }}"
    - {condition: time, after: "19:00", weekday: [sat, sun]}
  variables: {batas: &batas 150, lagi: *batas}
  actions:
    - {action: ptz.goto_preset, target: {camera: ptz}, data: {preset: jembatan}}
    - if: {condition: time, before: "05:00"}
      then:
        - action: notify
          target: {contact: posko}
          data:
            message: |
              air {{ trigger.event.data.level_cm }} cm
      else: {delay: {minutes: 5}}
  mode: queued
- id: ramai
  triggers: {trigger: event, kind: crowd.high}
  actions: [{stop: 'selesai'}]
"""
ODD = ["\0", "\t", "\u00a0", "\u200b", "\ufeff", "\u2028", "\x85", "\U0001f600", "é", "\ud83d", "\r", "\x07", "ﬀ", "“"]
SIGNS = [
    *list("{}[]:,-#&*!|>'\"%@`?~<=. \n"),
    "{{",
    "}}",
    "{%",
    "- ",
    ": ",
    "<<: ",
    "--- ",
    "!!",
    "!include ",
    "!secret ",
    "!env ",
]
WORDS = [
    "null",
    "true",
    "[]",
    "{}",
    "1e999",
    "0x",
    "9" * 5_000,
    "-1",
    "''",
    "[[[]]]",
    "{a: {b: {}}}",
    "*batas",
    "12:30",
    "2026-13-45",
]


def mutated(random_):
    """Return a damaged copy of the rules, as bytes."""
    text = RULES
    for _ in range(random_.choice((1, 1, 1, 2, 3, 8))):
        text = random_.choice(_COMMON)(random_, text)
    if random_.random() < 0.05:
        text = random_.choice(_RARE)(random_, text)
    if random_.random() < 0.0007:
        text = _bomb(random_, text)
    content = text.encode("utf-8", "surrogatepass")
    if random_.random() < 0.03:
        at = random_.randrange(len(content) + 1)
        content = content[:at] + bytes(random_.randrange(256) for _ in range(3)) + content[at:]
    return content


def _cut(random_, text):
    at = random_.randrange(len(text) + 1)
    return text[:at] + text[at + random_.choice((1, 1, 2, 10, 200)) :]


def _swap(random_, text):
    letters = list(text)
    if len(letters) > 1:
        at = random_.randrange(len(letters) - 1)
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def _put(random_, text):
    at = random_.randrange(len(text) + 1)
    return text[:at] + random_.choice(SIGNS + ODD) + text[at:]


def _indent(random_, text):
    lines = text.split("\n")
    at = random_.randrange(len(lines))
    lines[at] = (
        random_.choice(("  ", " ", "\t", "    ")) + lines[at] if random_.random() < 0.6 else lines[at].lstrip(" ")
    )
    return "\n".join(lines)


def _lines(random_, text):
    lines = text.split("\n")
    at, to = random_.randrange(len(lines)), random_.randrange(len(lines))
    what = random_.randrange(4)
    if what == 0:
        lines.insert(to, lines[at])
    elif what == 1:
        lines[at], lines[to] = lines[to], lines[at]
    elif what == 2:
        del lines[at]
    else:
        lines[at:at] = lines[min(at, to) : max(at, to)]
    return "\n".join(lines)


def _word(random_, text):
    words = text.split(" ")
    at = random_.randrange(len(words))
    words[at] = random_.choice(
        (random_.choice(WORDS), random_.choice(words), words[at].replace(":", ""), words[at] * 2)
    )
    return " ".join(words)


def _deep(random_, text):
    depth = random_.choice((5, 50, 70, 3_000))
    opened, closed = random_.choice((("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")))
    return text + f"- {opened * depth}x{closed * depth}\n"


def _nest(random_, text):
    step, depth = random_.choice(("if", "parallel", "sequence", "and", "or", "not")), random_.choice((3, 20, 200))
    inner = "{stop: x}"
    for _ in range(depth):
        inner = f"{{{step}: [{inner}], then: {{stop: x}}}}" if step == "if" else f"{{{step}: [{inner}]}}"
    return text + f"- {{id: dalam, triggers: {{trigger: event, kind: hub.start}}, actions: [{inner}]}}\n"


def _bomb(random_, text):
    wide, levels = random_.choice(((9, 12), (2, 40), (300, 3)))
    lines = ["- x0: &x0 [a]"]
    for level in range(1, levels):
        lines.append(f"  x{level}: &x{level} [{', '.join([f'*x{level - 1}'] * wide)}]")
    return text + "\n".join(lines) + "\n"


def _circle(random_, text):
    return text + random_.choice(("- &z [*z]\n", "- &z {a: *z}\n", "- &z {<<: *z}\n", "- *z\n", "- &z\n- *z\n"))


def _huge(random_, text):
    size = random_.choice((3_000, 100_000))
    key, value = random_.choice(
        (("alias", "x"), ("id", "a"), ("description", "{{ x }}"), ("mode", "'"), ("x" * 500, "y"))
    )
    return text + f"- {key}: {value * (size // len(value))}\n"


_COMMON = [_cut, _cut, _swap, _put, _put, _indent, _lines, _word]
_RARE = [_deep, _nest, _circle, _huge]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "config.yaml").write_text(CONFIG, "utf-8")
    return folder


def checked(folder):
    """Return every problem that `siaga check` would tell, and how many rules are right."""
    words = built_in_words()
    found = load_settings(folder / "config.yaml", words)
    assert isinstance(found.settings, Settings), "a file of rules costs rules alone"
    rules = load_rules(found.settings.rules, words, found.settings, Texts("id"))
    return [*found.problems, *(one.problem for one in rules.problems)], len(rules.rules)


def read(folder, settings):
    """Return the same of the file of rules alone: the configuration around it is read for every fiftieth."""
    texts = Texts("id")
    found = load_yaml(folder / "aturan.yaml", find_secret=lambda name: None, texts=texts, environ={})
    items = found.value if isinstance(found.value, list) else [found.value]
    rules = load_rules([one for one in items if isinstance(one, LineDict)], built_in_words(), settings, texts)
    return [*found.problems, *(one.problem for one in rules.problems)], len(rules.rules)


def test_the_file_that_is_damaged_is_right(site):
    (site / "aturan.yaml").write_text(RULES, "utf-8")
    assert checked(site) == ([], 2)


@pytest.mark.parametrize("share", range(SHARES))
def test_a_damaged_file_is_read_or_told_with_a_line(site, share):
    random_ = random.Random(f"siaga {share}")
    settings = load_settings(site / "config.yaml", built_in_words()).settings
    for number in range(COUNT // SHARES):
        content = mutated(random_)
        (site / "aturan.yaml").write_bytes(content)
        began = time.thread_time()
        problems, _ = checked(site) if number % 50 == 0 else read(site, settings)
        took_s = time.thread_time() - began
        assert took_s < LIMIT_S, (took_s, content[:2_000])
        for problem in problems:
            assert problem.line > 0 and problem.file in ("aturan.yaml", "config.yaml"), (problem, content[:2_000])
            assert problem.what.strip() and "Traceback" not in problem.what, (problem, content[:2_000])
