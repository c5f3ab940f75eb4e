"""Bytes to YAML nodes within bounds, and PyYAML's complaints in words that an operator understands."""

from __future__ import annotations

import re
from typing import Any

import yaml

MAX_NODES = 100_000
MAX_NESTED = 60


class YamlMistake(Exception):
    """Say which text of the catalogue describes a mistake of syntax, and its line."""

    def __init__(self, line: int, key: str, **values: object) -> None:
        self.line = line
        self.key = key
        self.values = values
        super().__init__(key)


class _TooMuch(Exception):
    def __init__(self, line: int, key: str, limit: int) -> None:
        self.line = line
        self.key = key
        self.limit = limit
        super().__init__(key)


# "\\ud83d\\ude00", as JSON writes what lies beyond 16 bits; half of it is no character, and no journal takes it.
_HALF = re.compile("[\ud800-\udfff]")


def _paired(text: str, line: int) -> str:
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as err:
        raise YamlMistake(line, "yaml.strange_character") from err


class _Composer(yaml.SafeLoader):
    """Compose nodes only, count them, and remember quotes that run over several lines."""

    # Own table, so that SafeLoader's is neither used nor changed: see the rules below.
    yaml_implicit_resolvers: dict[Any, Any] = {}

    def __init__(self, stream: str) -> None:
        self.long_quote: tuple[int, int] | None = None
        self._nested = 0
        self._nodes = 0
        super().__init__(stream)

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401  PyYAML's signature
        line = self.line + 1
        self._nested += 1
        self._nodes += 1
        if self._nested > MAX_NESTED:
            raise _TooMuch(line, "yaml.too_deep", MAX_NESTED)
        if self._nodes > MAX_NODES:
            raise _TooMuch(line, "yaml.too_many_values", MAX_NODES)
        node = super().compose_node(parent, index)
        self._nested -= 1
        return node

    def scan_flow_scalar(self, style: str) -> Any:  # noqa: ANN401  PyYAML's signature
        token = super().scan_flow_scalar(style)
        if token.end_mark.line > token.start_mark.line:
            self.long_quote = (token.start_mark.line + 1, token.end_mark.line + 1)
        if _HALF.search(token.value):
            token.value = _paired(token.value, token.start_mark.line + 1)
        return token


# YAML 1.2's core schema, narrowed. YAML 1.1 (PyYAML's own) reads 19:00 as 1140, 2026-11-22 as a date, 010 as 8,
# and `mode: off` as false. Here only true and false are booleans (the validator `boolean` takes on/off/yes/no
# where a switch is meant), times and dates stay words, and so do numbers with a leading zero or plus: these are
# phone numbers. More than 18 digits are no quantity either.
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"-?(?:0|[1-9][0-9]{0,17})|-?0x[0-9a-fA-F]{1,15}|0o[0-7]{1,20}", "-0123456789"),
    ("float", r"-?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?", "-0123456789."),
    ("float", r"-?[1-9][0-9]*[eE][-+]?[0-9]{1,3}", "-123456789"),
    ("merge", r"<<", "<"),
):
    _Composer.add_implicit_resolver("tag:yaml.org,2002:" + _tag, re.compile(rf"^(?:{_pattern})$"), list(_first))


def compose(content: bytes) -> yaml.Node | None:
    """Return the one document's root node, None for an empty file. YamlMistake."""
    text = _decode(content)
    loader: _Composer | None = None
    try:
        loader = _Composer(text)
        node: yaml.Node | None = loader.get_single_node()
        return node
    except _TooMuch as err:
        raise YamlMistake(err.line, err.key, limit=err.limit) from err
    except yaml.reader.ReaderError as err:
        line = text.count("\n", 0, int(err.position)) + 1
        raise YamlMistake(line, "yaml.strange_character") from err
    except yaml.MarkedYAMLError as err:
        raise _in_words(err, loader.long_quote if loader else None) from err
    except (yaml.YAMLError, ValueError, OverflowError) as err:
        # PyYAML itself trips over a few escapes ("\UFFFFFFFF", %YAML 9999999...).
        line = loader.get_mark().line + 1 if loader else 1
        raise YamlMistake(line, "yaml.not_yaml") from err


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise YamlMistake(content.count(b"\n", 0, err.start) + 1, "yaml.not_utf8") from err


# What PyYAML says -> our text. The first that is found in "context / problem" counts.
_WORDS = (
    (r"found character '\\t'", "yaml.tab"),
    (r"quoted scalar / found unexpected (end of stream|document separator)", "yaml.quote_open"),
    (r"double-quoted scalar / .*(escape|hexadecimal)", "yaml.backslash"),
    (r"mapping values are not allowed", "yaml.colon"),
    (r"could not find expected ':'", "yaml.colon_missing"),
    (r"flow (sequence|mapping)", "yaml.bracket"),
    (r"undefined alias", "yaml.alias_unknown"),
    (r"found character", "yaml.needs_quotes"),
    (r"expected a single document", "yaml.two_documents"),
    (r"scanning (an alias|an anchor)", "yaml.needs_quotes"),
    (r"block (mapping|collection|sequence)|block end|sequence entries are not allowed", "yaml.indentation"),
    (r"block scalar", "yaml.block_scalar"),
    (r"duplicate anchor|anchor", "yaml.alias_unknown"),
)


def _in_words(err: yaml.MarkedYAMLError, long_quote: tuple[int, int] | None) -> YamlMistake:
    mark = err.problem_mark or err.context_mark
    line = mark.line + 1 if mark else 1
    said = f"{err.context or ''} / {err.problem or ''}"
    if re.search(_WORDS[1][0], said) and err.context_mark:
        return YamlMistake(err.context_mark.line + 1, "yaml.quote_open")
    # A forgotten quote swallows lines up to the next quote; what follows there is then nonsense to the parser.
    if long_quote and long_quote[1] == line:
        return YamlMistake(long_quote[0], "yaml.quote_open")
    for pattern, key in _WORDS:
        if re.search(pattern, said):
            start = err.context_mark.line + 1 if err.context_mark else line
            return YamlMistake(line, key, start=start)
    return YamlMistake(line, "yaml.not_yaml")
