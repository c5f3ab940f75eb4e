"""What a measurement says: figures with their units and goals, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ..core.types import Struct

NOT_REAL = "not measured on real footage"


class Figure(Struct):
    """One figure. ``value`` None: there is no footage for it. ``goal`` as ``<= 1.5``, empty where there is none."""

    name: str
    value: float | None
    unit: str = ""
    goal: str = ""

    @property
    def is_met(self) -> bool | None:
        """Say whether the goal is met; None where there is no goal or no figure."""
        if not self.goal or self.value is None:
            return None
        sign, bound = self.goal.split()
        return self.value <= float(bound) if sign == "<=" else self.value >= float(bound)

    @property
    def shown(self) -> str:
        """Return the value as people read it."""
        if self.value is None:
            return NOT_REAL
        digits = 3 if abs(self.value) < 1 else 2 if abs(self.value) < 100 else 0
        return f"{self.value:.{digits}f} {self.unit}".strip()


class Report(Struct):
    """What one detector is worth on some footage. ``footage`` names the data, ``count`` says how much of it."""

    detector: str
    footage: str
    count: str
    figures: tuple[Figure, ...]


def table(reports: Iterable[Report]) -> str:
    """Return reports as a table in Markdown."""
    lines = ["| detector | footage | figure | measured | goal |", "| --- | --- | --- | --- | --- |"]
    for report in reports:
        name, footage = f"`{report.detector}`", f"{report.footage} ({report.count})"
        for figure in report.figures:
            missed = " **missed**" if figure.is_met is False else ""
            lines.append(f"| {name} | {footage} | {figure.name} | {figure.shown}{missed} | {figure.goal} |")
            name = footage = ""
    return "\n".join(lines) + "\n"


def as_json(reports: Iterable[Report]) -> bytes:
    """Return reports as JSON that ``from_json`` reads again."""
    return msgspec.json.format(msgspec.json.encode(list(reports)), indent=2)


def from_json(content: bytes) -> list[Report]:
    """Return the reports of a JSON file. msgspec.MsgspecError where it is none."""
    return msgspec.json.decode(content, type=list[Report])
