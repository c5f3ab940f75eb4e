"""Reads what a far side asks for by the header ``Retry-After`` (RFC 9110, 10.2.3): seconds, or a date."""

from __future__ import annotations

import math
from datetime import datetime
from email.utils import parsedate_to_datetime

# Whoever asks for a day is not heard: an alert is of no use any more by then, and a later try costs little.
LONGEST_S = 3_600.0


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Return for how long to wait, 1 s to an hour; None where there is no header or it says nothing.

    ``now`` is the wall clock, UTC.
    """
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return None if math.isnan(seconds) else min(LONGEST_S, max(1.0, seconds))
