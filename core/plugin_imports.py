"""Where plugins are found (built-in, entry point, folder), and how one is imported without a pixel library."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType, TracebackType
from typing import NamedTuple, Self

from .errors import PluginError
from .texts import Texts

HEAVY = ("av", "cv2", "onnxruntime")
ENTRY_POINT_GROUP = "siaga.plugins"
# A library's name for import is not always its name for pip.
_PACKAGES = {
    "cv2": "opencv-python-headless", "onvif": "onvif-zeep-async", "nats": "nats-py", "PIL": "pillow",
    "serial": "pyserial", "yaml": "pyyaml", "paho": "paho-mqtt", "bs4": "beautifulsoup4", "dateutil": "python-dateutil",
}  # fmt: skip


class Candidate(NamedTuple):
    """Name a plugin that was found and not yet imported. ``load`` returns its module or object.

    ``file`` is its source where that can be found without running anything.
    """

    name: str
    source: str
    load: Callable[[], object]
    file: Path | None = None


def built_ins(dotted: Sequence[str], root: str) -> Iterator[Candidate]:
    """Yield the product's own plugins; ``siaga.plugins.cameras.rtsp`` is called ``cameras.rtsp``."""
    for name in dotted:
        inside = name.removeprefix("siaga.")
        module = f"{root}.{inside}"
        yield Candidate(inside.removeprefix("plugins."), "siaga", partial(importlib.import_module, module))


def installed() -> Iterator[Candidate]:
    """Yield what other packages offer by the entry point group ``siaga.plugins``."""
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: (entry.name, entry.value)):
        yield Candidate(entry.name, _source(entry), entry.load, _file_of(entry))


def in_folder(folder: Path) -> Iterator[Candidate]:
    """Yield the files and packages of the ``plugins`` folder beside the configuration."""
    own = Path(__file__).parent.parent / "plugins"
    # In a checkout the example configuration stands beside the product's own plugins.
    if not folder.is_dir() or folder.resolve() == own.resolve():
        return
    for path in sorted(folder.iterdir()):
        file = path / "__init__.py" if path.is_dir() else path
        if path.name[0] not in "._" and file.suffix == ".py" and file.is_file():
            yield Candidate(path.stem, str(path), partial(_load_file, file, path.stem), file)


def _source(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def _file_of(entry: EntryPoint) -> Path | None:
    if "." in entry.module:
        return None  # finding it would run the package above it
    spec = PathFinder.find_spec(entry.module)
    return Path(spec.origin) if spec is not None and spec.origin and spec.origin.endswith(".py") else None


def _load_file(file: Path, name: str) -> ModuleType:
    module_name = f"siaga_plugin_{name}"
    folders = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(module_name, file, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise ImportError(str(file))
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    is_whole = False
    try:
        spec.loader.exec_module(module)
        is_whole = True
    finally:
        if not is_whole:
            sys.modules.pop(module_name, None)
    return module


class HeavyGuard(MetaPathFinder):
    """Refuse pixel libraries while a plugin is imported into the hub, and remember which were asked for.

    Refusing beats loading and undoing: numpy and OpenCV cannot be loaded twice, and the memory never comes back.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        sys.meta_path.insert(0, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for the heavy libraries that are there; asking whether one is there stays allowed."""
        if fullname not in HEAVY or PathFinder.find_spec(fullname, path) is None:
            return None
        return ModuleSpec(fullname, _Refusal(self))


class _Refusal(Loader):
    def __init__(self, guard: HeavyGuard) -> None:
        self._guard = guard

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        self._guard.asked.append(spec.name)
        raise ImportError(f"{spec.name} is not for the hub's process", name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        raise ImportError(f"{module.__name__} is not for the hub's process")


def forget(loaded: object, before: set[str]) -> None:
    """Take a refused plugin's own modules out of ``sys.modules`` again, so that nobody finds half of it."""
    name = loaded.__name__ if isinstance(loaded, ModuleType) else type(loaded).__module__
    for module in [known for known in sys.modules if known == name or known.startswith(name + ".")]:
        if module not in before:
            del sys.modules[module]


def why(err: BaseException, texts: Texts) -> str:
    """Say in one line what a stranger's code raised, and where."""
    if isinstance(err, PluginError):
        return str(err)
    if isinstance(err, ModuleNotFoundError) and err.name:
        library = err.name.split(".")[0]
        return texts("plugin.missing_library", library=err.name, package=_PACKAGES.get(library, library))
    if isinstance(err, SyntaxError):
        return texts("plugin.not_python", file=err.filename or "?", line=err.lineno or 0, why=err.msg)
    frames = traceback.extract_tb(err.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    said = " ".join(str(err).split())[:300]
    return f"{type(err).__name__}: {said}{place}" if said else f"{type(err).__name__}{place}"
