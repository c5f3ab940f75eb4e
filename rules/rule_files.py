"""Takes changed rules while the hub runs: reads the files, checks them whole, swaps at once or changes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from ..core.config import LoadedSettings, load_settings
from ..core.errors import Problem, StoreFailed
from ..core.plugin_manager import PluginManager
from ..core.rule_contracts import Hub
from ..core.settings import Settings
from ..core.tasks import TaskHandle, Tasks, back_off_s
from ..core.texts import Texts
from ..core.types import Event, Json, new_id
from .blueprints import folders_of
from .file_watch import FileWatch
from .files_deciding import ReloadOutcome, merged, needs_restart, why_refused
from .parse import load_rules
from .rule import LoadedRules

logger = logging.getLogger(__name__)

# 1,000 rules take less than 2 s; a secret's plugin may ask a vault.
READ_LIMIT_S = 60.0
# Names and problems in an event; a site of a thousand rules must not fill the journal with one.
MOST_NAMED = 50


class ReloadHub(Hub, Protocol):
    """What reloading needs of the hub besides what actions may ask."""

    tasks: Tasks
    problems: tuple[Problem, ...]

    @property
    def plugins(self) -> PluginManager:
        """Return the plugins that offer the words."""
        ...

    def take_people(self, settings: Settings, problems: tuple[Problem, ...]) -> None:
        """Go on with changed rules, scripts, contacts, teams, rotas and holidays."""
        ...


class Report(Protocol):
    """What the engine says of a reload, by the rules' ids."""

    @property
    def new(self) -> tuple[str, ...]:
        """Return the rules that came."""
        ...

    @property
    def changed(self) -> tuple[str, ...]:
        """Return the rules that are others now."""
        ...

    @property
    def gone(self) -> tuple[str, ...]:
        """Return the rules that stand nowhere any more."""
        ...

    @property
    def wrong(self) -> tuple[str, ...]:
        """Return the rules that are off for a mistake."""
        ...


class ReloadEngine(Protocol):
    """What reloading needs of the rule engine."""

    async def reload(self, loaded: LoadedRules) -> Report:
        """Swap the rules; those that are the same keep their runs and timers. StoreFailed."""
        ...


