"""What a rule's own tests are made of: what happens when, and what the rule must then do, and nothing else."""

from __future__ import annotations

from datetime import datetime

from ...core.types import Json, Struct


class Known(Struct):
    """Say how something is when the test begins: a camera, an incident, a reading."""

    kind: str
    camera: str | None = None
    zone: str | None = None
    value: Json = None
    data: dict[str, Json] = {}


class Happening(Struct):
    """Say what happens ``after_s`` seconds into the test."""

    after_s: float
    kind: str
    camera: str | None = None
    zone: str | None = None
    score: float | None = None
    data: dict[str, Json] = {}


class Expected(Struct):
    """Say what the rule must do. ``target`` and ``data`` name what must be in them; ``*`` in a text is anything.

    ``after_s`` None means at any time, in this order.
    """

    action: str
    target: dict[str, Json] = {}
    data: dict[str, Json] = {}
    after_s: float | None = None


class RuleTest(Struct):
    """Hold one test. ``at`` is the site's local time without a zone, None a fixed noon; ``until_s`` since the begin."""

    name: str
    file: str
    line: int
    expect: tuple[Expected, ...]
    at: datetime | None = None
    states: tuple[Known, ...] = ()
    events: tuple[Happening, ...] = ()
    until_s: float | None = None
