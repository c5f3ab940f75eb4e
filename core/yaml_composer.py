"""Bytes to YAML nodes within bounds, and PyYAML's complaints in words that an operator understands.

A text that is right goes through libyaml, which is ten times as fast; one that is wrong is read again by PyYAML's own
scanner, whose complaints are finer. A piece that is wrong is left out and the rest is read on, so that all mistakes
are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import yaml
from yaml.composer import Composer
from yaml.resolver import BaseResolver

from .yaml_mistakes import YamlMistake, likely
from .yaml_pieces import Piece, piece_at

__all__ = ["MAX_NESTED", "MAX_NODES", "Composed", "Lost", "YamlMistake", "compose"]

MAX_NODES = 100_000
MAX_NESTED = 60
# As many mistakes as anybody mends in one go; each is one more reading.
_MAX_MISTAKES = 20
# PyYAML's own scanner reads about 100 kB a second: so much for one file, all readings together.
_MAX_READ_AGAIN = 400_000
# What is read of a file that is too large for that: enough around the mistake to name it.
_EXCERPT_LINES = 300


class Lost(NamedTuple):
    """Hold a piece that could not be read, and why."""

    piece: Piece
    mistake: YamlMistake


class Composed(NamedTuple):
    """Hold the root node of what could be read, every mistake, and what was left out.

    With a mistake and nothing in ``lost`` nothing could be read.
    """

    node: yaml.Node | None
    mistakes: tuple[YamlMistake, ...] = ()
    lost: tuple[Lost, ...] = ()


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


class _Bounds(Composer):
    """Compose nodes only, and count them."""

    def __init__(self) -> None:
        self._nested = 0
        self._nodes = 0
        super().__init__()

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401  PyYAML's signature
        self._nested += 1
        self._nodes += 1
        if self._nested > MAX_NESTED or self._nodes > MAX_NODES:
            line = self.peek_event().start_mark.line + 1  # type: ignore[attr-defined]
            is_deep = self._nested > MAX_NESTED
            key, limit = ("yaml.too_deep", MAX_NESTED) if is_deep else ("yaml.too_many_values", MAX_NODES)
            raise _TooMuch(line, key, limit)
        node = super().compose_node(parent, index)
        self._nested -= 1
        if isinstance(node, yaml.ScalarNode) and _HALF.search(node.value):
            node.value = _paired(node.value, node.start_mark.line + 1)
        return node


class _Resolver(BaseResolver):
    """Say which words are numbers, switches and nothing, by a table of our own: see the rules below."""

    yaml_implicit_resolvers: dict[Any, Any] = {}


class _Patient(_Bounds, yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, _Resolver):
    """Read with PyYAML's own scanner, and remember quotes that run over several lines."""

    def __init__(self, stream: str) -> None:
        self.long_quote: tuple[int, int] | None = None
        yaml.reader.Reader.__init__(self, stream)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        _Bounds.__init__(self)
        _Resolver.__init__(self)

    def scan_flow_scalar(self, style: str) -> Any:  # noqa: ANN401  PyYAML's signature
        token = super().scan_flow_scalar(style)
        if token.end_mark.line > token.start_mark.line:
            self.long_quote = (token.start_mark.line + 1, token.end_mark.line + 1)
        return token


if yaml.__with_libyaml__:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]

    class _Quick(_Bounds, CParser, _Resolver):
        """Read with libyaml."""

        def __init__(self, stream: str) -> None:
            CParser.__init__(self, stream)
            _Bounds.__init__(self)
            _Resolver.__init__(self)


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
    _Resolver.add_implicit_resolver("tag:yaml.org,2002:" + _tag, re.compile(rf"^(?:{_pattern})$"), list(_first))


def compose(content: bytes) -> Composed:
    """Return what can be read of a file's one document, and every mistake; never raises."""
    try:
        text = _decode(content)
    except YamlMistake as err:
        return Composed(None, (err,))
    try:
        return Composed(_quick(text))
    except YamlMistake as err:
        return _read_on(text, err)


