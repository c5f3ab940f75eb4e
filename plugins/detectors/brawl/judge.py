"""What the figures of a movement weigh: the odds that it is a fight."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from importlib import resources

from ....core import Box
from .unrest import Figures, Luma, Unrest

# What the noise of a still picture gives, in body heights a second: below it logarithms would only weigh noise.
_NOISE = 0.02


class Judge:
    """Follow one camera's movement and weigh it; 4 to 6 ms of one core for each picture."""

    def __init__(self) -> None:
        self._unrest = Unrest()
        self._weights, self._bias = learnt()

    def take(self, luma: Luma, height: float, now_s: float) -> None:
        """Take a picture; see ``Unrest.take``."""
        self._unrest.take(luma, height, now_s)

    def forget(self) -> None:
        """Begin anew with the next picture."""
        self._unrest.forget()

    def odds(self, now_s: float) -> tuple[float, Box] | None:
        """Return the logarithm of the odds of a fight, and where it is; None when too little was seen."""
        figures = self._unrest.figures(now_s)
        if figures is None:
            return None
        weighed = (weight * value for weight, value in zip(self._weights, features(figures), strict=True))
        return self._bias + sum(weighed), figures.place


def features(figures: Figures) -> tuple[float, float, float]:
    """Return what the weights are for: the logarithms of unrest, jerk and pace."""
    unrest, jerk, pace = (math.log(value + _NOISE) for value in (figures.unrest, figures.jerk, figures.pace))
    return unrest, jerk, pace


@lru_cache(maxsize=1)
def learnt() -> tuple[tuple[float, ...], float]:
    """Return the weights and the bias that ``bench/brawl_train.py`` learnt."""
    text = (resources.files(__package__) / "weights.json").read_text(encoding="utf-8")
    content = json.loads(text)
    return tuple(float(weight) for weight in content["weights"]), float(content["bias"])
