"""Tells on a terminal which blueprints a site may use, and what each needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..core.texts import Texts
from .blueprint_inputs import Asked
from .blueprints import Blueprint


def listed(blueprints: Iterable[Blueprint], texts: Texts) -> Iterator[str]:
    """Return the lines: name, what it is, its inputs; what must be given first."""
    for blueprint in blueprints:
        source = texts("blueprints.list.built_in") if blueprint.is_built_in else blueprint.file
        yield f"{blueprint.name}: {blueprint.label[texts.language]} ({source})"
        for problem in blueprint.problems:
            yield f"    {problem}"
        for one in sorted(blueprint.inputs, key=lambda one: one.has_default):
            yield f"    {one.name:18} {one.selection.selector.name:10} {_need(one, texts)}"


def _need(one: Asked, texts: Texts) -> str:
    label = one.label[texts.language]
    if not one.has_default:
        return texts("blueprints.list.needed", label=label)
    shown = one.default if one.default not in (None, "", [], {}) else texts("blueprints.list.empty")
    return texts("blueprints.list.default", label=label, default=shown)
