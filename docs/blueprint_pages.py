"""Writes what each built-in blueprint does, from its file: words, a small picture of its flow, and its inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reference_types import seconds  # type: ignore[import-not-found]  # beside this script

from siaga.core.plugin_manager import PluginManager
from siaga.core.settings import MediaSettings, Settings, SiteSettings, StorageSettings, WebSettings
from siaga.core.texts import Texts
from siaga.rules.blueprint_inputs import Asked
from siaga.rules.blueprints import Blueprint, library


def pages(plugins: PluginManager) -> str:
    """Return a chapter for each blueprint that Siaga brings."""
    nowhere = Settings(
        file="",
        folder="/nowhere",
        site=SiteSettings(id="kelurahan", name="Kelurahan"),
        web=WebSettings(),
        storage=StorageSettings(),
        media=MediaSettings(),
    )
    found = library(plugins, nowhere, Texts("id")).all()
    wrong = [str(problem) for blueprint in found for problem in blueprint.problems]
    if wrong:
        raise ValueError("\n".join(wrong))
    list_of_all = "".join(
        f"| [`{one.name}`](#{one.name}) | {one.label['id']}<br>*{one.label['en']}* |\n" for one in found
    )
    table = f"| nama / name | arti / meaning |\n| --- | --- |\n{list_of_all}\n"
    return table + "\n".join(_chapter(blueprint) for blueprint in found)


def _chapter(blueprint: Blueprint) -> str:
    rows = "".join(_row(one) for one in blueprint.inputs)
    return (
        f"### {blueprint.name}\n\n**{blueprint.label['id']}** / *{blueprint.label['en']}*\n\n"
        f"{blueprint.description['id']}\n\n*{blueprint.description['en']}*\n\n"
        f"```text\n{_picture(blueprint.body)}```\n\n"
        "| isian / input | jenis / type | baku / default | arti / meaning |\n| --- | --- | --- | --- |\n"
        f"{rows}"
    )


def _row(one: Asked) -> str:
    options = one.selection.options
    kind = f"`{one.selection.selector.name}`" + (" (boleh beberapa)" if options.get("multiple") else "")
    meaning = f"{one.label['id']}<br>*{one.label['en']}*"
    return f"| `{one.name}` | {kind} | {_default(one)} | {meaning} |\n"


def _default(one: Asked) -> str:
    if not one.has_default:
        return "**wajib**"
    if one.default in (None, "", [], {}):
        return "kosong"
    value = one.default
    return seconds(value) if one.selection.selector.name == "duration" and isinstance(value, float) else str(value)


def _picture(body: Any) -> str:  # noqa: ANN401  a YAML node
    parts = [("BILA", [_trigger(one) for one in _listed(body.get("triggers"))])]
    if conditions := [str(one.get("alias", "")) for one in _listed(body.get("conditions"))]:
        parts.append(("DAN", conditions))
    parts.append(("LAKUKAN", list(_steps(body.get("actions"), ""))))
    lines = []
    for word, told in parts:
        lines += [f"{word if not number else '':9}{line}" for number, line in enumerate(told)]
        lines.append("  |")
    return "\n".join(line.rstrip() for line in lines[:-1]) + "\n"


def _trigger(node: Any) -> str:  # noqa: ANN401
    kind = node.get("kind", node.get("trigger"))
    told = ", ".join(str(one) for one in _listed(kind))
    lasting = " selama waktu yang diisi" if "for" in node else ""
    return f"{node.get('alias', node.get('trigger'))}{lasting} [{told}]"


def _steps(nodes: Any, indent: str) -> Iterator[str]:  # noqa: ANN401
    for number, node in enumerate(_listed(nodes), 1):
        mark = f"{indent}{number}. "
        if "delay" in node:
            yield f"{mark}{node.get('alias', 'Tunggu')}"
        elif "action" in node:
            yield f"{mark}{node.get('alias', '')} [{node['action']}]"
        else:
            yield f"{mark}{node.get('alias', 'Pilih')}:"
        deeper = indent + "   "
        for key in ("then", "sequence", "parallel"):
            yield from _steps(node.get(key), deeper)
        if "repeat" in node:
            yield from _steps(node["repeat"].get("sequence"), deeper)
        for option in _listed(node.get("choose")):
            yield f"{deeper}- {option.get('alias', '')}:"
            yield from _steps(option.get("sequence"), deeper + "  ")
        for key in ("default", "else"):
            if key in node:
                yield f"{deeper}- selain itu:"
                yield from _steps(node[key], deeper + "  ")


def _listed(value: Any) -> list[Any]:  # noqa: ANN401
    return value if isinstance(value, list) else [] if value is None else [value]
