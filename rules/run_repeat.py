"""How repeat is taken: a turn has paths of its own; the last ones are kept, of the others what a restart needs."""

from __future__ import annotations

from typing import Any

from ..core.errors import ActionFailed
from ..core.types import Json
from .faults import FAULTS
from .reading import has_template
from .rule import Step
from .run_waits import WaitView
from .steps import TURN_LIMIT, RepeatStep
from .walk import EndOfRun, Walk

# Turns whose steps stay in the trace at least; twice as many at most, since they are dropped by the dozen.
TURNS_KEPT = 10


async def take_repeat(walk: Walk, step: Step) -> None:
    """Take the turns of a loop; a restart goes on in the turn that it interrupted."""
    assert isinstance(step, RepeatStep)
    loop = _Loop(walk, step)
    held = walk.waited(step)
    if held is not None:
        loop.restore(held.values)
        if held.outcome != "waiting":
            loop.leave(held.outcome == "failed", held.error, held.values)
            return
    try:
        await loop.begin(None if held is None else held.values)
        await loop.turns()
    except EndOfRun as end:
        await loop.end({"left": {"state": end.state, "reason": end.reason, "response": end.response}})
        raise
    except FAULTS as err:
        await walk.fail(step, str(err) or type(err).__name__, loop.values())
        return
    await loop.end({})


class _Loop:
    """Hold how far a loop is, and what it changed since it began."""

    def __init__(self, walk: Walk, step: RepeatStep) -> None:
        self._walk = walk
        self._step = step
        self._path = walk.path(step)
        self._plan: dict[str, Json] = {}
        self._items: list[Json] = []
        self._total: int | None = None
        self._done = 0  # turns that ended
        self._left_out = 0  # turns whose steps were dropped
        self._variables = dict(walk.variables)
        self._made = dict(walk.made)
        self._failures = walk.fate.failures
        self._named = len(walk.fate.failed)

    async def begin(self, held: dict[str, Json] | None) -> None:
        """Decide once how many turns there are. TemplateFailed, ActionFailed."""
        step, walk = self._step, self._walk
        if step.way == "count":
            count = walk.render(step.count) if held is None else held["count"]
            self._total = _count(walk, count)
            self._plan = {"count": self._total}
        elif step.way == "for_each":
            is_kept = held is not None and has_template(step.items)
            self._items = _items(walk, held["items"] if held is not None and is_kept else walk.render(step.items))
            self._total = len(self._items)
            self._plan = {"items": self._items}
        if self._total is not None and self._total > TURN_LIMIT:
            raise ActionFailed(walk.hub.texts("rules.run.too_many_turns", limit=TURN_LIMIT))
        if held is None:
            await walk.end(step, "waiting", self.values())

    async def turns(self) -> None:
        """Take turns until the plan or a condition says that it is enough. FAULTS, EndOfRun."""
        step = self._step
        while self._total is None or self._done < self._total:
            turn = self._done + 1
            walk = self._in_turn(turn)
            if step.way == "while" and not await self._decided(walk, turn):
                return
            walk.turn()
            await walk.inner(step.steps)
            self._done = turn
            if step.way == "until" and await self._decided(walk, turn):
                return
            await self._drop_old_turns()

    async def end(self, more: dict[str, Json]) -> None:
        """Keep that the loop ended; not while a step in it was put off, which must be met again."""
        if not self._walk.fate.has_put_off:
            await self._walk.end(self._step, "done", {**self.values(), **more})

    def leave(self, has_failed: bool, why: str, held: dict[str, Json]) -> None:
        """Leave a loop that ended before a restart, the way it ended. EndOfRun."""
        if has_failed:
            self._walk.after_failure(self._step, why)
        if left := held.get("left"):
            raise EndOfRun(left["state"], left["reason"], left["response"])

    def values(self) -> dict[str, Json]:
        """Return the plan, how far it is, and what changed since the beginning."""
        walk = self._walk
        values: dict[str, Json] = {**self._plan, "turns": self._done}
        if self._left_out:
            values["left_out"] = self._left_out
        changed = {name: value for name, value in walk.variables.items() if self._is_new(name, value)}
        if changed:
            values["variables"] = {
                name: value.record if isinstance(value, WaitView) else value for name, value in changed.items()
            }
        if walk.made != self._made:
            values["made"] = dict(walk.made)
        if walk.fate.failures > self._failures:
            values["failures"] = walk.fate.failures - self._failures
            values["failed"] = walk.fate.failed[self._named :]
        return values

    def restore(self, held: dict[str, Json]) -> None:
        """Go on behind what a restart interrupted."""
        walk = self._walk
        self._done = int(held.get("turns", 0))
        self._left_out = int(held.get("left_out", 0))
        walk.fate.turns += self._done
        for name, value in held.get("variables", {}).items():
            if name == "wait":
                walk.assign_here(name, WaitView(walk, value))
            else:
                walk.assign(name, value)
        walk.made.update(held.get("made", {}))
        walk.fate.again(held.get("failed", []), int(held.get("failures", 0)))

    def _is_new(self, name: str, value: Any) -> bool:  # noqa: ANN401
        return name not in self._variables or self._variables[name] is not value

    def _in_turn(self, turn: int) -> Walk:
        repeat: dict[str, Json] = {"index": turn, "first": turn == 1}
        if self._total is not None:
            repeat["last"] = turn == self._total
        if self._step.way == "for_each":
            repeat["item"] = self._items[turn - 1]
        return self._walk.inside(f"{self._step.path}.repeat", self._turn_path(turn), {"repeat": repeat})

    def _turn_path(self, turn: int) -> str:
        return f"{self._path}.repeat[{turn}]"

    async def _decided(self, walk: Walk, turn: int) -> bool:
        """Return whether the conditions hold in a turn; decided once per run. FAULTS."""
        path = self._turn_path(turn)
        held = walk.recorded(path)
        if held is None:
            holds, values = walk.decide(self._step.conditions)
            await walk.note(path, self._step.way, "true" if holds else "false", values)
            return holds
        return held.outcome == "true"

    async def _drop_old_turns(self) -> None:
        if self._walk.fate.has_put_off or self._done - self._left_out < 2 * TURNS_KEPT:
            return
        first = self._left_out + 1
        self._left_out = self._done - TURNS_KEPT
        # First what a restart needs, then the steps that it would have needed.
        await self._walk.end(self._step, "waiting", self.values())
        await self._walk.forget(self._turn_path(turn) for turn in range(first, self._left_out + 1))


def _count(walk: Walk, value: Json) -> int:
    try:
        return max(0, int(float(value)))
    except (TypeError, ValueError, OverflowError) as err:
        raise ActionFailed(walk.hub.texts("rules.run.no_count", value=value)) from err


def _items(walk: Walk, value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ActionFailed(walk.hub.texts("rules.run.no_items"))
    return value
