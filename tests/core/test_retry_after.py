"""How long a far side is left alone when it asks for it."""

from datetime import datetime, timezone

import pytest

from siaga.core import retry_after_s

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("12", 12),
        ("0", 1),
        ("-5", 1),
        ("999999", 3600),
        ("inf", 3600),
        ("nan", None),
        ("besok", None),
        ("Sun, 22 Nov 2026 12:00:40 GMT", 40),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 1),
        ("Sun, 22 Nov 2026 12:00:40", None),
    ],
)
def test_a_wait_is_read_in_both_forms_and_bounded(header, seconds):
    assert retry_after_s(header, NOW) == seconds
