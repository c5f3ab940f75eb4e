"""The pieces of a YAML text that can be left out on their own: a list's items, a mapping's keys and the lists below."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Piece(NamedTuple):
    """Hold the lines of one piece, from ``first`` to before ``after`` (from 0), and what it is.

    ``key`` names the key of a mapping that it is, or whose list holds it; empty for the items of a file that is a list.
    """

    first: int
    after: int
    key: str
    is_item: bool


def piece_at(lines: Sequence[str], number: int) -> Piece | None:
    """Return the piece that line ``number`` (from 1) stands in, None where the text has no pieces."""
    tops = [at for at, line in enumerate(lines) if line[:1].strip() and line[0] not in "#%" and line[:3] != "---"]
    if not tops:
        return None
    is_list = _is_item(lines[tops[0]])
    starts = [at for at in tops if _is_item(lines[at]) == is_list]
    found = _around(starts, number - 1, len(lines))
    if found is None:
        return None
    first, after = found
    if is_list:
        return Piece(first, after, "", True)
    key = re.match(r"[^:\s]+", lines[first])
    name = key[0] if key else ""
    dashes = [at for at in range(first + 1, after) if _is_item(lines[at].lstrip(" "))]
    if dashes:
        depth = min(len(lines[at]) - len(lines[at].lstrip(" ")) for at in dashes)
        # Only a list right below the key: `rules:` and its items, not a list deep in one camera.
        body = next((line for line in lines[first + 1 : after] if line.strip() and line.lstrip()[0] != "#"), "")
        if _is_item(body[depth:]) and not body[:depth].strip():
            items = [at for at in dashes if lines[at][:depth] == " " * depth and lines[at][depth] == "-"]
            inner = _around(items, number - 1, after)
            if inner is not None:
                return Piece(*inner, name, True)
    return Piece(first, after, name, False)


def _around(starts: Sequence[int], at: int, end: int) -> tuple[int, int] | None:
    before = [start for start in starts if start <= at]
    if not before:
        return None
    return before[-1], next((start for start in starts if start > at), end)


def _is_item(line: str) -> bool:
    # "-id: a" as well: it was meant as one.
    return re.match(r"-(\s|$|\w)", line) is not None
