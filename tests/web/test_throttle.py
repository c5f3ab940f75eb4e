"""A guesser waits; nobody waits for a guesser."""

from datetime import datetime, timezone

import pytest

from siaga.core.clock import ManualClock
from siaga.web.throttle import LoginThrottle


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc))


def guess(throttle, address, times=1):
    """Try as a stranger does: only when the door takes a try; return how many it took."""
    taken = 0
    for _ in range(times):
        if not throttle.wait_s("admin", address):
            throttle.failed("admin", address)
            taken += 1
    return taken


async def test_a_guesser_at_one_address_keeps_nobody_else_out(clock):
    throttle = LoginThrottle(clock)
    for _ in range(3600):
        guess(throttle, "10.0.0.66")
        await clock.advance(1)
    assert throttle.wait_s("admin", "10.0.0.66") > 0
    assert throttle.wait_s("admin", "10.0.0.5") == 0


def test_guessers_at_many_addresses_are_slowed_and_the_owners_device_is_not(clock):
    throttle = LoginThrottle(clock)
    throttle.failed("admin", "10.0.0.5")
    throttle.succeeded("admin", "10.0.0.5")
    taken = sum(guess(throttle, f"10.1.{n}.1", 4) for n in range(100))
    assert taken < 110
    assert 0 < throttle.wait_s("admin", "10.2.0.1") <= 15, "also from a new place it is never long"
    assert throttle.wait_s("Admin ", "10.0.0.5") == 0


def test_the_owners_mistakes_are_forgotten_when_he_comes_in(clock):
    throttle = LoginThrottle(clock)
    for _ in range(20):
        for _ in range(3):
            throttle.failed("petugas", "10.0.0.5")
        assert throttle.wait_s("petugas", "10.0.0.6") == 0
        throttle.succeeded("petugas", "10.0.0.5")
        assert throttle.wait_s("petugas", "10.0.0.6") == 0


def test_an_address_that_tries_many_names_waits(clock):
    throttle = LoginThrottle(clock)
    for n in range(12):
        throttle.failed(f"petugas{n}", "10.0.0.66")
    assert throttle.wait_s("petugas99", "10.0.0.66") > 0
