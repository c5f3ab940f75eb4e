"""Stands in the hub for a camera that lives in a plugin's process: the same methods, answered from there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from ..contracts import Ptz, StreamSource
from ..outputs import Outputs
from .calls import CALLS, held

Ask = Callable[[str, str, tuple[Any, ...]], Awaitable[Any]]


class _Part:
    """Hold the methods of ``ptz`` or ``io``; they are set as the camera offers them."""


class StandIn:
    """Fulfil ``contracts.Camera`` and what the real camera offers beyond it; known after its ``start``."""

    def __init__(self, camera: str, ask: Ask) -> None:
        self.ptz: Ptz | None = None
        self.io: Outputs | None = None
        self._camera = camera
        self._ask = ask
        self._offers: frozenset[str] = frozenset()

    async def start(self) -> None:
        """Start the real camera."""
        await self._ask(self._camera, "start", ())

    async def streams(self) -> Sequence[StreamSource]:
        """Ask the real camera for its sources."""
        return cast(Sequence[StreamSource], await self._ask(self._camera, "streams", ()))

    async def stop(self) -> None:
        """Stop the real camera."""
        await self._ask(self._camera, "stop", ())

    def take_offers(self, calls: Sequence[str]) -> None:
        """Have the methods that the real camera has now, and no others: ``isinstance`` asks for them by name."""
        offers = frozenset(calls) & CALLS.keys() - {"start", "streams", "stop"}
        if offers == self._offers:
            return
        self._offers = offers
        self.ptz = cast(Ptz, _Part()) if any(call.startswith("ptz.") for call in offers) else None
        self.io = cast(Outputs, _Part()) if any(call.startswith("io.") for call in offers) else None
        for call in CALLS.keys() - {"start", "streams", "stop"}:
            holder, method = held(self, call)
            if call in offers:
                setattr(holder, method, self._asking(call))
            elif holder is self:
                vars(self).pop(method, None)

    def _asking(self, call: str) -> Callable[..., Awaitable[Any]]:
        async def ask(*arguments: Any) -> Any:  # noqa: ANN401  as the call's table says
            return await self._ask(self._camera, call, arguments)

        return ask