def _read_on(text: str, mistake: YamlMistake) -> Composed:
    """Leave out the piece of each mistake and read the rest, within bounds."""
    lines = text.splitlines()
    mistakes, lost = [mistake], []
    budget = _MAX_READ_AGAIN
    while len(mistakes) < _MAX_MISTAKES and budget > 0:
        piece = piece_at(lines, mistake.start) or piece_at(lines, mistake.line)
        if piece is None or mistake.key in _WHOLE or not any(lines[piece.first : piece.after]):
            return Composed(None, tuple(mistakes))
        lost.append(Lost(piece, mistake))
        lines[piece.first : piece.after] = [""] * (piece.after - piece.first)
        budget -= len(text)
        try:
            node = _quick("\n".join(lines))
        except YamlMistake as err:
            mistake = err
            mistakes.append(mistake)
        else:
            return Composed(node, tuple(mistakes), tuple(lost))
    return Composed(None, tuple(mistakes))


# What leaves nothing of a file to read on with.
_WHOLE = ("yaml.too_many_values", "yaml.strange_character", "yaml.two_documents")


def _quick(text: str) -> yaml.Node | None:
    """Return the root node; YamlMistake."""
    if not yaml.__with_libyaml__:
        return _patient(text)
    try:
        return _single(_Quick(text))
    except _TooMuch as err:
        raise YamlMistake(err.line, err.key, limit=err.limit) from err
    except (yaml.YAMLError, ValueError, OverflowError) as err:
        mark = getattr(err, "problem_mark", None)
        excerpt = text if len(text) <= _MAX_READ_AGAIN // 4 else _excerpt(text, mark.line if mark else 0)
        return _patient(excerpt)


def _excerpt(text: str, line: int) -> str:
    """Return the lines around a mistake, from the beginning of its piece, at their own numbers."""
    lines = text.splitlines()
    piece = piece_at(lines, line + 1)
    first = max(piece.first if piece else 0, line - _EXCERPT_LINES)
    return "\n" * first + "\n".join(lines[first : line + 2])[: _MAX_READ_AGAIN // 4]


def _single(loader: Any) -> yaml.Node | None:  # noqa: ANN401  one of the two above
    node: yaml.Node | None = loader.get_single_node()
    return node


def _patient(text: str) -> yaml.Node | None:
    """Return the root node, or say as exactly as can be what is wrong; YamlMistake."""
    loader: _Patient | None = None
    try:
        loader = _Patient(text)
        return _single(loader)
    except _TooMuch as err:
        raise YamlMistake(err.line, err.key, limit=err.limit) from err
    except yaml.reader.ReaderError as err:
        line = text.count("\n", 0, int(err.position)) + 1
        raise YamlMistake(line, "yaml.strange_character") from err
    except yaml.MarkedYAMLError as err:
        raise _in_words(err, loader.long_quote if loader else None, text.splitlines()) from err
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


def _in_words(err: yaml.MarkedYAMLError, long_quote: tuple[int, int] | None, lines: Sequence[str]) -> YamlMistake:
    mark = err.problem_mark or err.context_mark
    line = mark.line + 1 if mark else 1
    said = f"{err.context or ''} / {err.problem or ''}"
    start = err.context_mark.line + 1 if err.context_mark else line
    if re.search(_WORDS[1][0], said) and err.context_mark:
        return YamlMistake(start, "yaml.quote_open", column=err.context_mark.column + 1)
    # A forgotten quote swallows lines up to the next quote; what follows there is then nonsense to the parser.
    if long_quote and long_quote[1] == line:
        return YamlMistake(long_quote[0], "yaml.quote_open")
    key = next((key for pattern, key in _WORDS if re.search(pattern, said)), "yaml.not_yaml")
    column = mark.column + 1 if mark and key in _WITH_COLUMN else 0
    return likely(lines, YamlMistake(line, key, column=column, start=start))


_WITH_COLUMN = ("yaml.needs_quotes", "yaml.backslash", "yaml.alias_unknown")
