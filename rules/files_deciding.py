"""What a changed configuration means for a hub that runs: taken, refused, or waiting for a restart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from ..core.errors import Problem
from ..core.settings import Settings
from ..core.types import Struct

# Read anew while the hub runs; everything else is built once.
LIVE_SECTIONS = ("rules", "scripts", "contacts", "teams", "rotas", "holidays")
FIXED_SECTIONS = ("site", "web", "storage", "media", "places", "cameras", "notifiers", "links")
_PEOPLE = tuple(f"{section}." for section in ("contacts", "teams", "rotas"))
_OF_RULES = ("rules", "scripts")


class ReloadOutcome(Struct):
    """Tell what became of reading the configuration again.

    ``restart`` names the sections that changed and are taken only by a restart. ``off`` are rules that are wrong.
    """

    at: datetime
    is_taken: bool
    problems: tuple[Problem, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()

    @property
    def has_changes(self) -> bool:
        """Say whether a rule came, went or is another one now."""
        return bool(self.added or self.changed or self.removed)


def why_refused(
    known: Iterable[Problem], found: Iterable[Problem], settings: Settings | None, *, is_whole: bool
) -> tuple[Problem, ...]:
    """Return the problems that keep a configuration from being taken; empty when it may be.

    A mistake that the hub runs with already is no reason, nor is one inside a rule: that rule is off alone.
    """
    problems = tuple(found)
    if settings is None or not is_whole:
        return problems
    old = {(problem.path, problem.what) for problem in known}
    return tuple(
        problem
        for problem in problems
        if (problem.path, problem.what) not in old and _section(problem.path) not in _OF_RULES
    )


def merged(running: Settings, new: Settings) -> Settings:
    """Return the running settings with what may change while the hub runs taken from the new ones."""
    kept = {name for name in running.off if not name.startswith(_PEOPLE)}
    fresh = {name for name in new.off if name.startswith(_PEOPLE)}
    parts = {section: getattr(new, section) for section in LIVE_SECTIONS}
    return msgspec.structs.replace(running, off=frozenset(kept | fresh), **parts)


def needs_restart(running: Settings, new: Settings) -> tuple[str, ...]:
    """Return the sections that changed and cannot be taken now."""
    return tuple(name for name in FIXED_SECTIONS if getattr(running, name) != getattr(new, name))


def _section(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]
