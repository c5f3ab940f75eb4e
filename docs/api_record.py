"""Records the vendor's API, a line for each name, field and signature, and finds what a change took away."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import msgspec

from siaga import core
from siaga.core import hookspecs
from siaga.core.api_version import API_VERSION
from siaga.core.plugin_offers import HOOKS

RECORD = Path(__file__).resolve().parent / "vendors" / "api.txt"
HEAD = "# The vendor's API {version}: what a plugin may rely on. A line that goes or changes breaks plugins.\n"


def api_lines() -> tuple[str, ...]:
    """Return a line for everything that a plugin may import, read or fulfil."""
    lines = [line for name in core.__all__ for line in _of(name, getattr(core, name))]
    lines += [f"hook {name}{inspect.signature(getattr(hookspecs, name))}" for name in HOOKS]
    return tuple(sorted(line.replace("'", "") for line in lines))


def recorded() -> tuple[str, tuple[str, ...]]:
    """Return the version and the lines of the record; today's where nothing was recorded yet."""
    if not RECORD.exists():
        return API_VERSION, ()
    head, *lines = RECORD.read_text("utf-8").splitlines()
    return head.split("API ")[1].split(":")[0], tuple(lines)


def gone() -> tuple[str, ...]:
    """Return the lines of the record that are true no longer; none where the major version grew."""
    version, lines = recorded()
    if version.split(".")[0] != API_VERSION.split(".")[0]:
        return ()
    now = set(api_lines())
    return tuple(line for line in lines if line not in now)


def record() -> str:
    """Return the record as it should stand: what was recorded and is gone stays, until somebody decides."""
    return HEAD.format(version=API_VERSION) + "".join(f"{line}\n" for line in sorted({*api_lines(), *gone()}))


def _of(name: str, what: object) -> Iterator[str]:
    if isinstance(what, ModuleType):
        for inside, part in vars(what).items():
            if not inside.startswith("_") and getattr(part, "__module__", "") == what.__name__:
                yield from _of(f"{name}.{inside}", part)
    elif inspect.isclass(what):
        bases = ", ".join(base.__name__ for base in what.__bases__ if base is not object)
        yield f"class {name}({bases})" if bases else f"class {name}"
        yield from _inside(name, what)
    elif callable(what) and hasattr(what, "__name__"):
        yield f"{name}{inspect.signature(what)}"
    else:
        yield f"{name}: {type(what).__name__}"


def _inside(name: str, what: type) -> Iterator[str]:
    may_lack, told = _optional(what), set[str]()
    for owner in what.__mro__:
        if not owner.__module__.startswith("siaga."):
            continue
        for field, kind in vars(owner).get("__annotations__", {}).items():
            if not field.startswith("_"):
                yield f"{name}.{field}: {kind}{' = ...' if field in may_lack else ''}"
        for method, function in vars(owner).items():
            is_own = isinstance(function, FunctionType) and function.__module__ == owner.__module__
            if method in told:
                continue
            told.add(method)
            if is_own and (method == "__init__" or not method.startswith("_")):
                a = "async " if inspect.iscoroutinefunction(function) else ""
                yield f"{a}{name}.{method}{inspect.signature(function)}"
            elif isinstance(function, property) and not method.startswith("_"):
                yield f"{name}.{method} (property)"


def _optional(struct: Any) -> set[str]:  # noqa: ANN401  any class
    """Return which fields of a struct may be left out; nothing of what is no struct."""
    defaults: tuple[object, ...] = getattr(struct, "__struct_defaults__", ())
    names = struct.__struct_fields__[-len(defaults) :] if defaults else ()
    return {name for name, value in zip(names, defaults, strict=True) if value is not msgspec.NODEFAULT}
