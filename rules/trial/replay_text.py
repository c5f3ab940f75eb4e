"""A dry run in plain words, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from ...core.texts import Texts
from .replay import DryRun, Reaction
from .try_rule import deed_text, reasons_of


def replay_lines(found: DryRun, zone: ZoneInfo, texts: Texts) -> Iterator[str]:
    """Return what a rule would have done and why not, each with its local time, and a summary."""
    yield from _missing(found, zone, texts)
    for reaction in found.reactions:
        yield from _lines(reaction, zone, texts)
    if found.left_out:
        yield texts("rules.replay.left_out", count=found.left_out)
    yield texts("rules.replay.summary", rule=found.rule_id, events=found.looked_at, ran=found.counts.get("ran", 0))
    for outcome, number in found.counts.items():
        if outcome != "ran":
            yield f"    {number} × {texts(f'rules.replay.{outcome}')}"


def _missing(found: DryRun, zone: ZoneInfo, texts: Texts) -> Iterator[str]:
    """Say which part of the span could not be played: "nothing happened" would be a lie there."""
    begins = found.recorded_since
    if begins is None or begins >= found.until:
        yield texts("rules.replay.empty")
    elif begins > found.since:
        yield texts("rules.replay.begins", at=_time(begins, zone))
    if found.gone:
        yield texts("rules.replay.gone", count=found.gone)


def _lines(reaction: Reaction, zone: ZoneInfo, texts: Texts) -> Iterator[str]:
    where = "/".join(part for part in (reaction.camera, reaction.zone) if part)
    what = texts(f"rules.replay.{reaction.outcome}")
    yield "  ".join(part for part in (_time(reaction.at, zone), reaction.kind, where, what) if part)
    for deed in reaction.deeds:
        yield f"    {_time(deed.at, zone)}  {deed_text(deed, texts)}"
    if reaction.outcome == "near":
        yield f"    {reaction.trigger}: {reaction.reason}"
    elif reaction.outcome in ("ran", "conditions_failed"):
        yield from (f"    {texts('rules.tests.why', why=why)}" for why in reasons_of(reaction.reason, reaction.steps))
    if reaction.state == "running":
        yield f"    {texts('rules.replay.running')}"


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
