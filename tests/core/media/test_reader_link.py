"""How far a stream has fallen behind, and whether the link is why."""

import random

import pytest

from siaga.core.media.reader_link import LinkWatch


def watched(pictures):
    watch = LinkWatch()
    watch.begin()
    for stamp_s, size, arrived_s in pictures:
        watch.take(stamp_s, size, arrived_s)
    return watch


def made(seconds, seed=1):
    """Return pictures of a camera: a large one each second, small ones of many sizes between, ten a second."""
    sizes = random.Random(seed)
    for number in range(seconds * 10):
        yield number / 10, 40_000 if number % 10 == 0 else sizes.randint(1_000, 12_000)


def narrow(seconds, bytes_per_s):
    free_s = 100.0
    for stamp_s, size in made(seconds):
        free_s = max(free_s, 100.0 + stamp_s) + size / bytes_per_s
        yield stamp_s, size, free_s


def test_a_link_that_carries_all_is_on_time():
    watch = watched(
        (stamp_s, size, 100 + stamp_s + random.Random(stamp_s).random() * 0.3) for stamp_s, size in made(60)
    )
    assert watch.lag_s < 0.5
    assert not watch.is_full


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_a_link_that_carries_less_than_comes_falls_behind_and_is_blamed(share):
    needed = sum(size for _, size in made(60)) / 60
    watch = watched(narrow(60, needed * share))
    assert watch.lag_s > 3
    assert watch.is_full


def test_stamps_that_run_slower_than_time_are_no_fault_of_the_link():
    watch = watched((stamp_s * 0.8, size, 100 + stamp_s) for stamp_s, size in made(120))
    assert watch.lag_s > 3
    assert not watch.is_full


def test_a_pause_that_is_caught_up_with_is_forgotten_and_stamps_that_leap_begin_anew():
    pictures = [(s, z, 100 + s + (5 if 20 < s < 21 else 0)) for s, z in made(30)]
    assert watched(pictures).lag_s < 0.5
    assert watched([*pictures, (3.0, 5000, 131.0), (3.1, 5000, 131.1)]).lag_s < 0.5
