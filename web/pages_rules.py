"""The rules: which are on, what went wrong, and the last run step by step in words."""

from __future__ import annotations

from aiohttp import web

from ..core.types import Json, Struct, Trace, TraceStep
from .event_words import EventWords
from .parts import parts_of, visitor_of
from .wording import Wording

TRACES = 10

_STEP_TONES = {
    "done": "good",
    "true": "good",
    "false": "warning",
    "skipped": "off",
    "failed": "bad",
    "waiting": "warning",
}
_RUN_TONES = {
    "running": "warning",
    "finished": "good",
    "conditions_failed": "off",
    "failed": "bad",
    "cut_off": "bad",
    "dropped": "off",
}


class StepView(Struct):
    """Hold one step of a run in words. ``depth`` tells how deep it stands in the rule."""

    path: str
    what: str
    outcome: str
    tone: str
    time: str
    values: tuple[tuple[str, str], ...]
    error: str
    depth: int


class TraceView(Struct):
    """Hold one run in words."""

    run_id: str
    rule_id: str
    rule_name: str
    state: str
    tone: str
    time: str
    reason: str
    event_id: str
    steps: tuple[StepView, ...]


class TraceWords:
    """Say traces in one language."""

    def __init__(self, wording: Wording, words: EventWords) -> None:
        self._wording = wording
        self._words = words

    def trace(self, trace: Trace, rule_name: str) -> TraceView:
        """Return a run as a page shows it."""
        return TraceView(
            run_id=trace.run_id,
            rule_id=trace.rule_id,
            rule_name=rule_name,
            state=self._wording.texts(f"web.run.{trace.state}"),
            tone=_RUN_TONES[trace.state],
            time=self._wording.moment(trace.started_at),
            reason=self._reason(trace),
            event_id=trace.event_id or "",
            steps=tuple(self._step(step) for step in trace.steps),
        )

    def _reason(self, trace: Trace) -> str:
        key = f"web.dropped.{trace.reason}"
        if trace.state != "dropped" or not self._wording.texts.has(key):
            return trace.reason
        count: Json = trace.steps[0].values.get("count", 1) if trace.steps else 1
        return self._wording.texts(key, count=count)

    def _step(self, step: TraceStep) -> StepView:
        texts = self._wording.texts
        word = f"web.step.{step.what}"
        return StepView(
            path=step.path,
            what=texts(word) if texts.has(word) else step.what,
            outcome=texts(f"web.outcome.{step.outcome}"),
            tone=_STEP_TONES[step.outcome],
            time=self._wording.exact_time(step.at),
            values=tuple(
                (self._words.field(name), self._words.say(name, value)) for name, value in step.values.items()
            ),
            error=step.error,
            depth=min(step.path.count("."), 4),
        )


def trace_words(request: web.Request) -> TraceWords:
    """Return what says traces in the visitor's language."""
    parts, visitor = parts_of(request), visitor_of(request)
    return TraceWords(parts.wording(visitor), parts.words(visitor))


async def show_rules(request: web.Request) -> web.StreamResponse:
    """List the rules, those that are wrong first."""
    rules = sorted(await parts_of(request).engine.rules(), key=lambda rule: rule.is_on)
    return parts_of(request).page(request, "rules.html", {"rules": rules})


async def show_rule(request: web.Request) -> web.StreamResponse:
    """Show one rule with its newest runs and near misses."""
    parts, rule_id = parts_of(request), request.match_info["rule"]
    rule = next((rule for rule in await parts.engine.rules() if rule.id == rule_id), None)
    if rule is None:
        raise web.HTTPNotFound()
    said = trace_words(request)
    name = rule.alias or rule.id
    values = {
        "rule": rule,
        "traces": [said.trace(trace, name) for trace in await parts.engine.traces(rule_id, TRACES)],
        "misses": parts.engine.near_misses(rule_id),
        "words": parts.words(visitor_of(request)),
    }
    return parts.page(request, "rule.html", values)
