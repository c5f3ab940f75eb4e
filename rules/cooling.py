"""Which rules rest after a run: each as a whole, or each key of its own (a camera, a zone) for itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from .rule import Rule
from .run_log import Figures
from .watch_log import KEYS_KEPT, Cooled

# A key is a camera, a zone, a plate; a longer text is somebody's mistake and would fill the disk.
KEY_LIMIT = 200


class Cooldowns:
    """Know when each key of a rule's cooldown ran last; ``begin`` and ``keep`` as in the decider."""

    def __init__(self) -> None:
        self._last: dict[str, dict[str, datetime]] = {}
        self._new: dict[tuple[str, str], Cooled] = {}

    def load(self, last: Mapping[str, dict[str, datetime]]) -> None:
        """Take what was kept before a restart."""
        self._last = dict(last)

    def begin(self) -> None:
        """Begin a stretch."""
        self._new = {}

    @property
    def changes(self) -> list[Cooled]:
        """Return what this stretch changed, for the log."""
        return list(self._new.values())

    def keep(self) -> None:
        """Let it hold, after it was committed; keys that cool nothing any more are forgotten."""
        for cooled in self._new.values():
            keys = self._last.setdefault(cooled.rule_id, {})
            keys.pop(cooled.key, None)  # the newest stand last
            keys[cooled.key] = cooled.at
            while len(keys) > KEYS_KEPT or next(iter(keys.values())) < cooled.until:
                del keys[next(iter(keys))]
        self._new = {}

    def is_cooling(self, rule: Rule, key: str, figures: Figures | None, now: datetime) -> bool:
        """Say whether a rule rests; ``figures`` tell when it ran last, where it has no key."""
        if not rule.cooldown_s:
            return False
        if rule.cooldown_key:
            new = self._new.get((rule.id, key))
            last_at = new.at if new else self._last.get(rule.id, {}).get(key)
        else:
            last_at = figures.last_at if figures else None
        # A last run in the future: the clock was wrong then. Better an alert more than none for a day.
        return last_at is not None and 0 <= (now - last_at).total_seconds() < rule.cooldown_s

    def ran(self, rule: Rule, key: str, now: datetime) -> None:
        """Note a run."""
        if rule.cooldown_s and rule.cooldown_key:
            until = now - timedelta(seconds=rule.cooldown_s)
            self._new[rule.id, key] = Cooled(rule_id=rule.id, key=key, at=now, until=until)
