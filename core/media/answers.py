"""What a stranger's detector answers, made into plain values that can be followed, drawn and sent, or refused."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

import msgspec
import numpy as np

from ..contracts import Wants
from ..errors import PluginError
from ..texts import Texts
from ..types import Box, Detection, Observation, Struct

S = TypeVar("S", bound=Struct)

# More things than this in one picture is a detector gone wrong; pairing them up would take seconds.
MOST_ANSWERS = 300
# The data of one event stands in the journal for years.
MOST_BYTES = 64_000
# Boxes may stand out of the picture a little; numbers beyond this are pixels.
_BOX_FROM, _BOX_TO = -0.5, 1.5


def checked(answer: object, texts: Texts) -> tuple[Detection | Observation, ...]:
    """Return an answer's items with plain numbers. PluginError in words for what is no answer."""
    if not isinstance(answer, Iterable):
        raise PluginError(texts("eye.answer.none", type=type(answer).__name__))
    found = tuple(islice(answer, MOST_ANSWERS + 1))
    if len(found) > MOST_ANSWERS:
        raise PluginError(texts("eye.answer.many", most=MOST_ANSWERS))
    return tuple(_checked(one, texts) for one in found)


def checked_wants(wants: object, texts: Texts) -> Wants:
    """Return what a detector wants with plain values. PluginError in words where that is nothing usable."""
    if not isinstance(wants, Wants):
        raise PluginError(texts("eye.answer.wants", type=type(wants).__name__))
    plain = _plain(wants, Wants, texts)
    if not (math.isfinite(plain.interval_s) and plain.interval_s >= 0 and math.isfinite(plain.min_score)):
        raise PluginError(texts("eye.answer.interval", value=plain.interval_s))
    return plain


def _checked(one: object, texts: Texts) -> Detection | Observation:
    if isinstance(one, Detection):
        detection = _plain(one, Detection, texts)
        if not 0.0 <= detection.score <= 1.0:
            raise PluginError(texts("eye.answer.score", value=detection.score))
        _check_boxes((detection.box,), texts)
        return detection
    if isinstance(one, Observation):
        observation = _plain(one, Observation, texts)
        if not observation.kind:
            raise PluginError(texts("eye.answer.kind"))
        if observation.score is not None and not math.isfinite(observation.score):
            raise PluginError(texts("eye.answer.score", value=observation.score))
        _check_boxes(observation.boxes, texts)
        return observation
    raise PluginError(texts("eye.answer.type", type=type(one).__name__))


def _plain(one: object, kind: type[S], texts: Texts) -> S:
    """Send an item through the wire's format and back: what survives that can travel, and has the right types."""
    try:
        packed = _packer.encode(one)
    except (TypeError, ValueError, OverflowError, RecursionError) as err:
        raise PluginError(texts("eye.answer.value", item=kind.__name__, why=err)) from err
    if len(packed) > MOST_BYTES:
        raise PluginError(texts("eye.answer.large", item=kind.__name__, most=MOST_BYTES))
    try:
        return msgspec.msgpack.decode(packed, type=kind)
    except msgspec.ValidationError as err:
        raise PluginError(texts("eye.answer.value", item=kind.__name__, why=err)) from err


def _check_boxes(boxes: Iterable[Box], texts: Texts) -> None:
    for box in boxes:
        sides = (box.left, box.top, box.right, box.bottom)
        if not all(_BOX_FROM <= side <= _BOX_TO for side in sides):  # NaN is refused here too
            raise PluginError(texts("eye.answer.box", sides=", ".join(f"{side:g}" for side in sides)))


def _from_numpy(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(type(value).__name__)


_packer = msgspec.msgpack.Encoder(enc_hook=_from_numpy)
