"""Writes the generated parts of the documentation from schemas, hooks and contracts.

usage: python docs/make_reference.py          writes them
       python docs/make_reference.py --check  says which are out of date, exit code 1

A generated part stands between ``<!-- generated: name -->`` and ``<!-- /generated -->``.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import voluptuous as vol
from jinja2 import StrictUndefined

sys.path.insert(0, str(Path(__file__).resolve().parent))

import api_record  # type: ignore[import-not-found]  # beside this script
from blueprint_pages import pages  # type: ignore[import-not-found]  # beside this script
from mistake_tables import mistake_tables  # type: ignore[import-not-found]  # beside this script
from reference_types import Unspoken, shown, words_of  # type: ignore[import-not-found]  # beside this script

from siaga import core
from siaga.core import (
    config_schemas,
    contracts,
    errors,
    hookspecs,
    outputs,
    people_schemas,
    rule_contracts,
    settings,
    types,
)
from siaga.core.contracts import EventKind, Kind
from siaga.core.plugin_manager import PluginManager
from siaga.core.plugin_offers import HOOKS
from siaga.core.texts import Texts
from siaga.core.validators import Each
from siaga.evaluation import report
from siaga.rules import blueprint_inputs, blueprint_use, parse, parse_triggers, selectors, step_schemas
from siaga.rules.sandbox import RuleEnvironment
from siaga.rules.trial import read_tests

DOCS = Path(__file__).resolve().parent
BENCH = DOCS.parent / "bench" / "results"
FILES = (
    *(
        DOCS / "operators" / f"{name}.md"
        for name in (
            "konfigurasi",
            "aturan",
            "tindakan",
            "templat",
            "kejadian",
            "cetak-biru",
            "kesalahan",
            "uji-aturan",
        )
    ),
    DOCS / "vendors" / "camera-plugin.md",
    DOCS / "vendors" / "other-plugins.md",
    DOCS / "detectors.md",
    DOCS.parent / "README.md",
)
PART = re.compile(r"(<!-- generated: (?P<name>[\w. ]+) -->\n)(?P<body>.*?)(<!-- /generated -->)", re.DOTALL)
SECTIONS = ("site", "web", "storage", "media", "place", "camera", "plugins")
PEOPLE = ("contact", "team", "rota")
STEPS = (
    *("action", "delay", "choose", "option", "if", "repeat", "loop", "sequence", "parallel", "wait_for_trigger"),
    *("wait_template", "variables", "stop", "script", "field"),
)
PROTOCOLS = ("Camera", "Ptz", "Services", "Detector", "Resumes", "Store", "Notifier", "Carries")
TRAVELS = ("Frame", "Detection", "Observation", "Sighting", "Notice", "Receipt", "ActionCall", "ActionResult")
ERRORS = ("CameraLost", "AuthFailed", "NotSupported")
_INDONESIAN, _ENGLISH = Texts("id"), Texts("en")


def parts() -> dict[str, str]:
    """Return every generated part by name. Unspoken where a key has no description."""
    plugins = PluginManager(None, in_hub=True)
    plugins.load()
    made = {name: options(getattr(config_schemas, name.upper()), name) for name in SECTIONS}
    made |= {name: options(getattr(people_schemas, name.upper()), name) for name in PEOPLE}
    made["rule"] = options(parse.RULE, "rule")
    made["rule tests"] = options(read_tests.TEST, "rule tests")
    made["trigger"] = options(parse_triggers.TRIGGER_HEAD, "trigger")
    made |= {f"step {name}": options(getattr(step_schemas, name.upper()), name) for name in STEPS}
    groups = ("cameras", "detectors", "notifiers", "links", "triggers", "conditions", "actions")
    for group in groups:
        kinds: Mapping[str, Kind[Any]] = getattr(plugins, group)
        made[group] = summaries(kinds)
        made |= {f"{group} {name}": options(kind.schema, f"{group} {name}") for name, kind in kinds.items()}
    made |= {
        "use_blueprint": options(blueprint_use.USE_BLUEPRINT, "use_blueprint"),
        "blueprint": options(blueprint_inputs.HEAD, "blueprint"),
        "blueprint input": options(blueprint_inputs.INPUT, "blueprint input"),
        "blueprint section": options(blueprint_inputs.SECTION, "blueprint section"),
        "selectors": selectors_table(),
        "blueprints": pages(plugins),
    }
    made |= mistake_tables()
    made["events"] = events(plugins.event_kinds.values())
    made["filters"] = filters(plugins.template_functions)
    made["hooks"] = python("\n\n\n".join(hook(name) for name in HOOKS))
    made["vendor names"] = ", ".join(f"`{name}`" for name in core.__all__) + "\n"
    made |= {f"contract {name}": python(inspect.getsource(getattr(contracts, name))) for name in PROTOCOLS}
    made |= {f"contract {name}": python(fields(getattr(types, name))) for name in TRAVELS}
    made["contract Wants"] = python(fields(contracts.Wants))
    made["contract LookContext"] = python(fields(contracts.LookContext))
    made["contract Action"] = python(inspect.getsource(rule_contracts.Action))
    made["contract SendFailed"] = python(inspect.getsource(errors.SendFailed))
    made["contract Outputs"] = python(inspect.getsource(outputs.Outputs))
    made["contract Kind"] = python(inspect.getsource(contracts.Kind).split("\n        self.name", 1)[0] + " ...")
    made["contract StreamSource"] = python(fields(contracts.StreamSource))
    made["contract CameraSettings"] = python(fields(settings.CameraSettings))
    made |= worth(BENCH / "detectors.json")
    made["errors"] = python("\n\n\n".join(inspect.getsource(getattr(errors, name)).rstrip() for name in ERRORS))
    return made


def worth(file: Path) -> dict[str, str]:
    """Return the tables of what the detectors are worth: all figures, and those that have a goal."""
    reports = report.from_json(file.read_bytes())
    goals = [msgspec.structs.replace(one, figures=tuple(f for f in one.figures if f.goal)) for one in reports]
    return {
        "detectors worth": report.table(reports),
        "detectors goals": report.table(one for one in goals if one.figures),
    }


def options(schema: Any, name: str) -> str:  # noqa: ANN401  a schema or what one may wrap
    """Return a table of every key that a schema takes, nested ones too."""
    rows = list(_rows(_mapping(schema), "", name))
    if not rows:
        return "Tidak ada kunci lain. / *No further keys.*\n"
    return "| kunci / key | jenis / type | baku / default | arti / meaning |\n| --- | --- | --- | --- |\n" + "".join(
        rows
    )


def summaries(kinds: Mapping[str, Kind[Any]]) -> str:
    """Return a table of kinds, one line each."""
    rows = (
        f"| `{name}` | {kind.summary.rstrip('.')}<br>*{kind.summary_en.rstrip('.')}* |\n"
        for name, kind in kinds.items()
    )
    return "| nama / name | arti / meaning |\n| --- | --- |\n" + "".join(rows)


def events(kinds: Iterable[EventKind]) -> str:
    """Return a table of the kinds of event; the many ``object.*`` are one row."""
    rows, labels, fields_of_objects = [], [], {}
    for kind in kinds:
        if kind.name.startswith("object."):
            labels.append(kind.name.removeprefix("object."))
            fields_of_objects = kind.fields
        else:
            rows.append(_event_row(kind.name, kind.summary, kind.fields))
    rows.append(_event_row("object.<label>", "Benda terlihat; label di bawah tabel", fields_of_objects))
    table = "| jenis / kind | arti / meaning | data |\n| --- | --- | --- |\n" + "".join(rows)
    return f"{table}\n`<label>`: {', '.join(labels)}\n"


def selectors_table() -> str:
    """Return every selector of a blueprint with its options."""
    rows = []
    for name, selector in selectors.SELECTORS.items():
        key = f"blueprints.selector.{name}"
        if not _INDONESIAN.has(key):
            raise Unspoken(f"the selector {name} has no text {key}")
        known = _mapping(selector.schema)
        told = "<br>".join(f"`{option}`: {_INDONESIAN(option.description)}" for option in known) or "–"
        rows.append(f"| `{name}` | {_INDONESIAN(key)}<br>*{_ENGLISH(key)}* | {told} |\n")
    return "| pemilih / selector | nilainya / its value | pilihan / options |\n| --- | --- | --- |\n" + "".join(rows)


def filters(functions: Mapping[str, Any]) -> str:
    """Return the names of every filter that a template may use."""
    names = sorted(name for name in RuleEnvironment({}, StrictUndefined).filters if not name.startswith("_"))
    own = ", ".join(f"`{name}`" for name in functions)
    return f"Buatan Siaga / *Siaga's own*: {own}.\n\nDari Jinja2 / *Jinja2's*: {', '.join(f'`{n}`' for n in names)}.\n"


def hook(name: str) -> str:
    """Return a hook's signature and its docstring, as a plugin would write it."""
    function = getattr(hookspecs, name)
    said = inspect.getdoc(function) or ""
    lines = said.splitlines()
    body = f'    """{lines[0]}' + "".join("\n" + f"    {line}".rstrip() for line in lines[1:])
    end = '"""' if len(lines) == 1 else '\n    """'
    return f"def {name}{inspect.signature(function)}:\n{body}{end}".replace("'", "")


