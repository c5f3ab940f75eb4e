"""What becomes of a run when the hub is killed with -9: it goes on, nothing is lost, nothing is told twice."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hub_for_rules import close_hub, event, open_hub, read_rules, until

from siaga.core.clock import ManualClock
from siaga.rules.engine import RuleEngine

CHILD = Path(__file__).resolve().parent.parent / "rules_child.py"
ORDER_CHILD = CHILD.parent / "rules_order_child.py"
POINTS = [
    "before the engine",
    "run opened",
    "before ptz",
    "after ptz",
    "after burst",
    "in the delay",
    "before notice",
    "after notice",
]


def child(folder, point, events=0):
    return subprocess.run(
        [sys.executable, str(CHILD), str(folder), point, str(events)], capture_output=True, text=True, timeout=60
    )


def told(answer):
    lines = answer.stdout.splitlines()
    assert lines and lines[-1] == "done", answer.stderr[-2000:]
    notices = [line.split()[1:] for line in lines if line.startswith("notice")]
    return [line.split()[0] for line in lines[:-1] if not line.startswith("notice")], notices


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_was_killed_goes_on_and_alerts_once(point, tmp_path):
    assert child(tmp_path, point, 1).returncode == -signal.SIGKILL
    states, notices = told(child(tmp_path, "nowhere"))
    assert states == ["finished"]
    assert len(notices) == 2 and notices[0] == notices[1]  # one for each address, of one mind
    moves = (tmp_path / "ptz.txt").read_text().splitlines()
    assert moves == ["pintu-air"] * (2 if point == "after ptz" else 1)


@pytest.mark.slow
def test_a_hub_that_dies_at_every_point_in_turn_still_tells_each_event_once(tmp_path):
    for point in POINTS:
        assert child(tmp_path, point, 2).returncode == -signal.SIGKILL
    states, notices = told(child(tmp_path, "nowhere"))
    assert states == ["finished"] * 16
    counts = Counter(notice[0] for notice in notices)
    assert len(counts) == 16 and set(counts.values()) == {2}


@pytest.mark.slow
@pytest.mark.parametrize("commits", [(1,), (4,), (9,), (14,), (19,), (24,), (3, 6, 9), (12, 5, 7, 2)])
def test_queues_times_and_waits_survive_a_kill_at_any_commit_each_once_and_in_their_order(commits, tmp_path):
    def live(commit):
        command = [sys.executable, str(ORDER_CHILD), str(tmp_path), str(commit)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    for commit in commits:
        answer = live(commit)
        assert answer.returncode in (0, -signal.SIGKILL), answer.stderr[-2000:]
    told = live(0).stdout.splitlines()
    assert told[-1] == "done"
    assert [line for line in told if line.startswith("antre")] == [f"antre {n}" for n in range(4)]
    # A run whose delay was over before the next event was met has told by right; none twice, and the last one always.
    again = [line for line in told if line.startswith("ulang")]
    assert again == sorted(set(again)) and again[-1] == "ulang 3"
    others = sorted(line for line in told[:-1] if not line.startswith(("antre", "ulang")))
    assert others == ["tahan 1", "tunggu True 9"]


WAITING = """
- id: aturan
  triggers: [{trigger: event, kind: object.person}]
  actions:
    - {delay: 600}
    - {action: notify, target: {contact: lurah}, data: {message: x}}
"""


async def interrupted(folder, away_s, rules=WAITING):
    """Open a run that waits, leave, come back after some time with rules that may have changed."""
    hub = await open_hub(folder / "siaga.db")
    engine = RuleEngine(hub, read_rules(WAITING, folder))
    await engine.start()
    await hub.emit(event("object.person"))

    async def is_waiting():
        traces = await engine.traces("aturan")
        return traces and traces[0].steps[-1].outcome == "waiting"

    await until(is_waiting)
    later = hub.clock.now() + timedelta(seconds=away_s)
    await close_hub(hub, engine)
    hub = await open_hub(folder / "siaga.db", ManualClock(later))
    engine = RuleEngine(hub, read_rules(rules, folder))
    await engine.start()
    await asyncio.sleep(0.05)
    return hub, engine


async def test_a_delay_keeps_its_deadline_over_a_restart(tmp_path):
    hub, engine = await interrupted(tmp_path, 400)
    await hub.clock.advance(199)
    await asyncio.sleep(0.05)
    assert not await hub.outbox.all()
    await hub.clock.advance(1)
    await until(hub.outbox.all)
    await close_hub(hub, engine)


async def test_a_new_alias_does_not_cut_a_run_off(tmp_path):
    hub, engine = await interrupted(tmp_path, 700, WAITING.replace("- id: aturan", "- id: aturan\n  alias: Baru"))
    await until(hub.outbox.all)
    await close_hub(hub, engine)


CUTS = {
    "rule changed": (400, WAITING.replace("message: x", "message: y"), "aturan diubah"),
    "rule removed": (400, WAITING.replace("id: aturan", "id: lain"), "dihapus atau dimatikan"),
    "rule off": (400, WAITING.replace("- id: aturan", "- id: aturan\n  enabled: false"), "dihapus atau dimatikan"),
    "away too long": (600 + 3700, WAITING, "terlalu lambat"),
}


@pytest.mark.parametrize(("away_s", "rules", "reason"), CUTS.values(), ids=CUTS)
async def test_a_run_that_cannot_go_on_is_cut_off_and_says_why(away_s, rules, reason, tmp_path):
    hub, engine = await interrupted(tmp_path, away_s, rules)
    (trace,) = await engine.traces("aturan")
    assert trace.state == "cut_off" and reason in trace.reason
    await hub.clock.advance(4000)
    await asyncio.sleep(0.05)
    assert not await hub.outbox.all()
    await close_hub(hub, engine)
