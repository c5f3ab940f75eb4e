"""What a check finds, in words: where an error came from, what was logged, whether a secret stands in it."""

from __future__ import annotations

import base64
import inspect
import logging
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import NoReturn
from urllib.parse import quote, quote_plus

import pytest

SHORTEST_SECRET = 4


def fail(words: str) -> NoReturn:
    """End a check with words for the plugin's author; the kit's own lines would tell nothing."""
    __tracebackhide__ = True
    pytest.fail(words, pytrace=False)


def skip(words: str) -> NoReturn:
    """Leave a check out and say why."""
    pytest.skip(words)


def folder_of(module: ModuleType) -> Path:
    """Return where the plugin's own code stands: its package's folder, or its one file."""
    file = Path(str(module.__file__))
    return file.parent if file.name == "__init__.py" else file


def told(error: BaseException, module: ModuleType) -> str:
    """Return an error with the line of the plugin that raised it or let it through."""
    folder = str(folder_of(module))
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(folder)]
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def forms_of(secret: str) -> Iterator[str]:
    """Yield how a secret may look in a text: as it is, in a URL, in Base64 as a Basic login ends with it."""
    yield from {secret, quote(secret, safe=""), quote_plus(secret)}
    # What stands before it shifts Base64 by 0, 1 or 2 bytes; its edges depend on the neighbours.
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + secret.encode()).decode().rstrip("=")
        inside = coded[(shift * 8 + 5) // 6 : len(coded) - 1]
        if len(inside) >= SHORTEST_SECRET + 2:
            yield inside


def leaked(texts: Iterable[str], secrets: Iterable[str]) -> str | None:
    """Return the first text in which a secret stands, shortened around it with the secret masked."""
    forms = [form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in forms_of(secret)]
    for text in texts:
        for form in forms:
            if (at := text.find(form)) >= 0:
                return f"{text[max(0, at - 80) : at]}***{text[at + len(form) : at + len(form) + 40]}"
    return None


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


class _Keeper(logging.Handler):
    def __init__(self, package: str) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._package = package

    def emit(self, record: logging.LogRecord) -> None:
        own = record.name == self._package or record.name.startswith(f"{self._package}.")
        if own or record.levelno >= logging.INFO:
            self.lines.append(f"{record.name}: {logging.Formatter().format(record)}")


@contextmanager
def log_lines(module: ModuleType) -> Iterator[list[str]]:
    """Collect what is logged: all of the plugin's own lines, and what others say at info and above."""
    package = module.__name__.split(".")[0]
    package = module.__name__ if package == "siaga" else package
    keeper, root = _Keeper(package), logging.getLogger()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield keeper.lines
    finally:
        root.removeHandler(keeper)
        root.setLevel(level)


def shape_faults(made: object, contract: type, name: str) -> list[str]:
    """Return where an object does not fit a protocol: methods that lack, are not async, take other parameters."""
    faults = []
    for method, wanted in vars(contract).items():
        if method.startswith("_") or not inspect.isfunction(wanted):
            continue
        found = getattr(made, method, None)
        if not callable(found):
            faults.append(f"{name} has no method {method}{inspect.signature(wanted)}")
            continue
        if inspect.iscoroutinefunction(wanted) and not inspect.iscoroutinefunction(found):
            faults.append(f"{name}.{method} is not async; write `async def {method}`")
        parameters = list(inspect.signature(wanted).parameters.values())[1:]
        positional = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        try:
            inspect.signature(found).bind(*positional)
        except TypeError as err:
            faults.append(f"{name}.{method} must take ({', '.join(positional)}): {err}")
    return faults