def fields(struct: Any) -> str:  # noqa: ANN401  any of our structs
    """Return a struct's docstring and fields, without its methods."""
    lines = inspect.getsource(struct).splitlines()
    end = next((number for number, line in enumerate(lines) if line.startswith("    def ")), len(lines))
    return "\n".join(lines[:end]).rstrip()


def python(source: str) -> str:
    """Return source as a fenced block."""
    return f"```python\n{source.rstrip()}\n```\n"


def _event_row(name: str, summary: str, data: Mapping[str, str]) -> str:
    key = f"web.kind.{name}"
    english = f"<br>*{_ENGLISH(key)}*" if _ENGLISH.has(key) else ""
    told = "<br>".join(f"`{field}`: {meaning}" for field, meaning in data.items()) or "–"
    return f"| `{name}` | {summary}{english} | {told} |\n"


def _rows(mapping: dict[Any, Any], above: str, name: str) -> Iterator[str]:
    for key, check in mapping.items():
        path = f"{above}{key}"
        described = getattr(key, "description", None)
        if not isinstance(key, vol.Marker) or not described or not _INDONESIAN.has(described):
            raise Unspoken(f"{name}: the key {path} has no description that is a key of core/texts")
        meaning = f"{_cell(_INDONESIAN(described))}<br>*{_cell(_ENGLISH(described))}*"
        yield f"| `{path}` | {words_of(check)} | {_default(key, check)} | {meaning} |\n"
        inside, sign = _inside(check)
        if inside:
            yield from _rows(inside, f"{path}{sign}.", name)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")


