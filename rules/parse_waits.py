"""Reads the steps that wait: delay, wait_for_trigger, wait_template."""

from __future__ import annotations

import voluptuous as vol

from ..core.validators import duration
from ..core.yaml_lines import plain
from .parse_triggers import read_triggers
from .reading import Reading, Spot, has_template
from .rule import DelayStep, Step
from .step_schemas import DELAY, WAIT_FOR_TRIGGER, WAIT_TEMPLATE
from .steps import WaitTemplateStep, WaitTriggerStep

_LENGTH = vol.Schema(duration)


def delay_step(reading: Reading, spot: Spot) -> Step | None:
    """Read a delay: seconds, a text such as ``00:05:00``, units, or templates of them."""
    shape = reading.checked(DELAY, spot)
    here = spot.inside("delay")
    _check_length(reading, here)
    return None if shape is None else DelayStep(**reading.head(spot, shape), length=plain(here.value))


def wait_for_trigger_step(reading: Reading, spot: Spot) -> Step | None:
    """Read a wait for one of several triggers."""
    shape = reading.checked(WAIT_FOR_TRIGGER, spot)
    here = spot.inside("wait_for_trigger")
    before = len(reading.problems)
    triggers = read_triggers(reading, here)
    if not triggers and len(reading.problems) == before:
        reading.wrong(here, "rules.check.nothing", part="wait_for_trigger")
    _check_timeout(reading, spot)
    if shape is None:
        return None
    return WaitTriggerStep(
        **reading.head(spot, shape),
        triggers=triggers,
        timeout=plain(spot.value.get("timeout")),
        goes_on_late=shape.get("continue_on_timeout", True),
    )


def wait_template_step(reading: Reading, spot: Spot) -> Step | None:
    """Read a wait for a template to become true."""
    shape = reading.checked(WAIT_TEMPLATE, spot)
    here = spot.inside("wait_template")
    if isinstance(here.value, str):
        reading.compile_text(here.value, here)
    _check_timeout(reading, spot)
    if shape is None:
        return None
    return WaitTemplateStep(
        **reading.head(spot, shape),
        template=shape["wait_template"],
        timeout=plain(spot.value.get("timeout")),
        goes_on_late=shape.get("continue_on_timeout", True),
    )


def _check_timeout(reading: Reading, spot: Spot) -> None:
    if spot.value.get("timeout") is not None:
        _check_length(reading, spot.inside("timeout"))


def _check_length(reading: Reading, spot: Spot) -> None:
    reading.compile(spot)
    if not has_template(spot.value):
        reading.checked(_LENGTH, spot)
