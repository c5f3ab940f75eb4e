"""What hangs on a device by name, switched on and, after a while, off again: for kinds whose devices know no time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from .contracts import Services
from .errors import NotSupported

T = TypeVar("T")


class DeviceOutputs(Generic[T]):
    """Fulfil ``Outputs`` by a function that sets one of them; ``tokens`` are the device's own words for the names.

    The hub itself ends what was asked for a while: a newer command for the same output takes the older one's end away.
    """

    def __init__(
        self, services: Services, tokens: Mapping[str, T], set_output: Callable[[T, bool], Awaitable[None]]
    ) -> None:
        self._services = services
        self._tokens = dict(tokens)
        self._set = set_output
        self._orders: dict[str, int] = {}

    async def outputs(self) -> tuple[str, ...]:
        """Return the names."""
        return tuple(self._tokens)

    async def switch(self, output: str, is_on: bool, for_s: float) -> None:
        """Switch an output; an unknown one is NotSupported and names those that exist."""
        if output not in self._tokens:
            known = ", ".join(self._tokens)
            raise NotSupported(self._services.texts("device.no_output", output=output, known=known))
        order = self._orders[output] = self._orders.get(output, 0) + 1
        await self._set(self._tokens[output], is_on)
        if is_on and for_s > 0:

            async def back() -> None:
                await self._services.clock.sleep(for_s)
                if self._orders[output] == order:
                    await self._set(self._tokens[output], False)

            self._services.start(f"{output} off", back)

    async def play(self, sound: str) -> None:
        """Refuse: sounds differ from model to model."""
        raise NotSupported(self._services.texts("device.no_sound"))
