"""Small detectors of strangers, and what an eye makes of their answers."""

from datetime import datetime, timezone

import numpy as np
import voluptuous as vol

from siaga.core import Box, Detection, Kind, Observation, Wants
from siaga.core.media.camera_looks import Offered
from siaga.core.media.messages import EyeEvent
from siaga.core.plugin_manager import PluginManager

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
BOX = Box(left=0.4, top=0.2, right=0.5, bottom=0.6)
FENCE = PluginManager(None, in_hub=False, built_ins=()).fence


class Answering:
    """A stranger's detector that answers what it is given, or raises it."""

    wants = Wants(pixels="luma", interval_s=0.0, when="always")

    def __init__(self, answer):
        self.answer = answer

    def look(self, frame, context):
        answer = self.answer(context) if callable(self.answer) else self.answer
        if isinstance(answer, Exception):
            raise answer
        return answer


class Counting(Answering):
    wants = Wants(pixels="none", interval_s=0.5, when="always", sightings=True)

    def look(self, frame, context):
        return [Observation(kind="count", data={"count": len(context.sightings)}, is_event=False)]


def frame_at(mono_s, camera="kali"):
    luma = np.zeros((120, 160), np.uint8)
    return Offered(
        camera=camera,
        at=NOW,
        arrived_mono_s=mono_s,
        is_key=True,
        luma=luma,
        colour=lambda: np.zeros((120, 160, 3), np.uint8),
        is_awake=True,
        motion=0.1,
    )


def kinds_of(**makes):
    return {name: Kind(name, vol.Schema({}), make, name) for name, make in makes.items()}


def told(messages):
    return [message.kind for message in messages if isinstance(message, EyeEvent)]


def person(score=0.9, box=BOX):
    return Detection(label="person", score=score, box=box)