def _default(key: vol.Marker, check: Any) -> str:  # noqa: ANN401
    if isinstance(key, vol.Required):
        return "**wajib**"
    default = getattr(key, "default", vol.UNDEFINED)
    return "–" if isinstance(default, vol.Undefined) else shown(default(), check)


def _inside(check: Any) -> tuple[dict[Any, Any], str]:  # noqa: ANN401
    """Return the mapping inside a part or a list of parts, and the sign that its path gets."""
    sign = ""
    if isinstance(check, Each):
        check, sign = check.schema, "[]"
    elif isinstance(check, vol.Schema):
        check = check.schema
    is_part = isinstance(check, dict) and all(isinstance(key, vol.Marker | str) for key in check)
    return (check if is_part else {}), sign


def _mapping(schema: Any) -> dict[Any, Any]:  # noqa: ANN401
    while not isinstance(schema, dict):
        schema = schema.schema if isinstance(schema, vol.Schema) else schema.validators[0]
    return schema


def renewed(text: str, made: Mapping[str, str]) -> str:
    """Return a document with its generated parts as the code would have them."""
    return PART.sub(lambda found: f"{found[1]}{made[found['name']]}{found[4]}", text)


def main() -> int:
    """Write the parts, or check them."""
    made, is_check, stale = parts(), "--check" in sys.argv, []
    for file in FILES:
        text = file.read_text("utf-8")
        new = renewed(text, made)
        if new != text:
            stale.append(file.name)
            if not is_check:
                file.write_text(new, "utf-8")
    if not api_record.RECORD.exists() or api_record.RECORD.read_text("utf-8") != api_record.record():
        stale.append(api_record.RECORD.name)
        if not is_check:
            api_record.RECORD.write_text(api_record.record(), "utf-8")
    for line in api_record.gone():
        sys.stdout.write(f"gone from the vendor's API, and plugins may rely on it (docs/vendors/api.md): {line}\n")
    if stale:
        sys.stdout.write(f"{'out of date' if is_check else 'written'}: {', '.join(stale)}\n")
    return 1 if is_check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
