"""How steps that hold other steps side by side or in a row are taken: sequence and parallel."""

from __future__ import annotations

import asyncio
from typing import Any

from .rule import Step
from .steps import ParallelStep, SequenceStep
from .walk import EndOfRun, Walk


async def take_sequence(walk: Walk, step: Step) -> None:
    """Take the steps of a sequence; they have lines of their own in the trace."""
    assert isinstance(step, SequenceStep)
    await walk.inner(step.steps)


async def take_parallel(walk: Walk, step: Step) -> None:
    """Take every branch; the run goes on, or ends, when the last one has ended.

    A branch that fails stops no other (Home Assistant's way) unless the step itself says ``continue_on_error: false``.
    """
    assert isinstance(step, ParallelStep)
    held = walk.recorded(step)
    if held is not None and held.outcome == "failed":
        walk.after_failure(step, held.error)
        return
    side = _SideBySide(walk, step)
    ended = await asyncio.gather(*(side.branch(number) for number in range(len(step.branches))), return_exceptions=True)
    ends = [one for one in ended if isinstance(one, EndOfRun)]
    for one in ended:
        if isinstance(one, Exception) and not isinstance(one, EndOfRun):
            raise one
    failed = next((end for end in ends if end.state == "failed"), None)
    if failed is not None and not step.goes_on:
        await walk.fail(step, failed.reason)
    if held is None:
        await walk.end(step, "done", {"branches": len(step.branches)})
    if ends:
        raise failed or ends[0]


class _SideBySide:
    """Run the branches of one step, and cut the others off where one that fails must stop them."""

    def __init__(self, walk: Walk, step: ParallelStep) -> None:
        self._walk = walk
        self._step = step
        self._tasks: list[asyncio.Task[Any] | None] = []
        self._is_over = False

    async def branch(self, number: int) -> None:
        """Take one branch, with a ``wait`` of its own."""
        if self._is_over:
            return
        self._tasks.append(asyncio.current_task())
        try:
            await self._walk.branch().inner(self._step.branches[number])
        except EndOfRun as end:
            if end.state == "failed" and not self._step.goes_on:
                self._stop_others()
            raise

    def _stop_others(self) -> None:
        self._is_over = True
        me = asyncio.current_task()
        for task in self._tasks:
            if task is not None and task is not me:
                task.cancel()
