"""How rules are told to pages and the command line: those that are right with their figures, the wrong with why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from .rule import Rule, RuleProblem, RuleState
from .run_log import Figures


def rule_states(
    rules: Iterable[Rule],
    problems: Iterable[RuleProblem],
    figures: Mapping[str, Figures],
    running: Callable[[str], int] = lambda _rule_id: 0,
) -> tuple[RuleState, ...]:
    """Return every rule of the files, in their order; a wrong one once, with all that is wrong with it."""
    states = [_right(rule, figures.get(rule.id), running(rule.id)) for rule in rules]
    wrong: dict[str, list[RuleProblem]] = {}
    for problem in problems:
        wrong.setdefault(problem.rule_id, []).append(problem)
    states += [_wrong(rule_id, found) for rule_id, found in wrong.items()]
    return tuple(sorted(states, key=lambda state: (state.file, state.line)))


def _right(rule: Rule, figures: Figures | None, running: int) -> RuleState:
    return RuleState(
        id=rule.id,
        alias=rule.alias,
        file=rule.file,
        line=rule.line,
        is_on=rule.is_enabled,
        mode=rule.mode,
        description=rule.description,
        last_triggered=figures.last_at if figures else None,
        runs=figures.runs if figures else 0,
        running=running,
    )


def _wrong(rule_id: str, found: list[RuleProblem]) -> RuleState:
    first = found[0]
    return RuleState(
        id=rule_id,
        alias=first.alias,
        file=first.file,
        line=first.line,
        is_on=False,
        problems=tuple(one.problem for one in found),
    )
