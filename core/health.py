"""How every part is: since when, why, and when it was last seen; a change is told on the bus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from .bus import Bus
from .clock import Clock
from .log import masked
from .types import Health

HealthState = Literal["starting", "ok", "degraded", "lost", "off"]


class HealthBook:
    """Keep the newest word on each part. Figures and sightings change silently; states are told."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._parts: dict[str, Health] = {}

    def set(self, part: str, state: HealthState, reason: str = "", figures: Mapping[str, float] | None = None) -> None:
        """Say how a part is. ``figures`` None keeps the last ones; ``ok`` also means seen just now."""
        now = self._clock.now()
        before = self._parts.get(part)
        # A reason is often a library's error, and those quote URLs with their login.
        reason = masked(reason)
        health = Health(
            part=part,
            state=state,
            since=before.since if before is not None and before.state == state else now,
            reason=reason,
            last_seen=now if state == "ok" else before.last_seen if before is not None else None,
            figures=dict(figures) if figures is not None else before.figures if before is not None else {},
        )
        self._parts[part] = health
        if before is None or (before.state, before.reason) != (state, reason):
            self._bus.publish(health)

    def seen(self, part: str) -> None:
        """Note that a part gave a sign of life; a part never heard of is not made up."""
        before = self._parts.get(part)
        if before is not None:
            self._parts[part] = msgspec.structs.replace(before, last_seen=self._clock.now())

    def forget(self, part: str) -> None:
        """Drop a part that was taken out of the configuration."""
        self._parts.pop(part, None)

    def get(self, part: str) -> Health | None:
        """Return how a part is, or None when nothing is known of it."""
        return self._parts.get(part)

    def all(self) -> tuple[Health, ...]:
        """Return every part, by name."""
        return tuple(self._parts[part] for part in sorted(self._parts))
