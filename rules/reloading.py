"""Rules that changed while the engine runs: what is new, changed, gone or wrong, and what becomes of runs under way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..core.texts import Texts
from ..core.types import Struct
from .holds import HoldBook
from .index import RuleIndex
from .rule import LoadedRules, Rule
from .running import Run
from .templates import TemplateBox

# The hub's other parts share the loop: an alert must not wait for a thousand templates.
_SLICE_S = 0.005


class ReloadReport(Struct):
    """Say what a reload did, by the rules' ids in the order of the files; ``cut_off`` counts runs that it ended."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    cut_off: int = 0


class Fates(NamedTuple):
    """Say which runs end, with the reason, and which begin by the rule as it is now."""

    cut: tuple[tuple[Run, str], ...]
    moved: tuple[tuple[Run, Rule], ...]


def compared(rules: Mapping[str, Rule], loaded: LoadedRules) -> ReloadReport:
    """Return what a reload changes."""
    wrong = tuple(dict.fromkeys(one.rule_id for one in loaded.problems))
    now = {rule.id: rule for rule in loaded.rules}
    same = {rule_id for rule_id, rule in now.items() if rule_id in rules and rules[rule_id].edition == rule.edition}
    return ReloadReport(
        new=tuple(rule_id for rule_id in now if rule_id not in rules),
        changed=tuple(rule_id for rule_id in now if rule_id in rules and rule_id not in same),
        gone=tuple(rule_id for rule_id in rules if rule_id not in now and rule_id not in wrong),
        unchanged=tuple(rule_id for rule_id in now if rule_id in same),
        wrong=wrong,
    )


def fates_of(runs: Iterable[Run], index: RuleIndex, wrong: Iterable[str], texts: Texts) -> Fates:
    """Decide what becomes of runs under way.

    A run goes on where its rule does the same as before. Where the steps changed, one that has not begun begins by
    the new ones, and one in the middle of them is cut off. A rule that became wrong says nothing about what it should
    do: a slip of the pen must not end an alert, so its runs go on by the steps that they know.
    """
    cut, moved, left = [], [], set(wrong)
    for run in runs:
        rule = index.rules.get(run.opened.rule.id)
        if rule is None:
            if run.opened.rule.id not in left:
                cut.append((run, texts("rules.run.rule_gone")))
        elif rule.fingerprint != run.opened.row.fingerprint:
            if run.has_begun:
                cut.append((run, texts("rules.run.rule_changed")))
            else:
                moved.append((run, rule))
    return Fates(tuple(cut), tuple(moved))


def drop_gone(holds: HoldBook, index: RuleIndex) -> None:
    """Forget the times of triggers that are gone or changed."""
    for owner in holds.owners():
        if ":" not in owner:
            holds.drop(owner, [mark for mark in holds.marks(owner) if index.holder(owner, mark) is None])


async def compile_all(box: TemplateBox, rules: Iterable[Rule]) -> None:
    """Compile every template of rules, a little at a time."""
    slice_ends_s = time.monotonic() + _SLICE_S
    for rule in rules:
        for source in rule.templates:
            box.compile(source)
            if time.monotonic() > slice_ends_s:
                await asyncio.sleep(0)
                slice_ends_s = time.monotonic() + _SLICE_S
