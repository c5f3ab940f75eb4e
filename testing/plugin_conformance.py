"""The checks that every plugin must pass, whatever it offers: its version, its hooks, its options, its factory."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, ClassVar

import pluggy

from ..core.api_version import MARK, check_api
from ..core.contracts import Kind
from ..core.errors import PluginError
from ..core.plugin_imports import HEAVY
from ..core.plugin_offers import check_marks, read_offers
from ..core.texts import Texts
from .findings import fail, folder_of
from .hurried_loop import HurriedLoop
from .leaks import threads_left
from .option_checks import option_faults, refusal_faults

_LONGEST_SUMMARY = 160
_IMPORT = """
import importlib, sys
from siaga.core.plugin_imports import HeavyGuard
with HeavyGuard() as guard:
    try:
        importlib.import_module(sys.argv[1])
    except ImportError:
        if not guard.asked:
            raise
print(*guard.asked)
"""


class PluginConformance:
    """Stand below the classes of each kind of plugin; ``module``, ``kind`` and ``right`` are the plugin's.

    Every check is a test method of its own and runs its own event loop: pytest alone is needed.
    """

    module: ModuleType
    kind: str
    hook: ClassVar[str] = ""
    # Libraries of another kind than pytest's own may need longer.
    limit_s: ClassVar[float] = 60.0

    def right(self) -> dict[str, Any]:
        """Return options that are right, as an operator would write them."""
        return {}

    # --- the checks -----------------------------------------------------------------------------

    def test_the_module_says_for_which_api_it_was_made(self) -> None:
        """``SIAGA_API = "1"`` stands in the module, and this Siaga offers it."""
        said = getattr(self.module, MARK, None)
        if said is None:
            fail(f'write {MARK} = "1" at the top level of {self.module.__name__}: a later Siaga knows it by that')
        try:
            check_api(said, Texts("en"))
        except PluginError as err:
            fail(f"{self.module.__name__} {err}")

    def test_the_hooks_are_those_of_siaga_and_offer_the_kind(self) -> None:
        """Every ``@hookimpl`` is a hook with its right arguments, and one offers ``kind``, its schema and factory."""
        self.offer()

    def test_a_line_in_each_language_says_what_it_is(self) -> None:
        """``summary`` and ``summary_en`` are one line each."""
        offer = self.offer()
        for name in ("summary", "summary_en"):
            words = getattr(offer, name)
            if not words.strip() or "\n" in words or len(words) > _LONGEST_SUMMARY:
                fail(f"Kind({self.kind!r}).{name} must be one line of at most {_LONGEST_SUMMARY} letters: {words!r}")

    def test_every_option_says_what_it_means_its_type_and_its_default(self) -> None:
        """The schema is the manual: each key has a description, a type, and a default that its own check takes."""
        self._none_of(option_faults(self.offer().schema))

    def test_wrong_options_are_refused(self) -> None:
        """A misspelt key, and a missing one that is required, are told by the schema as ``vol.Invalid``."""
        self._none_of(refusal_faults(self.offer().schema, self.right()))

    def test_importing_it_loads_no_pixel_library(self) -> None:
        """``av``, ``cv2`` and ``onnxruntime`` are refused in the hub: import them in the factory."""
        name = self.module.__name__
        folder = folder_of(self.module)
        paths = [*sys.path, str(folder.parent)]
        asked = subprocess.run(
            [sys.executable, "-c", _IMPORT, name],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            capture_output=True,
            text=True,
            timeout=self.limit_s,
        )
        if asked.returncode:
            fail(f"{name} cannot be imported alone:\n{asked.stderr.strip()[-1500:]}")
        if names := [heavy for heavy in HEAVY if heavy in asked.stdout.split()]:
            fail(f"importing {name} loads {', '.join(names)}: import it inside the factory, or in a module of its own")

    # --- what the checks stand on ---------------------------------------------------------------

    def offer(self) -> Kind[Any]:
        """Return the ``Kind`` that the module offers; a failure in words where it offers none."""
        texts = Texts("en")
        parse = pluggy.PluginManager("siaga").parse_hookimpl_opts
        marks = {name: options for name in dir(self.module) if (options := parse(self.module, name)) is not None}
        try:
            check_marks(self.module, marks, texts)
            name = next((name for name in marks if name == self.hook), None)
            if name is None:
                fail(f"{self.module.__name__} has no hook {self.hook}: a function of that name, marked @hookimpl")
            offers = read_offers(self.hook, getattr(self.module, name)(), texts)
        except PluginError as err:
            fail(f"{self.module.__name__}: {err}")
        if self.kind not in offers:
            fail(f"{self.hook} offers {', '.join(offers) or 'nothing'}, not {self.kind!r}")
        offer: Kind[Any] = offers[self.kind]
        return offer

    def checked(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return options as the hub hands them over: checked, with their defaults."""
        checked: dict[str, Any] = self.offer().schema(dict(options))
        return checked

    def run(self, check: Callable[[Path], Awaitable[None]]) -> None:
        """Run one check in an event loop of its own, with a folder that is deleted afterwards."""

        async def limited(folder: str) -> None:
            async with asyncio.timeout(None) as limit:
                # In real seconds: the loop's own may be hurried.
                timer = threading.Timer(self.limit_s, loop.call_soon_threadsafe, (limit.reschedule, loop.time()))
                timer.daemon = True
                timer.start()
                try:
                    await check(Path(folder))
                finally:
                    timer.cancel()

        loop = HurriedLoop()
        with TemporaryDirectory(prefix="siaga-") as folder, asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                runner.run(limited(folder))
            except TimeoutError:
                fail(f"the check did not end within {self.limit_s:g} s")

    def run_without_threads_left(self, check: Callable[[Path], Awaitable[None]]) -> None:
        """Run a check; afterwards no thread stands that was not there before."""
        before = set(threading.enumerate())
        self.run(check)
        if names := threads_left(before):
            fail(f"after stop these threads still run: {', '.join(names)}; end them in stop()")

    def _none_of(self, faults: list[str]) -> None:
        if faults:
            fail("\n".join(faults))
