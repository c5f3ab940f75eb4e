"""Writes a new plugin: a package that installs, runs and tests itself, to be made one's own."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path

from ..core.errors import PluginError
from ..core.texts import Texts

KINDS = ("camera", "detector", "store", "notifier", "action")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LONGEST = 40


def write_plugin(kind: str, name: str, folder: Path, texts: Texts) -> list[Path]:
    """Write a plugin ``siaga-<name>`` below a folder; return the files. PluginError in words where it cannot be."""
    if kind not in KINDS:
        raise PluginError(texts("kit.no_kind", kind=kind, known=", ".join(KINDS)))
    module = f"siaga_{name.replace('-', '_')}"
    if not _NAME.fullmatch(name) or len(name) > _LONGEST or keyword.iskeyword(name):
        raise PluginError(texts("kit.bad_name", name=name))
    root = folder / f"siaga-{name}"
    if root.exists():
        raise PluginError(texts("kit.is_there", path=root))
    title = "".join(part.title() for part in re.split("[-_]", name))
    words = {"NAME": name, "MODULE": module, "KIND": kind, "TITLE": title, "WORD": name.replace("-", "_")}
    files = {
        root / "pyproject.toml": "pyproject.toml",
        root / "README.md": "README.md",
        root / ".gitignore": "gitignore",
        root / "src" / module / "__init__.py": f"{kind}.py",
        root / "src" / module / "py.typed": "",
        root / "tests" / f"test_{module}.py": f"test_{kind}.py",
    }
    try:
        for file, template in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_filled(template, words) if template else "", "utf-8")
    except OSError as err:
        raise PluginError(texts("kit.not_written", path=root, why=err.strerror or err)) from err
    return list(files)


def _filled(template: str, words: dict[str, str]) -> str:
    # Plain marks: Python and TOML are full of brackets and braces.
    source = (resources.files(__package__) / "templates" / f"{template}.txt").read_text("utf-8")
    for name, word in words.items():
        source = source.replace(f"%{name}%", word)
    return source
