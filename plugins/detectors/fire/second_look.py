"""How much a single picture looks like a fire: a small judgement on what the person detector's net sees in it.

128 weights on the net's features, learnt by ``bench/fire_train.py``; a picture alone is a suspicion, never an alarm.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..objects_net import NanoDet


class Judgement(NamedTuple):
    """Weights on features, what is added, and from which score on a picture is suspected."""

    weights: NDArray[np.float32]
    bias: float
    suspected: float


@lru_cache(maxsize=1)
def judgement() -> Judgement:
    """Return what was learnt."""
    told = json.loads((resources.files(__package__) / "second_look.json").read_text("ascii"))
    return Judgement(np.asarray(told["weights"], np.float32), float(told["bias"]), float(told["suspected"]))


def looks_like_fire(bgr: NDArray[np.uint8]) -> float:
    """Return 0..1 for uint8 BGR [height, width, 3]; about 45 ms, the time of one look of the net."""
    learnt = judgement()
    logit = float(NanoDet.shared().features(bgr) @ learnt.weights) + learnt.bias
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))
