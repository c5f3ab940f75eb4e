"""What a run of a rule did, step by step, in the words of the person who wrote or reads the rule."""

from __future__ import annotations

from ..core.types import Json, Struct, Trace, TraceStep
from .event_words import EventWords
from .wording import Wording

# Numbers that only a program needs, and what a rule's writer set for the sender alone.
_UNSAID = {
    "track",
    "box",
    "clip",
    "clips",
    "snapshot",
    "images",
    "already",
    "expires",
    "priority",
    "late_s",
    "result",
    "chosen",
    "incident",
    "group",
    "title",
    "escalate",
}

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
    version: str


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
            version=f"{trace.run_id}:{trace.state}:{len(trace.steps)}",
            steps=tuple(self._step(step) for step in trace.steps) if trace.state != "dropped" else (),
        )

    def _reason(self, trace: Trace) -> str:
        if trace.state != "dropped" or not trace.steps:
            return trace.reason
        # The engine's own sentence is in the site's language; its one step holds what to say in the reader's.
        dropped = trace.steps[0]
        key = f"web.dropped.{dropped.what}"
        count: Json = dropped.values.get("count", 1)
        return self._wording.texts(key, count=count) if self._wording.texts.has(key) else trace.reason

    def _step(self, step: TraceStep) -> StepView:
        texts = self._wording.texts
        word = f"web.step.{step.what}"
        return StepView(
            path=step.path,
            what=texts(word) if texts.has(word) else step.what,
            outcome=texts(f"web.outcome.{step.outcome}"),
            tone=_STEP_TONES[step.outcome],
            time=self._wording.exact_time(step.at),
            values=self._values(step),
            error=step.error,
            depth=min(step.path.count("."), 4),
        )

    def _values(self, step: TraceStep) -> tuple[tuple[str, str], ...]:
        flat: dict[str, Json] = {}
        for name, value in step.values.items():
            # ``target`` and ``data`` are a step as it was written; a template's value bears its whole path.
            inner = (
                value if name in {"target", "data"} and isinstance(value, dict) else {name.rpartition(".")[2]: value}
            )
            for key, content in inner.items():
                flat.setdefault(key, content)
        if isinstance(flat.get("to"), list):
            flat["sent_to"] = [_way(item) for item in flat.pop("to")]
        said = {
            self._words.field(key): self._words.say(key, value)
            for key, value in flat.items()
            if key not in _UNSAID and value not in (None, "", [], {})
        }
        return tuple(said.items())


def _way(sent: Json) -> str:
    """Return the notifier of ``notifier:address``: numbers of people stand with the notice, not in a trace."""
    return str(sent).partition(":")[0]
