"""Which rules an event may fire: found by kind and camera with one look into a dict, never by a scan."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ..core.rule_contracts import Trigger
from ..core.types import Event
from .faults import miss_of
from .rule import BoundTrigger, NearMiss, Rule
from .triggers import fits

NEAR_MISSES_KEPT = 10
# Kinds times cameras of a large site, with room; a site that goes past it pays one look more.
_REMEMBERED = 20_000

Candidate = tuple[Rule, tuple[BoundTrigger, ...]]


class RuleIndex:
    """Hold the rules that are on, and what nearly fired them."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        held = tuple(rules)
        self._by_kind: dict[str, dict[int, Rule]] = {}
        self._anywhere: dict[int, Rule] = {}
        for number, rule in enumerate(held):
            self._file(number, rule)
        self._by_place: dict[tuple[str, str | None], tuple[Candidate, ...]] = {}
        self._near: dict[str, deque[tuple[Event, BoundTrigger, str]]] = {
            rule.id: deque(maxlen=NEAR_MISSES_KEPT) for rule in held
        }

    def fired(self, event: Event) -> list[tuple[Rule, BoundTrigger]]:
        """Return each rule that the event fires, once, with the first trigger that fits."""
        place = (event.kind, event.camera)
        candidates = self._by_place.get(place)
        if candidates is None:
            candidates = self._look(place)
        fired = []
        for rule, triggers in candidates:
            bound = self._first_that_fits(rule, triggers, event)
            if bound is not None:
                fired.append((rule, bound))
        return fired

    def near_misses(self, rule_id: str) -> tuple[NearMiss, ...]:
        """Return why events of the right kind and camera did not fire a rule, newest first."""
        return tuple(
            NearMiss(
                at=event.at,
                event_id=event.id,
                kind=event.kind,
                camera=event.camera,
                trigger=bound.path,
                reason=reason,
            )
            for event, bound, reason in reversed(self._near.get(rule_id, ()))
        )

    def _first_that_fits(self, rule: Rule, triggers: tuple[BoundTrigger, ...], event: Event) -> BoundTrigger | None:
        missed = []
        for bound in triggers:
            reason = miss_of(bound.trigger, event)
            if reason is None:
                return bound
            missed.append((event, bound, reason))
        self._near[rule.id].extend(missed)
        return None

    def _file(self, number: int, rule: Rule) -> None:
        for bound in rule.triggers:
            kinds = bound.trigger.kinds
            if not kinds or any(kind.endswith("*") for kind in kinds):
                self._anywhere[number] = rule
            for kind in kinds:
                self._by_kind.setdefault(kind, {})[number] = rule

    def _look(self, place: tuple[str, str | None]) -> tuple[Candidate, ...]:
        if len(self._by_place) >= _REMEMBERED:
            self._by_place.clear()
        found = []
        rules = {**self._by_kind.get(place[0], {}), **self._anywhere}
        for rule in (rules[number] for number in sorted(rules)):
            triggers = tuple(bound for bound in rule.triggers if _may_fire(bound.trigger, *place))
            if triggers:
                found.append((rule, triggers))
        self._by_place[place] = tuple(found)
        return self._by_place[place]


def _may_fire(trigger: Trigger, kind: str, camera: str | None) -> bool:
    if trigger.kinds and not any(fits(pattern, kind) for pattern in trigger.kinds):
        return False
    return not trigger.cameras or camera in trigger.cameras
