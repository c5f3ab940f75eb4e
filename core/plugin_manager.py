"""Loads built-in, installed and local plugins; fences each, and says by name and reason which is off."""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import pluggy

from . import hookspecs
from .api_version import MARK, check_api, said_in
from .contracts import Camera, Detector, EventKind, Kind, Link, Notifier, Store
from .errors import PluginError, SiagaError
from .plugin_imports import HEAVY, Candidate, HeavyGuard, built_ins, forget, in_folder, installed, why
from .plugin_offers import GROUPS, check_marks, read_offers
from .rule_contracts import Action, Condition, Hub, Trigger
from .texts import Texts
from .types import Struct

logger = logging.getLogger(__name__)
R = TypeVar("R")

BUILT_INS = (
    "siaga.core.secrets",
    "siaga.core.event_kinds",
    "siaga.core.device_event_kinds",
    "siaga.plugins.cameras.rtsp",
    "siaga.plugins.cameras.file",
    "siaga.plugins.cameras.demo",
    "siaga.plugins.cameras.pictures",
    "siaga.plugins.cameras.hikvision",
    "siaga.plugins.cameras.dahua",
    "siaga.plugins.cameras.frigate",
    "siaga.plugins.cameras.onvif",
    "siaga.plugins.cameras.zoneminder",
    "siaga.plugins.detectors.objects",
    "siaga.plugins.detectors.crowd",
    "siaga.plugins.detectors.flood",
    "siaga.plugins.detectors.tamper",
    "siaga.plugins.detectors.behaviour",
    "siaga.plugins.detectors.brawl",
    "siaga.plugins.detectors.fire",
    "siaga.plugins.detectors.left",
    "siaga.plugins.detectors.plates",
    "siaga.plugins.notifications.whatsapp",
    "siaga.plugins.notifications.webhook",
    "siaga.plugins.notifications.log",
    "siaga.plugins.storage.local",
    "siaga.plugins.links.mqtt",
    "siaga.rules.triggers",
    "siaga.rules.trigger_mqtt",
    "siaga.rules.trigger_webhook",
    "siaga.rules.trigger_state",
    "siaga.rules.trigger_time",
    "siaga.rules.trigger_hub",
    "siaga.rules.conditions",
    "siaga.rules.condition_state",
    "siaga.rules.condition_moment",
    "siaga.rules.actions",
    "siaga.rules.camera_actions",
    "siaga.rules.ptz_actions",
    "siaga.rules.incident_actions",
    "siaga.rules.template_functions",
)
# An eye needs detectors and nothing else: each further room would cost every eye its memory.
_EYE_BUILT_INS = tuple(name for name in BUILT_INS if ".detectors." in name)
_EYE_HOOKS = ("offer_detectors",)


class PluginState(Struct):
    """Say how a plugin is. ``source``: ``siaga``, a package with its version, or a path.

    ``offers`` as ``cameras.rtsp``. ``is_disabled``: off because the configuration says so. One that is on may
    have a ``reason`` too: something of it went wrong later.
    """

    name: str
    source: str
    is_on: bool
    reason: str = ""
    offers: tuple[str, ...] = ()
    is_disabled: bool = False


