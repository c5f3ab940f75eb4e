"""The few hooks, called once at boot, synchronous, each call fenced by the plugin manager."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pluggy

from .contracts import Camera, Detector, EventKind, Kind, Link, Notifier, Store
from .rule_contracts import Action, Condition, Hub, Trigger

hookspec = pluggy.HookspecMarker("siaga")
hookimpl = pluggy.HookimplMarker("siaga")


@hookspec(firstresult=True)
def find_secret(name: str, folder: str) -> str | None:
    """Return the value of ``!secret name``, or None to let the next plugin look.

    Called while the configuration is read, before any other hook. ``folder`` is where the
    configuration stands. The first answer that is not None wins.
    """


@hookspec
def offer_event_kinds() -> Iterable[EventKind]:
    """Return the kinds of event this plugin tells, with the fields of their ``data``."""
    return ()


@hookspec
def offer_cameras() -> Iterable[Kind[Camera]]:
    """Return camera kinds: what may stand at ``cameras.<id>.type``."""
    return ()


@hookspec
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Return detectors: what may stand at ``cameras.<id>.detect[].type``.

    Called in the hub (for the schema) and in each eye (to make them).
    """
    return ()


@hookspec
def offer_stores() -> Iterable[Kind[Store]]:
    """Return places where pictures are kept."""
    return ()


@hookspec
def offer_notifiers() -> Iterable[Kind[Notifier]]:
    """Return notifier kinds: what may stand at ``notifiers.<id>.type``."""
    return ()


@hookspec
def offer_links() -> Iterable[Kind[Link]]:
    """Return link kinds: what may stand at ``links.<id>.type``."""
    return ()


@hookspec
def offer_triggers() -> Iterable[Kind[Trigger]]:
    """Return triggers: what may stand at ``triggers[].trigger`` of a rule."""
    return ()


@hookspec
def offer_conditions() -> Iterable[Kind[Condition]]:
    """Return conditions: what may stand at ``conditions[].condition`` of a rule."""
    return ()


@hookspec
def offer_actions() -> Iterable[Kind[Action]]:
    """Return actions: what may stand at ``actions[].action`` of a rule."""
    return ()


@hookspec
def offer_template_functions() -> Mapping[str, Callable[..., Any]]:
    """Return pure functions that templates may use as filters, by name."""
    return {}


@hookspec
def hub_ready(hub: Hub) -> None:
    """Learn that every part runs; called once, after the cameras were started."""
