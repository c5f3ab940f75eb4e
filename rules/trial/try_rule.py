"""Runs a rule's own tests on simulated time, and says in words what was not as expected, and why."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ...core.rule_contracts import Subject
from ...core.settings import Settings
from ...core.texts import Texts
from ...core.types import Event, Json, Struct, TraceStep, new_id
from ..engine import RuleEngine
from ..rule import LoadedRules, Rule
from ..template_functions import duration as in_words
from ..views import hidden
from .jumping_loop import JumpingLoop
from .stage import Deed, Stage, playing, set_stage
from .written import Expected, Known, RuleTest

# A day without holidays, school free or otherwise: the middle of a working day, when nothing special is.
_NOON = datetime(2026, 11, 25, 12, 0)
_AFTERWARDS_S = 3_600.0
# A delay of ten minutes is ten minutes, whatever a few turns of the loop took.
_SAME_TIME_S = 1.0
_TRACES_LOOKED_AT = 3


class TestResult(Struct):
    """Say how one test went; no ``faults`` when it passed. ``why`` says what decided."""

    __test__ = False  # no test of ours, whatever pytest takes it for

    rule_id: str
    test: RuleTest
    faults: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    deeds: tuple[Deed, ...] = ()

    @property
    def has_passed(self) -> bool:
        """Say whether everything was as expected."""
        return not self.faults


def try_rule(
    rule: Rule, settings: Settings, texts: Texts, functions: Mapping[str, Callable[..., Any]]
) -> tuple[TestResult, ...]:
    """Run every test of a rule, each on a stage of its own. Blocks; calls no camera and writes to nobody."""
    # A rule that is not switched on yet is the one whose tests are wanted most.
    switched_on = msgspec.structs.replace(rule, is_enabled=True)
    loaded = LoadedRules(rules=(switched_on,), template_functions=functions)
    results = []
    for test in rule.tests:
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            results.append(runner.run(_try(rule, test, settings, texts, loaded)))
    return tuple(results)


def result_text(result: TestResult, texts: Texts) -> str:
    """Return a result as lines: whether it passed, what was otherwise, and what decided."""
    word = texts("rules.tests.passed" if result.has_passed else "rules.tests.failed")
    head = f"{word}  {result.rule_id}: {result.test.name}  ({result.test.file}:{result.test.line})"
    return "\n".join([head, *(f"    {line}" for line in (*result.faults, *result.why))])


async def _try(rule: Rule, test: RuleTest, settings: Settings, texts: Texts, loaded: LoadedRules) -> TestResult:
    zone = ZoneInfo(settings.site.timezone)
    start = (test.at or _NOON).replace(tzinfo=zone).astimezone(timezone.utc)
    async with set_stage(settings, texts, start) as stage:
        for known in test.states:
            _put(stage, known)
        async with playing(stage, loaded) as engine:
            await _happen(stage, test)
            deeds = tuple(deed for deed in stage.deeds if deed.rule_id == rule.id)
            faults = tuple(_faults(test, deeds, texts))
            why = tuple(await _why(engine, rule.id, texts)) if faults else ()
    return TestResult(
        rule_id=rule.id, test=test, faults=shown(faults, rule), why=shown(why, rule), deeds=shown_deeds(deeds, rule)
    )


def shown(lines: Iterable[str], rule: Rule) -> tuple[str, ...]:
    """Return lines without what came by !secret."""
    return tuple(str(hidden(line, rule.secrets)) for line in lines)


def shown_deeds(deeds: Iterable[Deed], rule: Rule) -> tuple[Deed, ...]:
    """Return what was done without what came by !secret: results are read by many, and kept by who runs tests."""
    return tuple(
        msgspec.structs.replace(
            deed,
            target={key: tuple(shown(names, rule)) for key, names in deed.target.items()},
            data={key: hidden(value, rule.secrets) for key, value in deed.data.items()},
        )
        for deed in deeds
    )


def _put(stage: Stage, known: Known) -> None:
    subject = Subject(kind=known.kind, of=known.camera, zone=known.zone)
    stage.states.put(subject, known.value, known.data, stage.clock.now())


async def _happen(stage: Stage, test: RuleTest) -> None:
    clock = stage.clock
    for one in sorted(test.events, key=lambda happening: happening.after_s):
        await clock.sleep(max(0.0, one.after_s - clock.mono_s()))
        event = Event(
            id=new_id(),
            site=stage.settings.site.id,
            kind=one.kind,
            at=clock.now(),
            camera=one.camera,
            zone=one.zone,
            score=one.score,
            data=one.data,
        )
        await stage.emit(event)
    last_s = max((one.after_s for one in test.events), default=0.0)
    end_s = last_s + _AFTERWARDS_S if test.until_s is None else test.until_s
    # A little more, so that what is due at the very end is done.
    await clock.sleep(max(0.0, end_s - clock.mono_s()) + _SAME_TIME_S / 2)


# --- what was not as expected -------------------------------------------------------------------------


def _faults(test: RuleTest, deeds: Iterable[Deed], texts: Texts) -> Iterator[str]:
    is_log_expected = any(one.action == "log" for one in test.expect)
    done = [deed for deed in deeds if deed.action != "log" or is_log_expected]
    for number, (wanted, deed) in enumerate(zip(test.expect, done, strict=False), 1):
        if wanted.action != deed.action:
            yield texts("rules.tests.other", number=number, wanted=_said(wanted), done=deed_text(deed, texts))
            continue
        yield from _differences(wanted, deed, texts)
    for missing in test.expect[len(done) :]:
        yield texts("rules.tests.missing", what=_said(missing))
    for extra in done[len(test.expect) :]:
        yield texts("rules.tests.extra", what=deed_text(extra, texts), after=_time(extra.after_s, texts))


def _differences(wanted: Expected, deed: Deed, texts: Texts) -> Iterator[str]:
    targets = {key: list(names) for key, names in deed.target.items()}
    for part, want, got in (("target", wanted.target, targets), ("data", wanted.data, deed.data)):
        for key, value in want.items():
            if not _fits(value, got.get(key)):
                path = f"{part}.{key}"
                shown = {"path": path, "got": _json(got.get(key)), "wanted": _json(value)}
                yield texts("rules.tests.differs", action=wanted.action, **shown)
    if wanted.after_s is not None and abs(deed.after_s - wanted.after_s) > _SAME_TIME_S:
        times = {"got": _time(deed.after_s, texts), "wanted": _time(wanted.after_s, texts)}
        yield texts("rules.tests.at_other_time", action=wanted.action, **times)


def _fits(wanted: Json, got: Json) -> bool:
    """Say whether a value is as expected: dicts in part, one name for a list of one, ``*`` for anything."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(_fits(value, got.get(key)) for key, value in wanted.items())
    if isinstance(got, list | tuple):
        names = wanted if isinstance(wanted, list) else [wanted]
        return len(names) == len(got) and all(map(_fits, names, got))
    if isinstance(wanted, str) and "*" in wanted:
        pattern = ".*".join(re.escape(part) for part in wanted.split("*"))
        return re.fullmatch(pattern, str(got), re.DOTALL) is not None
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return bool(wanted == got)
    return wanted == got or (got is not None and not isinstance(got, bool) and str(wanted) == str(got))