class PluginManager:
    """Know every plugin and what the working ones offer.

    ``folder`` is where the configuration stands (its ``plugins`` folder is looked into), None for none.
    ``in_hub`` refuses av, cv2 and onnxruntime at import. ``disabled`` names plugins that are not even imported;
    ``only`` names the one that is.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        in_hub: bool,
        disabled: Iterable[str] = (),
        texts: Texts | None = None,
        built_ins: tuple[str, ...] | None = None,
        only: str | None = None,
    ) -> None:
        self._folder = folder
        self._in_hub = in_hub
        self._disabled = frozenset(disabled)
        self._only = only
        self._texts = texts or Texts("id")
        self._built_ins = built_ins if built_ins is not None else BUILT_INS if in_hub else _EYE_BUILT_INS
        self._hooks = tuple(GROUPS) if in_hub else _EYE_HOOKS
        self._pluggy = pluggy.PluginManager("siaga")
        self._pluggy.add_hookspecs(hookspecs)
        self._states: dict[str, PluginState] = {}
        self._offers: dict[str, dict[str, Any]] = {group: {} for group in GROUPS.values()}
        self._owners: dict[tuple[str, str], str] = {}

    def load(self) -> None:
        """Find, import and ask every plugin; never raises for what a plugin does. Once, at boot."""
        for candidate in self._candidates():
            if self._only not in (None, candidate.name):
                continue
            if candidate.name in self._states:
                self._note_same_name(candidate)
            elif candidate.name in self._disabled:
                self._set_off(candidate.name, candidate.source, self._texts("plugin.disabled"), is_disabled=True)
            else:
                self._load_one(candidate)

    # --- what the working plugins offer ---------------------------------------------------------

    @property
    def cameras(self) -> Mapping[str, Kind[Camera]]:
        """Return camera kinds by name."""
        return self._group("cameras")

    @property
    def detectors(self) -> Mapping[str, Kind[Detector]]:
        """Return detector kinds by name."""
        return self._group("detectors")

    @property
    def stores(self) -> Mapping[str, Kind[Store]]:
        """Return kinds of picture store by name."""
        return self._group("stores")

    @property
    def notifiers(self) -> Mapping[str, Kind[Notifier]]:
        """Return notifier kinds by name."""
        return self._group("notifiers")

    @property
    def links(self) -> Mapping[str, Kind[Link]]:
        """Return link kinds by name."""
        return self._group("links")

    @property
    def triggers(self) -> Mapping[str, Kind[Trigger]]:
        """Return triggers by name."""
        return self._group("triggers")

    @property
    def conditions(self) -> Mapping[str, Kind[Condition]]:
        """Return conditions by name."""
        return self._group("conditions")

    @property
    def actions(self) -> Mapping[str, Kind[Action]]:
        """Return actions by name."""
        return self._group("actions")

    @property
    def event_kinds(self) -> Mapping[str, EventKind]:
        """Return the documented kinds of event by name."""
        return self._group("event_kinds")

    @property
    def template_functions(self) -> Mapping[str, Callable[..., Any]]:
        """Return template filters by name."""
        return self._group("template_functions")

    @property
    def plugins(self) -> tuple[PluginState, ...]:
        """Return every plugin that was found, on or off, in the order of loading."""
        return tuple(self._states.values())

    def off_plugin_for(self, group: str, kind: str) -> PluginState | None:
        """Return the plugin that is off and would offer a kind, as far as its offers or its name tell."""
        for state in self._states.values():
            last = state.name.replace("_", ".").rsplit(".", 1)[-1]
            if not state.is_on and (f"{group}.{kind}" in state.offers or kind in (state.name, last)):
                return state
        return None

    def owner(self, group: str, kind: str) -> PluginState | None:
        """Return the plugin that offers a kind."""
        return self._states.get(self._owners.get((group, kind), ""))

    # --- calls into plugins, fenced -------------------------------------------------------------

    def find_secret(self, name: str, folder: Path | str) -> str | None:
        """Return the value of ``!secret name``; PluginError when one plugin failed and no other knows it."""
        failed = ""
        for impl in reversed(self._pluggy.hook.find_secret.get_hookimpls()):
            values = {"name": name, "folder": str(folder)}
            try:
                value = self._fenced(impl.function, *(values[argument] for argument in impl.argnames))
            except SiagaError as err:
                # A stranger's exception may quote what it read: only its type is told.
                told = str(err) if err.__cause__ is None else type(err.__cause__).__name__
                failed = self._texts("plugin.secret_failed", plugin=impl.plugin_name, name=name, error=told)
                continue
            if isinstance(value, str):
                return value
        if failed:
            raise PluginError(failed)
        return None

    def hub_ready(self, hub: Hub) -> tuple[PluginState, ...]:
        """Tell every plugin that the hub runs; return those that failed (what they offer goes on working)."""
        failed = []
        for impl in reversed(self._pluggy.hook.hub_ready.get_hookimpls()):
            try:
                self._fenced(impl.function, *([hub] if impl.argnames else []))
            except SiagaError as err:
                reason = self._texts("plugin.hook_failed", hook="hub_ready", error=err)
                state = self._states[impl.plugin_name]
                self._states[impl.plugin_name] = PluginState(
                    name=state.name, source=state.source, is_on=True, reason=reason, offers=state.offers
                )
                failed.append(self._states[impl.plugin_name])
                logger.error("plugin %s: %s", state.name, reason)
        return tuple(failed)

    def make(self, kind: Kind[R], *arguments: object) -> R:
        """Build what a kind offers. PluginError, or the SiagaError that the plugin raised."""
        return self._fenced(kind.make, *arguments)

    def fence(self, call: Callable[[], R]) -> R:
        """Call what a plugin built (a detector's look). PluginError, or the SiagaError that the plugin raised."""
        return self._fenced(call)

    async def guard(self, work: Awaitable[R], name: str) -> R:
        """Await a plugin's work; what is no SiagaError becomes a PluginError that names ``name``."""
        try:
            return await work
        except SiagaError:
            raise
        except (Exception, SystemExit) as err:
            logger.exception("%s failed in a way it should not", name)
            raise PluginError(f"{name}: {why(err, self._texts)}") from err

    # --- inside ---------------------------------------------------------------------------------

    def _fenced(self, call: Callable[..., R], *arguments: object) -> R:
        try:
            return call(*arguments)
        except SiagaError:
            raise
        except (Exception, SystemExit) as err:
            raise PluginError(why(err, self._texts)) from err

    def _candidates(self) -> Iterable[Candidate]:
        yield from built_ins(self._built_ins, __package__.rpartition(".")[0])
        yield from installed()
        if self._folder is not None:
            yield from in_folder(self._folder / "plugins")

    def _load_one(self, candidate: Candidate) -> None:
        name, source = candidate.name, candidate.source
        try:
            check_api(said_in(candidate.file), self._texts)
            plugin = self._import(candidate)
            check_api(self._fenced(getattr, plugin, MARK, None), self._texts)
            self._register(name, plugin)
        except PluginError as err:
            self._set_off(name, source, str(err))
            return
        found: dict[str, dict[str, Any]] = {}
        try:
            for hook, impl in self._impls(plugin):
                if hook in self._hooks:
                    found[hook] = self._ask(impl, hook)
            self._take(name, found)
        except PluginError as err:
            self._pluggy.unregister(plugin, name)
            self._set_off(name, source, str(err), offers=_names(found))
            return
        self._states[name] = PluginState(name=name, source=source, is_on=True, offers=_names(found))

    def _import(self, candidate: Candidate) -> object:
        before = set(sys.modules)
        guard = HeavyGuard()
        plugin: object = None
        try:
            if self._in_hub:
                with guard:
                    plugin = candidate.load()
            else:
                plugin = candidate.load()
        except (Exception, SystemExit) as err:
            if not guard.asked:
                raise PluginError(self._import_reason(candidate, err)) from err
        asked = guard.asked or [name for name in HEAVY if self._in_hub and name in sys.modules and name not in before]
        if asked:
            if plugin is not None:
                forget(plugin, before)
            raise PluginError(self._texts("plugin.heavy", library=asked[0]))
        return plugin

    def _import_reason(self, candidate: Candidate, err: BaseException) -> str:
        missing = err.name if isinstance(err, ModuleNotFoundError) and err.name else ""
        if candidate.source == "siaga" and missing.endswith(f".{candidate.name}"):
            return self._texts("plugin.not_there")
        if isinstance(err, (ModuleNotFoundError, SyntaxError)):
            return why(err, self._texts)
        return self._texts("plugin.import_failed", error=why(err, self._texts))

    def _register(self, name: str, plugin: object) -> None:
        marks = self._fenced(self._marks, plugin)
        check_marks(plugin, marks, self._texts)
        try:
            self._pluggy.register(plugin, name)
        except (Exception, SystemExit) as err:
            raise PluginError(self._texts("plugin.import_failed", error=why(err, self._texts))) from err

    def _marks(self, plugin: object) -> dict[str, pluggy.HookimplOpts]:
        found = {name: self._pluggy.parse_hookimpl_opts(plugin, name) for name in dir(plugin)}
        return {name: options for name, options in found.items() if options is not None}

    def _impls(self, plugin: object) -> list[tuple[str, pluggy.HookImpl]]:
        callers = self._pluggy.get_hookcallers(plugin) or []
        return [(caller.name, impl) for caller in callers for impl in caller.get_hookimpls() if impl.plugin is plugin]

    def _ask(self, impl: pluggy.HookImpl, hook: str) -> dict[str, Any]:
        try:
            return self._fenced(lambda: read_offers(hook, impl.function(), self._texts))
        except PluginError as err:
            if err.__cause__ is None:
                raise  # said already which hook and what
            raise PluginError(self._texts("plugin.hook_failed", hook=hook, error=err)) from err
        except SiagaError as err:
            raise PluginError(self._texts("plugin.hook_failed", hook=hook, error=err)) from err

    def _take(self, name: str, found: dict[str, dict[str, Any]]) -> None:
        for hook, offers in found.items():
            # Two detectors may both see people: a kind of event has no one owner, its first description counts.
            for offer in offers if hook != "offer_event_kinds" else ():
                if other := self._owners.get((GROUPS[hook], offer)):
                    raise PluginError(self._texts("plugin.twice", hook=hook, name=offer, other=other))
        for hook, offers in found.items():
            self._offers[GROUPS[hook]] = offers | self._offers[GROUPS[hook]]
            self._owners.update({(GROUPS[hook], offer): name for offer in offers})

    def _note_same_name(self, candidate: Candidate) -> None:
        unique = f"{candidate.name} ({candidate.source})"
        self._set_off(unique, candidate.source, self._texts("plugin.same_name", name=candidate.name))

    def _set_off(
        self, name: str, source: str, reason: str, *, offers: tuple[str, ...] = (), is_disabled: bool = False
    ) -> None:
        self._states[name] = PluginState(
            name=name, source=source, is_on=False, reason=reason, offers=offers, is_disabled=is_disabled
        )
        logger.log(logging.INFO if is_disabled else logging.WARNING, "plugin %s is off: %s", name, reason)

    def _group(self, group: str) -> Mapping[str, Any]:
        return MappingProxyType(self._offers[group])


def _names(found: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    return tuple(f"{GROUPS[hook]}.{offer}" for hook, offers in found.items() for offer in offers)
