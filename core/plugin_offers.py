"""What a plugin may offer by each hook, and what makes an offer nonsense."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from inspect import signature
from itertools import islice
from types import ModuleType
from typing import Any

import pluggy
import voluptuous as vol

from . import hookspecs
from .checks import did_you_mean
from .contracts import EventKind, Kind
from .errors import PluginError
from .texts import Texts

# hook -> where its offers are listed
GROUPS = {
    "offer_event_kinds": "event_kinds",
    "offer_cameras": "cameras",
    "offer_detectors": "detectors",
    "offer_stores": "stores",
    "offer_notifiers": "notifiers",
    "offer_links": "links",
    "offer_triggers": "triggers",
    "offer_conditions": "conditions",
    "offer_actions": "actions",
    "offer_template_functions": "template_functions",
}
HOOKS = (*GROUPS, "find_secret", "hub_ready")
_KIND_NAME = re.compile(r"[a-z][a-z0-9_]*(?:[.-][a-z0-9_]+)*")
_EVENT_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
_MAX_OFFERS = 500


def check_marks(plugin: object, marks: Mapping[str, pluggy.HookimplOpts], texts: Texts) -> None:
    """Refuse misspelt hooks, wrong arguments, wrappers and forgotten marks. PluginError.

    ``marks`` are the names in ``plugin`` that carry @hookimpl, with its options. pluggy would find most of this
    too, but later, in the words of its makers, and leave the plugin half registered.
    """
    for name, options in marks.items():
        hook = options["specname"] or name
        if hook not in HOOKS:
            raise PluginError(texts("plugin.unknown_hook", hook=hook) + did_you_mean(hook, HOOKS, texts))
        if options["hookwrapper"] or options["wrapper"]:
            raise PluginError(texts("plugin.wrapper", hook=hook))
        known = list(signature(getattr(hookspecs, hook)).parameters)
        strange = [argument for argument in signature(getattr(plugin, name)).parameters if argument not in known]
        if strange:
            names, known_names = ", ".join(strange), ", ".join(known) or "-"
            raise PluginError(texts("plugin.wrong_arguments", hook=hook, names=names, known=known_names))
    for hook in HOOKS:
        if hook not in marks and callable(getattr(plugin, hook, None)) and _is_its_own(plugin, hook):
            raise PluginError(texts("plugin.unmarked_hook", hook=hook))
    if not marks:
        raise PluginError(texts("plugin.no_hooks"))


def _is_its_own(plugin: object, name: str) -> bool:
    if not isinstance(plugin, ModuleType):
        return True
    return getattr(getattr(plugin, name), "__module__", None) == plugin.__name__


def read_offers(hook: str, result: object, texts: Texts) -> dict[str, Any]:
    """Return what a hook offered, by name. PluginError on what is no offer.

    May run the plugin's code (a generator): call it within the fence.
    """
    if result is None:
        return {}
    if hook == "offer_template_functions":
        return _functions(hook, result, texts)
    if isinstance(result, (str, bytes, Mapping)) or not isinstance(result, Iterable):
        raise _not_offered(hook, result, "[Kind, ...]", texts)
    offers: dict[str, Any] = {}
    for offer in islice(result, _MAX_OFFERS + 1):
        name = _event_name(hook, offer, texts) if hook == "offer_event_kinds" else _kind_name(hook, offer, texts)
        if name in offers:
            raise PluginError(texts("plugin.offered_twice", hook=hook, name=name))
        offers[name] = offer
    if len(offers) > _MAX_OFFERS:
        raise PluginError(texts("plugin.too_many", hook=hook, limit=_MAX_OFFERS))
    return offers


def _functions(hook: str, result: object, texts: Texts) -> dict[str, Any]:
    if not isinstance(result, Mapping):
        raise _not_offered(hook, result, "{name: function}", texts)
    for name, function in result.items():
        if not isinstance(name, str) or not name.isidentifier() or not callable(function):
            raise PluginError(texts("plugin.bad_kind", hook=hook, name=name, what="name/function"))
    return dict(result)


def _kind_name(hook: str, offer: object, texts: Texts) -> str:
    if not isinstance(offer, Kind):
        raise _not_offered(hook, offer, "Kind", texts)
    faults = {
        "name": isinstance(offer.name, str) and _KIND_NAME.fullmatch(offer.name),
        "schema": isinstance(offer.schema, vol.Schema),
        "make": callable(offer.make),
        "summary": isinstance(offer.summary, str) and offer.summary.strip(),
    }
    for what, is_right in faults.items():
        if not is_right:
            raise PluginError(texts("plugin.bad_kind", hook=hook, name=offer.name, what=what))
    return offer.name


def _event_name(hook: str, offer: object, texts: Texts) -> str:
    if not isinstance(offer, EventKind):
        raise _not_offered(hook, offer, "EventKind", texts)
    if not isinstance(offer.name, str) or not _EVENT_NAME.fullmatch(offer.name):
        raise PluginError(texts("plugin.bad_kind", hook=hook, name=offer.name, what="name"))
    if not isinstance(offer.fields, dict) or not isinstance(offer.summary, str):
        raise PluginError(texts("plugin.bad_kind", hook=hook, name=offer.name, what="fields/summary"))
    return offer.name


def _not_offered(hook: str, found: object, expected: str, texts: Texts) -> PluginError:
    return PluginError(texts("plugin.not_offered", hook=hook, found=type(found).__name__, expected=expected))