async def _why(engine: RuleEngine, rule_id: str, texts: Texts) -> Iterator[str]:
    """Say what decided: failed steps and conditions of the newest runs, else what was near."""
    traces = await engine.traces(rule_id, _TRACES_LOOKED_AT)
    reasons = [reason for trace in traces for reason in reasons_of(trace.reason, trace.steps)]
    near = [f"{miss.trigger}: {miss.reason}" for miss in engine.near_misses(rule_id)]
    if not traces and not near:
        near = [texts("rules.tests.never_fired")]
    return iter(texts("rules.tests.why", why=why) for why in dict.fromkeys([*reasons, *near]))


def reasons_of(reason: str, steps: Iterable[TraceStep]) -> Iterator[str]:
    """Say what stopped a run: its own reason, and each step that failed or did not hold."""
    if reason:
        yield reason
    for step in steps:
        if step.outcome in ("false", "failed"):
            values = ", ".join(f"{key}: {_json(value)}" for key, value in step.values.items() if key != "not_held")
            yield ": ".join(part for part in (step.path, step.error or values) if part)


# --- words --------------------------------------------------------------------------------------------


def _said(wanted: Expected) -> str:
    return " ".join(part for part in (wanted.action, _json(wanted.target), _json(wanted.data)) if part)


def deed_text(deed: Deed, texts: Texts) -> str:
    """Return what was done, in one line."""
    targets = {key: list(names) for key, names in deed.target.items()}
    message = {key: deed.data[key] for key in ("message", "preset", "title") if deed.data.get(key)}
    return " ".join(part for part in (deed.action, _json(targets), _json(message)) if part)


def _json(value: Json) -> str:
    if value in ({}, None):
        return "" if value == {} else "-"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return ", ".join(_json(item) for item in value)
    return str(value)


def _time(seconds: float, texts: Texts) -> str:
    return in_words(seconds, language=texts.language) if seconds >= 1 else texts("rules.tests.begin")
