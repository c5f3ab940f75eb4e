"""Measures the rule engine, prints a table and writes bench/results/rules.json: ``python -m bench rules``."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

# name of a figure, its key, what it must reach, and whether more is better
GOALS: tuple[tuple[str, str, float | None, bool], ...] = (
    ("events a second, deciding alone, one core", "decided_events_per_s", 30_000, True),
    ("events a second with journal and trace", "events_per_s_with_journal_and_trace", 3_000, True),
    ("event to first action at 200 a second, p50 ms", "event_to_action_p50_ms", None, False),
    ("event to first action at 200 a second, p99 ms", "event_to_action_p99_ms", 20, False),
    ("1,000 rules read, s", "load_1000_rules_s", None, False),
    ("1,000 changed rules read and swapped in a running engine, s", "reload_1000_rules_s", 2, False),
    ("the swap alone, s", "reload_swap_s", None, False),
    ("the longest that the loop is held meanwhile, ms", "reload_longest_loop_hold_ms", None, False),
    ("the slowest event to action meanwhile, ms", "reload_event_to_action_max_ms", None, False),
    ("events missed meanwhile", "reload_events_missed", 0, False),
    ("events met twice meanwhile", "reload_events_met_twice", 0, False),
)


def measure(results: Path, about: dict[str, Any]) -> None:
    """Measure, write and print."""
    # Here, because the tests' hub is on the path only for this part.
    from . import rules_live, rules_speed

    figures = rules_speed.figures()
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as folder:
        figures |= asyncio.run(rules_live.measure_live(Path(folder)))
    results.mkdir(exist_ok=True)
    (results / "rules.json").write_text(json.dumps({"about": about, **figures}, indent=2) + "\n")
    print(f"{'figure':60} {'measured':>10} {'goal':>8}")
    for name, key, goal, is_more_better in GOALS:
        value = figures[key]
        is_met = goal is None or (value >= goal if is_more_better else value <= goal)
        verdict = "" if goal is None else ("  ok" if is_met else "  MISSED")
        print(f"{name:60} {value:>10,} {'' if goal is None else f'{goal:,}':>8}{verdict}")
