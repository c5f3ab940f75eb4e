"""A desk that is killed after any of its commits: after the next start everything was told, and nothing twice."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).parents[2] / "alert_child.py"


def life(path, dies_after=0):
    return subprocess.run(
        [sys.executable, str(CHILD), str(path), str(dies_after)], capture_output=True, text=True, timeout=60
    )


def said(process):
    """Return what a whole life says at its end, without its number of commits, and that number."""
    assert process.returncode == 0, process.stderr
    *lines, commits = process.stdout.splitlines()
    return sorted(lines), int(commits.split()[1])


def test_an_evening_without_a_crash_tells_what_it_should(tmp_path):
    lines, _ = said(life(tmp_path / "siaga.db"))
    assert "incident banjir/kali closed 2 Pak Budi" in lines
    assert [line for line in lines if line.startswith("event")] == [
        "event incident.acknowledged banjir/kali",
        "event incident.closed banjir/kali",
        "event incident.escalated banjir/kali",
        "event incident.opened banjir/kali",
        "event incident.opened dua",
        "event incident.opened tiga",
    ]
    assert any(line.startswith("notice summary:") and "2 peringatan lain" in line for line in lines)
    assert len([line for line in lines if ":clip:" in line]) == 2


@pytest.mark.slow
def test_a_desk_killed_after_any_of_its_commits_tells_the_same(tmp_path):
    whole, commits = said(life(tmp_path / "whole.db"))
    # Every fifth, and another fifth each time: two processes for every one of them take a while.
    for number in range(random.randint(1, 5), commits, 5):
        path = tmp_path / f"{number}.db"
        first = life(path, number)
        # The last ones may be there or not, as the rounds fall.
        assert first.returncode == -signal.SIGKILL or number > commits - 3
        assert said(life(path))[0] == whole, f"killed after commit {number} of {commits}"
