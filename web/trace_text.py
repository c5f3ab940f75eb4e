"""Runs of rules, and the rules themselves, as plain text for the command line, in the words of the pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..core.types import Trace
from ..rules.rule import RuleState
from .trace_words import StepView, TraceView, TraceWords
from .wording import Wording

_INDENT = "  "


def trace_text(traces: Sequence[Trace], rule_name: str, words: TraceWords, wording: Wording) -> str:
    """Return runs as text, in the order given: a line for the run, one for each step, the values that decided below."""
    return "\n\n".join("\n".join(_run(words.trace(trace, rule_name), wording)) for trace in traces)


def rules_text(states: Iterable[RuleState], wording: Wording) -> str:
    """Return the rules as text: id, whether it is on, how often it ran and when last; mistakes below."""
    return "\n".join(line for state in states for line in _rule(state, wording))


def _run(view: TraceView, wording: Wording) -> Iterator[str]:
    yield " · ".join(part for part in (view.time, view.state, view.reason) if part)
    if view.event_id:
        yield f"{_INDENT}{wording.texts('web.field.event')}: {view.event_id}"
    for step in view.steps:
        yield from _step(step)


def _step(step: StepView) -> Iterator[str]:
    indent = _INDENT * (step.depth + 1)
    yield f"{indent}{step.time}  {step.outcome:<12} {step.what}  [{step.path}]"
    for name, value in step.values:
        yield f"{indent}{_INDENT}{name}: {value}"
    if step.error:
        yield f"{indent}{_INDENT}! {step.error}"


def _rule(state: RuleState, wording: Wording) -> Iterator[str]:
    texts = wording.texts
    word = texts("web.rules.on" if state.is_on else "cli.rules.list.wrong" if state.problems else "web.rules.off")
    facts = [state.id, word, f"{state.file}:{state.line}"]
    if state.last_triggered is not None:
        facts.append(texts("cli.rules.list.ran", count=state.runs, when=wording.moment(state.last_triggered)))
    yield "  ".join(facts)
    for problem in state.problems:
        yield f"{_INDENT}{problem}"
