"""When a reader lets pictures gather: only behind a read that waited, and never more than the network holds."""

from __future__ import annotations

from siaga.core.media.reader_pauses import Pauses


def read(picture_bytes: int, apart_s: float, seconds: float = 5.0) -> list[tuple[float, float]]:
    """Read a steady camera; return (how late the picture was read, the pause that followed) of each."""
    pauses, now_s, found = Pauses(), 0.0, []
    for number in range(round(seconds / apart_s)):
        there_s, asked_s = number * apart_s, now_s
        now_s = max(now_s + 0.0005, there_s)
        pause_s = pauses.pause_s(picture_bytes, asked_s, now_s)
        found.append((now_s - there_s, pause_s))
        now_s += pause_s
    return found


def test_pictures_gather_four_or_five_at_a_time_and_none_gets_old():
    found = read(5000, 0.1)
    assert 0.15 < sum(pause_s > 0 for _, pause_s in found) / len(found) < 0.3
    assert max(late_s for late_s, _ in found) < 0.41


def test_a_busy_stream_gathers_no_more_than_a_network_window():
    found = read(20_000, 0.04)  # 4 Mbit/s
    assert any(pause_s for _, pause_s in found)
    assert max(pause_s for _, pause_s in found) / 0.04 * 20_000 < 64_000
    assert not any(pause_s for _, pause_s in read(100_000, 0.04)), "20 Mbit/s are read as they come"


def test_a_stream_slower_than_the_pause_is_not_paused():
    assert not any(pause_s for _, pause_s in read(5000, 0.5))
