"""Lends a plugin in an eye what the eye has: its finder of faces, to count or to hide them, and the way to open a net.

Nobody is recognised by a face. Both are for the factory of a detector: the hub has no pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .types import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FindsFaces(Protocol):
    """What finds faces in one picture."""

    def find(self, bgr: NDArray[np.uint8]) -> list[Box]:
        """Return where faces are, of uint8 BGR [height, width, 3]; about 0.1 s."""
        ...


def face_finder() -> FindsFaces:
    """Return this process's finder. OSError without weights."""
    from .media.faces import FaceFinder

    return FaceFinder.shared()


def open_net(model: Path | bytes) -> Any:  # noqa: ANN401  onnxruntime is untyped
    """Return a session of onnxruntime with one thread, from a file or its content; what onnxruntime raises goes on."""
    from .media.nets import open_net as opened

    return opened(model)
