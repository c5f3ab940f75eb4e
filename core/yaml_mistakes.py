"""What a person most likely did wrong in a line of YAML that the parser stumbled over, with its column."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence


class YamlMistake(Exception):
    """Say which text of the catalogue describes a mistake of syntax, and its line; ``column`` 0 says nothing.

    ``start`` is the line where the part begins that the mistake spoils.
    """

    def __init__(self, line: int, key: str, *, column: int = 0, start: int = 0, **values: object) -> None:
        self.line = line
        self.column = column
        self.key = key
        self.start = start or line
        self.values: dict[str, object] = {"start": self.start, **values}
        super().__init__(key)


# Behind the indentation, any dashes and the key: where a value begins.
_VALUE = r"^\s*(?:-\s+)*(?:[\w.-]+\s*:\s+)?"
_KEY = r"^\s*(?:-\s+)*[A-Za-z_][\w.-]*"
_ODD_SPACE = re.compile("[\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]")


def likely(lines: Sequence[str], told: YamlMistake) -> YamlMistake:
    """Return the mistake that the lines show, else the one that the parser told."""
    line = _line(lines, told.line)
    above = _above(lines, told.line)
    for look in _LOOKS:
        for number in dict.fromkeys((told.line, above, told.start)):
            if number and (found := look(_line(lines, number), number)) is not None:
                return found
    if told.key == "yaml.colon_missing":
        # The parser complains one line too late: the key that has no colon stands where the part begins.
        return YamlMistake(told.start, told.key)
    return _indentation(lines, told, line, above)


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _above(lines: Sequence[str], number: int) -> int:
    """Return the nearest line above that says something, 0 when there is none."""
    for other in range(min(number - 1, len(lines)), 0, -1):
        if (text := lines[other - 1].strip()) and not text.startswith("#"):
            return other
    return 0


def _tab(line: str, number: int) -> YamlMistake | None:
    if found := re.match(r"[ ]*\t", line):
        return YamlMistake(number, "yaml.tab", column=found.end())
    found = re.match(_KEY + r"\s*:[ ]*\t|^\s*-[ ]*\t", line)
    return YamlMistake(number, "yaml.tab_inside", column=found.end()) if found else None


def _odd_space(line: str, number: int) -> YamlMistake | None:
    found = _ODD_SPACE.search(line)
    return YamlMistake(number, "yaml.odd_space", column=found.start() + 1) if found else None


def _fence(line: str, number: int) -> YamlMistake | None:
    return YamlMistake(number, "yaml.fence") if line.lstrip().startswith("```") else None


def _template(line: str, number: int) -> YamlMistake | None:
    found = re.match(_VALUE + r"(?=\{[{%#])", line)
    return YamlMistake(number, "yaml.template_needs_quotes", column=found.end() + 1) if found else None


def _quote_inside(line: str, number: int) -> YamlMistake | None:
    # A value in quotes that goes on behind its closing quote.
    found = re.match(_VALUE + r"""(?:"(?:\\.|[^"\\])*"|'(?:''|[^'])*')(?=\s*[^\s,#:\]}])""", line)
    if found is None:
        return None
    is_template = "{{" in line or "{%" in line
    key = "yaml.quote_in_template" if is_template else "yaml.quote_inside"
    return YamlMistake(number, key, column=found.end())


def _dash_space(line: str, number: int) -> YamlMistake | None:
    found = re.match(r"^\s*-(?=[A-Za-z_][\w.]*\s*:)", line)
    return YamlMistake(number, "yaml.dash_space", column=found.end()) if found else None


def _colon_space(line: str, number: int) -> YamlMistake | None:
    found = re.match(_KEY + r":(?=[^\s/])(?!.*:\s)", line)
    return YamlMistake(number, "yaml.colon_space", column=found.end()) if found else None


def _colon_in_text(line: str, number: int) -> YamlMistake | None:
    found = re.match(_KEY + r"\s*:\s+(?![\"'\[{|>&*!#])[^#]*?:(?=\s|$)", line)
    return YamlMistake(number, "yaml.colon_in_text", column=found.end()) if found else None


def _bracket_extra(line: str, number: int) -> YamlMistake | None:
    if re.match(_VALUE + r"(?=[\[{])", line) is None:
        return None
    open_ones, pairs = [], {"]": "[", "}": "{"}
    bare = re.sub(r""""(?:\\.|[^"\\])*"|'[^']*'""", lambda quoted: "x" * len(quoted[0]), line)
    for column, sign in enumerate(bare, start=1):
        if sign in pairs.values():
            open_ones.append(sign)
        elif sign in pairs:
            if not open_ones:
                return YamlMistake(number, "yaml.bracket_extra", column=column, sign=sign)
            if open_ones.pop() != pairs[sign]:
                return YamlMistake(number, "yaml.bracket_wrong", column=column, sign=sign)
    return None


def _indentation(lines: Sequence[str], told: YamlMistake, line: str, above: int) -> YamlMistake:
    if told.key not in ("yaml.indentation", "yaml.colon"):
        return told
    depth, over = _depth(line), _line(lines, above)
    values = {"above": above, "depth": depth, "above_depth": _key_depth(over)}
    if line.lstrip().startswith("- ") and over and not over.lstrip().startswith("- ") and depth == _depth(over):
        return YamlMistake(told.line, "yaml.dash_wrong", start=told.start, **values)
    if depth == _key_depth(over) and line.lstrip().startswith("- ") and depth != _depth(over):
        return YamlMistake(told.line, "yaml.dash_wrong", start=told.start, **values)
    begin = _line(lines, told.start)
    if begin.lstrip().startswith("- ") and depth == _depth(begin) and told.start != told.line and line.strip():
        return YamlMistake(told.line, "yaml.dash_lost", start=told.start, **values)
    if told.key == "yaml.colon" and depth > _depth(over) and over:
        return YamlMistake(told.line, "yaml.indent_more", start=told.start, **values)
    return told


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _key_depth(line: str) -> int:
    """Return where the keys of ``- id: a`` stand."""
    found = re.match(r"^\s*(?:-\s+)*", line)
    return found.end() if found else 0


_LOOKS: tuple[Callable[[str, int], YamlMistake | None], ...] = (
    *(_fence, _tab, _odd_space, _template, _quote_inside, _bracket_extra, _dash_space, _colon_space),
    _colon_in_text,
)
