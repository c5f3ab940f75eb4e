"""What is left when the hub is killed without a word, at any moment: all that was committed, once."""

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from siaga.core.bus import Bus
from siaga.core.event_log import EventLog
from siaga.core.journal import Journal

CHILD = Path(__file__).with_name("outbox_child.py")


def spine(folder, on_unsure, count):
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), on_unsure, str(count)], stdout=subprocess.PIPE, text=True
    )


def kill_after(folder, on_unsure, lines):
    """Run a spine, kill -9 it after so many lines, and return what it said it had kept."""
    process = spine(folder, on_unsure, 500)
    said = [process.stdout.readline().split() for _ in range(lines)]
    process.kill()
    said += [line.split() for line in process.stdout.read().splitlines()]
    process.wait(10)
    return [line[1:] for line in said if line and line[0] == "kept" and len(line) == 3]


def run_to_the_end(folder, on_unsure):
    process = spine(folder, on_unsure, 0)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and out.split() == ["ready", "done"]


@pytest.mark.slow
@pytest.mark.parametrize("on_unsure", ["resend", "hold"])
async def test_after_kill_9_nothing_kept_is_lost_and_nothing_is_doubled_beyond_the_rule(tmp_path, on_unsure):
    kept = []
    for _ in range(4):
        kept += kill_after(tmp_path, on_unsure, random.randint(2, 120))
    run_to_the_end(tmp_path, on_unsure)

    arrived = Counter((tmp_path / "arrived.txt").read_text().split())
    journal = await Journal.open(tmp_path / "siaga.db")
    try:
        events = await EventLog.open(journal, Bus())
        in_log = {c.event.id for c in await events.after(0, limit=10_000)}
        rows = await journal.read(
            lambda db: {
                key: (state, tries, again)
                for key, state, tries, again in db.conn.execute(
                    "select key, state, body ->> '$.attempts', body ->> '$.resends' from notices"
                )
            }
        )
        told = len(await events.find(kind="notice.failed", limit=1000))
    finally:
        await journal.close()

    assert {event_id for event_id, _ in kept} <= in_log
    assert {key for _, key in kept} <= rows.keys()
    failed = {key for key, (state, _, _) in rows.items() if state == "failed"}
    assert all(count <= 1 + rows[key][2] for key, count in arrived.items()), "sent twice without being unsure"
    if on_unsure == "resend":
        assert arrived.keys() == rows.keys() and not failed
    else:
        assert max(arrived.values()) == 1
        assert rows.keys() - arrived.keys() <= failed, "what did not arrive is told, not forgotten"
        assert told == len(failed)
