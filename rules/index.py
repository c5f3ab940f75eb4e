"""Which rules an event may fire: found by kind and camera with one look into a dict, never by a scan."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from ..core.rule_contracts import Trigger
from ..core.types import Event
from .faults import miss_of
from .holds import HoldTrigger, hold_trigger
from .rule import SOURCED_KINDS, BoundTrigger, NearMiss, Rule, Sourced
from .triggers import fits

NEAR_MISSES_KEPT = 10
# Kinds times cameras of a large site, with room; a site that goes past it pays one look more.
_REMEMBERED = 20_000

Candidate = tuple[Rule, tuple[BoundTrigger, ...]]
Near = deque[tuple[Event, BoundTrigger, str]]


class Place(NamedTuple):
    """Hold what an event of one kind and camera may do: fire rules at once, or begin and break their times."""

    firing: tuple[Candidate, ...] = ()
    holding: tuple[tuple[Rule, HoldTrigger], ...] = ()


class RuleIndex:
    """Hold the rules that are on, and what nearly fired them."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = {rule.id: rule for rule in rules}
        self._holding: dict[tuple[str, str], HoldTrigger] = {}
        self._by_mark: dict[tuple[str, str], HoldTrigger] = {}
        self._sourced: set[tuple[str, str]] = set()
        self._by_kind: dict[str, dict[int, Rule]] = {}
        self._anywhere: dict[int, Rule] = {}
        for number, rule in enumerate(self.rules.values()):
            self._file(number, rule)
        self._by_place: dict[tuple[str, str | None], Place] = {}
        self._near: dict[str, Near] = {rule_id: deque(maxlen=NEAR_MISSES_KEPT) for rule_id in self.rules}

    def at(self, event: Event) -> Place:
        """Return what may happen where an event came."""
        if event.kind in SOURCED_KINDS and "owner" in event.data:
            return self._of_owner(event)
        place = self._by_place.get((event.kind, event.camera))
        return self._look(event.kind, event.camera) if place is None else place

    def fired(self, place: Place, event: Event) -> list[tuple[Rule, BoundTrigger]]:
        """Return each rule that the event fires at once, with the first trigger that fits."""
        fired = []
        for rule, triggers in place.firing:
            bound = self._first_that_fits(rule, triggers, event)
            if bound is not None:
                fired.append((rule, bound))
        return fired

    def fits(self, rule: Rule, bound: BoundTrigger, event: Event) -> bool:
        """Say whether an event fits one trigger; one that nearly did is remembered."""
        if not may_fire(bound.trigger, event.kind, event.camera):
            return False
        return self._first_that_fits(rule, (bound,), event) is not None

    def holder(self, rule_id: str, mark: str) -> tuple[Rule, HoldTrigger] | None:
        """Return the rule and the trigger whose time runs, None where it is gone or changed."""
        holding = self._by_mark.get((rule_id, mark))
        return (self.rules[rule_id], holding) if holding is not None else None

    def missed(self, rule_id: str, event: Event, bound: BoundTrigger, reason: str) -> None:
        """Remember that an event ended what nearly fired a rule."""
        self._near[rule_id].append((event, bound, reason))

    @property
    def sourced(self) -> dict[str, Rule]:
        """Return the rules with triggers whose events a source must make."""
        return {rule_id: self.rules[rule_id] for rule_id, _ in sorted(self._sourced)}

    def take_over(self, older: RuleIndex, rule_ids: Iterable[str]) -> None:
        """Keep what an older index remembered of rules that have not changed."""
        for rule_id in rule_ids:
            if rule_id in self._near and rule_id in older._near:
                self._near[rule_id] = older._near[rule_id]

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
            holding = hold_trigger(bound)
            if holding is not None:
                self._holding[rule.id, bound.path] = holding
                self._by_mark[rule.id, bound.mark] = holding
            if isinstance(bound.trigger, Sourced):
                self._sourced.add((rule.id, bound.path))
                continue
            kinds = bound.trigger.kinds
            if not kinds or any(kind.endswith("*") for kind in kinds):
                self._anywhere[number] = rule
            for kind in (*kinds, *(holding.breaking_kinds if holding else ())):
                self._by_kind.setdefault(kind, {})[number] = rule

    def _look(self, kind: str, camera: str | None) -> Place:
        if len(self._by_place) >= _REMEMBERED:
            self._by_place.clear()
        firing, holding = [], []
        rules = {**self._by_kind.get(kind, {}), **self._anywhere}
        for rule in (rules[number] for number in sorted(rules)):
            own = [bound for bound in rule.triggers if (rule.id, bound.path) not in self._sourced]
            at_once, held = self._of_rule(rule, own, kind, camera)
            if at_once:
                firing.append((rule, at_once))
            holding += [(rule, one) for one in held]
        self._by_place[kind, camera] = Place(tuple(firing), tuple(holding))
        return self._by_place[kind, camera]

    def _of_owner(self, event: Event) -> Place:
        rule = self.rules.get(str(event.data["owner"]))
        if rule is None:
            return Place()
        path = event.data.get("path")
        own = [one for one in rule.triggers if one.path == path and (rule.id, path) in self._sourced]
        firing, holding = self._of_rule(rule, own, event.kind, event.camera)
        return Place(((rule, firing),) if firing else (), tuple((rule, one) for one in holding))

    def _of_rule(
        self, rule: Rule, triggers: list[BoundTrigger], kind: str, camera: str | None
    ) -> tuple[tuple[BoundTrigger, ...], tuple[HoldTrigger, ...]]:
        """Return which triggers such an event may fire at once, and whose times it may begin or break."""
        held = [(bound, self._holding.get((rule.id, bound.path))) for bound in triggers]
        firing = tuple(bound for bound, one in held if one is None and may_fire(bound.trigger, kind, camera))
        holding = tuple(
            one
            for bound, one in held
            if one is not None and (may_fire(bound.trigger, kind, camera) or one.may_break(kind, camera))
        )
        return firing, holding


def may_fire(trigger: Trigger, kind: str, camera: str | None) -> bool:
    """Say whether a trigger looks at events of a kind and camera at all."""
    if trigger.kinds and not any(fits(pattern, kind) for pattern in trigger.kinds):
        return False
    return not trigger.cameras or camera in trigger.cameras
