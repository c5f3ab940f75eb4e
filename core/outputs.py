"""What a camera adds that switches things in the street: a siren, a lamp, a speaker, a relay."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Outputs(Protocol):
    """Switch what hangs on a camera. Errors: CameraLost, AuthFailed, NotSupported. Each call ends within 10 s.

    The names ``siren``, ``lamp`` and ``speaker`` mean the same on every camera; others are the device's own.
    """

    async def outputs(self) -> tuple[str, ...]:
        """Return the names of what can be switched; ``speaker`` where sounds can be played."""
        ...

    async def switch(self, output: str, is_on: bool, for_s: float) -> None:
        """Switch an output on or off; an unknown one is NotSupported and names those that exist.

        ``for_s`` above 0: it goes back after so many seconds without being asked again, by the device
        itself where it can, so that a siren does not sound for ever when the hub dies meanwhile.
        """
        ...

    async def play(self, sound: str) -> None:
        """Play a sound that the device knows by name, or speak the text where it can; NotSupported else."""
        ...


@runtime_checkable
class HasOutputs(Protocol):
    """A camera that has outputs, or says at run time by None that this one has not."""

    io: Outputs | None
