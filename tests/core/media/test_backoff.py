"""How those who failed together come back: spread, later each time, and at once again after a healthy time."""

from siaga.core.media.backoff import Backoff


def test_a_hundred_that_lose_one_link_do_not_come_back_in_one_second():
    waits = sorted(Backoff(3.0, 60.0, least=0.15).wait_s() for _ in range(100))
    busiest = max(sum(1 for wait in waits if begin <= wait < begin + 0.5) for begin in waits)
    assert waits[-1] - waits[0] > 1.5
    assert busiest < 45
    assert sum(waits) / 100 < 2.2  # and a single one is not kept waiting


def test_waits_double_to_the_longest_and_start_anew_after_a_healthy_time():
    backoff = Backoff(1.0, 8.0)
    waits = [backoff.wait_s() for _ in range(6)]
    assert all(0.75 * top <= wait <= top for wait, top in zip(waits, [1, 2, 4, 8, 8, 8], strict=True))
    assert backoff.wait_s(ran_s=120.0) <= 1.0
