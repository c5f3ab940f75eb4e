"""The cheapest way to pair rows with columns, where most pairs are out of the question."""

from __future__ import annotations

import math
from collections.abc import Mapping

Pair = tuple[int, int]
# A knot of more rows than this is paired greedily: the exact way grows with the cube.
EXACT_ROWS = 24


def pair_up(costs: Mapping[Pair, float], refusal: float) -> list[Pair]:
    """Return disjoint (row, column) pairs of the least total cost; an unpaired row costs ``refusal``.

    ``costs`` holds only the pairs that are possible. Rows and columns that no chain of possible
    pairs connects are solved apart, so that a crowd is many small tables and not one large one.
    """
    pairs: list[Pair] = []
    for knot in _knots(costs):
        if len(knot) == 1:
            pairs += knot
        elif len({row for row, _ in knot}) > EXACT_ROWS:
            pairs += _greedy(knot)
        else:
            pairs += _exact(knot, refusal)
    return pairs


def _knots(costs: Mapping[Pair, float]) -> list[dict[Pair, float]]:
    by_row: dict[int, list[int]] = {}
    by_column: dict[int, list[int]] = {}
    for row, column in costs:
        by_row.setdefault(row, []).append(column)
        by_column.setdefault(column, []).append(row)
    knots, seen = [], set()
    for start in by_row:
        if start in seen:
            continue
        rows, waiting = set(), [start]
        while waiting:
            row = waiting.pop()
            if row not in rows:
                rows.add(row)
                waiting += [other for column in by_row[row] for other in by_column[column] if other not in rows]
        seen |= rows
        knots.append({(row, column): costs[row, column] for row in rows for column in by_row[row]})
    return knots


def _greedy(costs: Mapping[Pair, float]) -> list[Pair]:
    rows, columns, pairs = set(), set(), []
    for row, column in sorted(costs, key=costs.__getitem__):
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            pairs.append((row, column))
    return pairs


def _exact(costs: Mapping[Pair, float], refusal: float) -> list[Pair]:
    """Solve by shortest augmenting paths (Jonker and Volgenant, Computing 38, 1987).

    Each row has a column of its own that means "unpaired", so that a row is never forced.
    """
    rows = sorted({row for row, _ in costs})
    columns: list[int | None] = [*sorted({column for _, column in costs}), *(None for _ in rows)]
    width = len(columns)
    table = [
        [costs.get((row, column), math.inf) if column is not None else refusal for column in columns] for row in rows
    ]
    row_of = [-1] * width
    row_price, column_price = [0.0] * len(rows), [0.0] * width
    for row in range(len(rows)):
        _augment(row, table, row_of, row_price, column_price)
    return [(rows[row], column) for column, row in zip(columns, row_of, strict=True) if row >= 0 and column is not None]


def _augment(
    start: int, table: list[list[float]], row_of: list[int], row_price: list[float], column_price: list[float]
) -> None:
    width = len(row_of)
    shortest, came_from, is_done = [math.inf] * width, [-1] * width, [False] * width
    row, last, length = start, -1, 0.0
    reached = [start]
    while True:
        for column in range(width):
            if not is_done[column]:
                through = length + table[row][column] - row_price[row] - column_price[column]
                if through < shortest[column]:
                    shortest[column], came_from[column] = through, row
        last = min((c for c in range(width) if not is_done[c]), key=shortest.__getitem__)
        length = shortest[last]
        is_done[last] = True
        if row_of[last] < 0:
            break
        row = row_of[last]
        reached.append(row)
    row_price[start] += length
    for column in (c for c in range(width) if is_done[c]):
        column_price[column] += shortest[column] - length
        if row_of[column] >= 0:
            row_price[row_of[column]] += length - shortest[column]
    column = last
    while column >= 0:
        row = came_from[column]
        following = next((c for c in range(width) if row_of[c] == row), -1)
        row_of[column] = row
        column = following if row != start else -1
