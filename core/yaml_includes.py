"""Which files an !include may name, and which ones a folder of YAML holds."""

from __future__ import annotations

import os
from pathlib import Path


def inside(root: Path, folder: Path, name: str) -> Path | None:
    """Return the file that ``name`` means, seen from ``folder``; None when it is outside ``root``.

    Compared by name, not after following links: a link that leads outside is the operator's own wish.
    """
    top = os.path.normpath(root.absolute())
    path = os.path.normpath(folder.absolute() / name)
    if Path(name).is_absolute() or not Path(path).is_relative_to(top):
        return None
    return root / os.path.relpath(path, top)


def yaml_files(folder: Path) -> list[Path]:
    """Return the YAML files of a folder by name; hidden ones and those that begin with _ are nobody's."""
    return sorted(file for file in folder.iterdir() if file.suffix in (".yaml", ".yml") and file.name[0] not in "._")
