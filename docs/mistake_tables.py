"""Makes the tables of what Siaga says about mistakes, from the catalogue of texts."""

from __future__ import annotations

import re

from siaga.core.texts import catalogue

# By the table's name: the beginnings of the keys that belong to it, and those that are no sentence of their own.
TABLES = {
    "yaml": ("yaml.", "blueprints.yaml."),
    "check": ("config.", "check.", "rules.check.", "blueprints.check."),
    "template": ("rules.template.",),
}
# Parts that are put behind a sentence, or into one.
_ENDINGS = re.compile(
    r"check\.(type_|did_you_mean|found|is_empty|known_keys|dash_slip|colon_slip)|config\.group_|_hint$"
)


def mistake_tables() -> dict[str, str]:
    """Return each table by its name as a part of the reference."""
    return {f"mistakes {name}": _table(begins) for name, begins in TABLES.items()}


def _table(begins: tuple[str, ...]) -> str:
    said = sorted(key for key in catalogue() if key.startswith(begins) and not _ENDINGS.search(key))
    rows = "".join(f"| {_cell(catalogue()[key]['id'])} | {_cell(catalogue()[key]['en'])} |\n" for key in said)
    return f"| Siaga menulis | *Siaga says* |\n| --- | --- |\n{rows}"


def _cell(text: str) -> str:
    """Return a text with an ellipsis for what is filled in."""
    shown = re.sub(r"\{\{|\}\}|\{\w+\}", lambda one: {"{{": "{", "}}": "}"}.get(one[0], "…"), text.strip())
    return shown.replace("|", r"\|").replace("<", "&lt;").replace("\n", " ").replace("*", r"\*")