class RuleFiles:
    """Follow the files of the rules as a part of the hub; ``reload`` takes them at once."""

    def __init__(self, hub: ReloadHub, engine: ReloadEngine, *, watch: FileWatch | None = None) -> None:
        self.last: ReloadOutcome | None = None
        self._hub = hub
        self._engine = engine
        self._file = Path(hub.settings.file)
        self._folders: tuple[Path, ...] = ()
        self._disabled = frozenset(plugin.name for plugin in hub.plugins.plugins if plugin.is_disabled)
        self._watch = watch
        self._one_at_a_time = asyncio.Lock()
        self._tasks: list[TaskHandle] = []

    async def start(self) -> None:
        """Follow the files. What was changed since the hub read them is met at once."""
        self._learn_folders((await asyncio.to_thread(load_settings, self._file, self._hub.plugins)).folders)
        watch = self._watch = self._watch or FileWatch(lambda: self._folders)
        self._tasks = [
            self._hub.tasks.start("changed files", watch.listen),
            self._hub.tasks.start("changed rules", lambda: self._follow(watch)),
        ]

    async def stop(self) -> None:
        """Follow no more."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            await task.wait(1.0)

    def ask(self) -> None:
        """Reload as a task of its own, for a signal."""
        self._hub.tasks.start("reload", self._reload_asked, restart=False)

    async def reload(self) -> ReloadOutcome:
        """Read, check and take the files; the outcome says what came of it. StoreFailed when the disk fails."""
        async with self._one_at_a_time:
            return await self._reload(is_asked=True)

    # --- inside ---------------------------------------------------------------------------------

    async def _reload_asked(self) -> None:
        try:
            await self.reload()
        except StoreFailed as err:
            logger.error("the rules could not be read again: %s", err)

    async def _follow(self, watch: FileWatch) -> None:
        while True:
            await watch.changed()
            failures = 0
            while True:
                try:
                    async with self._one_at_a_time:
                        await self._reload(is_asked=False)
                    break
                except StoreFailed as err:
                    failures += 1
                    logger.error("the changed rules could not be taken yet: %s", err)
                    await self._hub.clock.sleep(back_off_s(failures))

    async def _reload(self, *, is_asked: bool) -> ReloadOutcome:
        read = await self._read()
        if read is None:
            return await self._refused((self._too_slow(),), is_asked=is_asked)
        self._learn_folders(read.found.folders)
        found, hub = read.found, self._hub
        refused = why_refused(hub.problems, found.problems, found.settings, is_whole=found.is_whole)
        if found.settings is None or refused:
            return await self._refused(refused or found.problems, is_asked=is_asked)
        restart = needs_restart(hub.settings, found.settings)
        restart += ("plugins",) if frozenset(found.disabled) != self._disabled else ()
        return await self._take(found, read.loaded, restart, is_asked=is_asked)

    async def _take(
        self, found: LoadedSettings, loaded: LoadedRules, restart: tuple[str, ...], *, is_asked: bool
    ) -> ReloadOutcome:
        hub, running, known = self._hub, self._hub.settings, self._hub.problems
        assert found.settings is not None
        hub.take_people(merged(running, found.settings), found.problems)
        try:
            report = await self._engine.reload(loaded)
        except StoreFailed:
            hub.take_people(running, known)
            raise
        outcome = ReloadOutcome(
            at=hub.clock.now(),
            is_taken=True,
            problems=tuple(one.problem for one in loaded.problems),
            added=report.new,
            changed=report.changed,
            removed=report.gone,
            off=report.wrong,
            restart=restart,
        )
        is_news = is_asked or outcome.has_changes or self._is_other(outcome)
        self.last = outcome
        if is_news:
            logger.info("rules read again: %d new, %d changed, %d gone, %d wrong", *_counts(outcome))
            await self._tell("rules.reloaded", _told(outcome))
        return outcome

    async def _refused(self, problems: tuple[Problem, ...], *, is_asked: bool) -> ReloadOutcome:
        outcome = ReloadOutcome(at=self._hub.clock.now(), is_taken=False, problems=problems)
        is_news = is_asked or self._is_other(outcome)
        self.last = outcome
        if is_news:
            for problem in problems:
                logger.error("%s", problem)
            reason = str(problems[0]) if problems else ""
            await self._tell("config.refused", {"reason": reason, "problems": len(problems)})
        return outcome

    def _is_other(self, outcome: ReloadOutcome) -> bool:
        last = self.last or ReloadOutcome(at=outcome.at, is_taken=True)
        same = (outcome.is_taken, outcome.problems, outcome.off, outcome.restart)
        return same != (last.is_taken, last.problems, last.off, last.restart)

    async def _tell(self, kind: str, data: dict[str, Json]) -> None:
        hub = self._hub
        await hub.emit(Event(id=new_id(), site=hub.settings.site.id, kind=kind, at=hub.clock.now(), data=data))

    async def _read(self) -> _Read | None:
        # In a thread: a thousand rules take a second, and the hub's other parts share the loop.
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                return await asyncio.to_thread(_read, self._file, self._hub.plugins, self._hub.settings)
        except TimeoutError:
            return None

    def _too_slow(self) -> Problem:
        what = self._hub.texts("rules.reload.too_slow", seconds=f"{READ_LIMIT_S:g}")
        return Problem(file=self._file.name, line=0, path="", what=what)

    def _learn_folders(self, folders: tuple[Path, ...]) -> None:
        home = self._file.absolute().parent
        found = tuple(dict.fromkeys((home, *folders_of(home), *folders)))
        if found != self._folders:
            self._folders = found
            if self._watch is not None:
                self._watch.note_folders()


class _Read(NamedTuple):
    found: LoadedSettings
    loaded: LoadedRules


def _read(file: Path, plugins: PluginManager, running: Settings) -> _Read:
    """Read everything with the code of ``siaga check``; rules are checked against the cameras that run."""
    found = load_settings(file, plugins)
    loaded = LoadedRules()
    if found.settings is not None:
        loaded = load_rules(
            found.settings.rules, plugins, merged(running, found.settings), Texts(running.site.language)
        )
    return _Read(found, loaded)


def _told(outcome: ReloadOutcome) -> dict[str, Json]:
    def few(names: Iterable[str]) -> list[Json]:
        return list(names)[:MOST_NAMED]

    return {
        "added": few(outcome.added),
        "changed": few(outcome.changed),
        "removed": few(outcome.removed),
        "off": few(outcome.off),
        "restart": few(outcome.restart),
    }


def _counts(outcome: ReloadOutcome) -> tuple[int, int, int, int]:
    return len(outcome.added), len(outcome.changed), len(outcome.removed), len(outcome.off)
