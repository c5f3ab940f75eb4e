"""The version of the vendor's API, and which plugins it can serve."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from .errors import PluginError
from .texts import Texts

# The major number grows when something that a plugin relies on is taken away or changed, the minor one when something
# is added. docs/vendors/api.md says what counts as which, docs/vendors/api.txt records every name and signature.
API_VERSION = "1.0"
# What a plugin writes at the top level of its module: ``SIAGA_API = "1"``. Who says nothing was made for version 1,
# the only one that did not ask.
MARK = "SIAGA_API"
_VERSION = re.compile(r"(\d{1,4})(?:\.(\d{1,4}))?")
# A module that needs more lines than this before it says its version says it too late to be looked for.
_LARGEST_BYTES = 500_000


def check_api(said: object, texts: Texts) -> None:
    """Refuse a plugin that was made for another API. PluginError with what to do.

    ``said`` is the plugin's ``SIAGA_API``, None where it has none.
    """
    if said is None:
        return
    wanted = _VERSION.fullmatch(said) if isinstance(said, str) else None
    if wanted is None:
        raise PluginError(texts("plugin.api_unread", said=repr(said)[:40], version=API_VERSION))
    major, minor = int(wanted[1]), int(wanted[2] or 0)
    own_major, own_minor = (int(part) for part in API_VERSION.split("."))
    if (major, minor) == (own_major, min(minor, own_minor)):
        return
    is_newer = (major, minor) > (own_major, own_minor)
    key = "plugin.api_newer" if is_newer else "plugin.api_older"
    raise PluginError(texts(key, wanted=said, version=API_VERSION))


def said_in(file: Path | None) -> object:
    """Return what a module's source says of its API without running it, None where it says nothing that is plain.

    Read before the import, because a plugin made for another version seldom survives its first import.
    """
    if file is None:
        return None
    try:
        if file.stat().st_size > _LARGEST_BYTES:
            return None
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # the import says it better
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == MARK for target in targets):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            return value.value if isinstance(value, ast.Constant) else None
    return None
