"""The one catalogue of texts that people read, Indonesian and English, by key.

The texts stand in ``texts/*.yaml`` as ``key: {id: ..., en: ...}``; placeholders are ``{name}``.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import yaml

LANGUAGES = ("id", "en")


class Texts:
    """Speak one language."""

    def __init__(self, language: str = "id") -> None:
        self.language = language if language in LANGUAGES else "id"

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of ``key`` with its placeholders filled.

        A key that does not exist is a KeyError: a missing text is a fault of the program.
        """
        return catalogue()[key][self.language].format(**values)

    def has(self, key: str) -> bool:
        """Say whether the catalogue has the key."""
        return key in catalogue()


@lru_cache(maxsize=1)
def catalogue() -> dict[str, dict[str, str]]:
    """Read every file of the catalogue once. Raises ValueError on a key given in two files."""
    texts: dict[str, dict[str, str]] = {}
    for file in sorted((resources.files(__package__) / "texts").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".yaml"):
            continue
        for key, both in (yaml.safe_load(file.read_text("utf-8")) or {}).items():
            if key in texts:
                raise ValueError(f"text {key!r} stands twice, the second time in {file.name}")
            texts[key] = both
    return texts
