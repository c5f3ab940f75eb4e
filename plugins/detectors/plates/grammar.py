"""How an Indonesian plate is written, and the most likely plate behind the letters that a net half sees.

One or two letters of an area, one to four digits without a leading nought, up to three letters. A net that reads text
of every kind does not know that: its letters are weighed by what may look alike (a printed O and a nought), and only
what the grammar allows at each place is followed. The search is prefix beam search over the net's columns (Hannun and
others, "First-pass large vocabulary continuous speech recognition using bi-directional recurrent DNNs", 2014).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# The police's codes of areas in use (Peraturan Kapolri 7/2021), with the diplomats' CC and CD.
_CODES = (
    "A B D E F G H K L M N P R S T W Z "
    "AA AB AD AE AG BA BB BD BE BG BH BK BL BM BN BP CC CD DA DB DC DD DE DG DH DK DL DM DN DP DR DT DW "
    "EA EB ED KB KH KT KU PA PB PD PE PG PS PT"
)
AREAS = frozenset(_CODES.split())
LETTERS, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
SYMBOLS = LETTERS + DIGITS
_MOST_DIGITS, _MOST_SERIES = 4, 3
# What a reader may have seen for what is printed: how much its belief in the one counts for the other.
_ALIKE: Mapping[str, Mapping[str, float]] = {
    "O": {"0": 0.8, "Q": 0.3, "D": 0.1, "Ø": 1.0},
    "0": {"O": 0.9, "o": 0.9, "Ø": 1.0, "Q": 0.3, "D": 0.2},
    "I": {"1": 0.6, "l": 0.8, "|": 0.5},
    "1": {"I": 0.9, "l": 0.9, "|": 0.6, "i": 0.6, "7": 0.03},
    "B": {"8": 0.5, "3": 0.05},
    "8": {"B": 0.6, "3": 0.05},
    "S": {"5": 0.5},
    "5": {"S": 0.7, "s": 0.7},
    "Z": {"2": 0.5},
    "2": {"Z": 0.7, "z": 0.7},
    "G": {"6": 0.4, "C": 0.1},
    "6": {"G": 0.6, "b": 0.4},
    "D": {"0": 0.2, "O": 0.15},
    "Q": {"O": 0.2, "0": 0.15},
    "A": {"4": 0.3},
    "4": {"A": 0.5},
    "T": {"7": 0.2},
    "7": {"T": 0.5},
    "9": {"g": 0.5, "q": 0.3},
}
_SMALL = 0.9  # a small letter for a capital one
_FAINT = 1e-5
_BEAM = 16
# Columns whose belief went to something that is no plate's letter cost this much instead of ending every reading.
_FOREIGN = 0.02


class Plate(NamedTuple):
    """A reading: ``number`` without blanks, and how much of the likelihood of all readings it has, 0..1."""

    number: str
    confidence: float

    @property
    def area(self) -> str:
        """Return the letters of the area."""
        return _pieces(self.number)[0]


def is_plate(number: str) -> bool:
    """Say whether a text without blanks is written as a plate is."""
    area, digits, series = _pieces(number)
    return (
        area in AREAS
        and digits.isdigit()
        and digits.isascii()
        and not digits.startswith("0")
        and 1 <= len(digits) <= _MOST_DIGITS
        and len(series) <= _MOST_SERIES
    )


def _pieces(text: str) -> tuple[str, str, str]:
    """Return the area, the digits and the series of a plate or of its beginning."""
    area = text.rstrip(LETTERS).rstrip(DIGITS) or (text if text.isalpha() else "")
    rest = text[len(area) :]
    digits = rest.rstrip(LETTERS)
    return area, digits, rest[len(digits) :]


def weights(signs: Sequence[str]) -> NDArray[np.float32]:
    """Return a matrix [signs of the net, 36] that turns its beliefs into those in letters and digits of a plate."""
    at = {sign: number for number, sign in enumerate(signs)}
    matrix = np.zeros((len(signs), len(SYMBOLS)), np.float32)
    for column, symbol in enumerate(SYMBOLS):
        seen = {symbol: 1.0, symbol.lower(): _SMALL, **_ALIKE.get(symbol, {})}
        for sign, weight in seen.items():
            if sign in at:
                matrix[at[sign], column] = max(float(matrix[at[sign], column]), weight)
    return matrix


def most_likely(beliefs: NDArray[np.float32], blank: NDArray[np.float32]) -> Plate | None:
    """Return the likeliest plate of a line, None where none is likely at all.

    ``beliefs`` is [columns, 36] as ``weights`` gives them, ``blank`` [columns] the belief in nothing or a gap.
    """
    foreign = np.clip(1.0 - blank - beliefs.max(axis=1, initial=0.0), 0.0, 1.0)
    nothing = blank + _FOREIGN * foreign
    # For each beginning: the likelihood that it ends here in a gap, and that it ends in its last letter.
    beam: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    scale = 0.0
    for row, gap in zip(beliefs, nothing, strict=True):
        beam, shrunk = _step(beam, row, float(gap))
        if not beam:
            return None
        scale += shrunk
    ends = {text: sum(odds) for text, odds in beam.items() if is_plate(text)}
    if not ends:
        return None
    number = max(ends, key=ends.__getitem__)
    total = sum(sum(odds) for odds in beam.values())
    # How well the columns fit at all: noise fits every plate as badly.
    fit = math.exp((scale + math.log(max(ends[number], 1e-300))) / max(len(number), 1))
    return Plate(number, round(min(1.0, ends[number] / total * min(1.0, 2 * fit)), 3))


def _step(
    beam: Mapping[str, tuple[float, float]], row: NDArray[np.float32], gap: float
) -> tuple[dict[str, tuple[float, float]], float]:
    grown: dict[str, tuple[float, float]] = {}

    def add(text: str, in_gap: float, in_letter: float) -> None:
        before = grown.get(text, (0.0, 0.0))
        grown[text] = (before[0] + in_gap, before[1] + in_letter)

    for text, (in_gap, in_letter) in beam.items():
        add(text, (in_gap + in_letter) * gap, in_letter * float(row[SYMBOLS.index(text[-1])]) if text else 0.0)
        for column in _next(text):
            belief = float(row[column])
            if belief < _FAINT:
                continue
            is_twice = bool(text) and SYMBOLS[column] == text[-1]
            add(text + SYMBOLS[column], 0.0, (in_gap if is_twice else in_gap + in_letter) * belief)
    best = sorted(grown.items(), key=lambda one: sum(one[1]), reverse=True)[:_BEAM]
    total = sum(sum(odds) for _, odds in best)
    if total <= 0:
        return {}, 0.0
    return {text: (odds[0] / total, odds[1] / total) for text, odds in best}, math.log(total)


@cache
def _next(text: str) -> tuple[int, ...]:
    """Return the columns of what may follow a beginning of a plate."""
    area, digits, series = _pieces(text)
    allowed = ""
    if not digits:
        allowed = "".join(sign for sign in LETTERS if any(code.startswith(area + sign) for code in AREAS))
        allowed += DIGITS[1:] if area in AREAS else ""
    elif not series:
        allowed = (DIGITS if len(digits) < _MOST_DIGITS else "") + LETTERS
    elif len(series) < _MOST_SERIES:
        allowed = LETTERS
    return tuple(SYMBOLS.index(sign) for sign in allowed)
