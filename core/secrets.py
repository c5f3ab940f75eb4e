"""Finds ``!secret name`` in ``secrets.yaml`` beside the configuration."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

from .errors import ConfigError, PluginError
from .hookspecs import hookimpl
from .texts import Texts
from .yaml_lines import load_yaml

logger = logging.getLogger(__name__)
FILE_NAME = "secrets.yaml"
_warned: set[str] = set()


@hookimpl
def find_secret(name: str, folder: str) -> str | None:
    """Return the value that stands at ``name``, as text; PluginError where the file is wrong."""
    return _read(Path(folder) / FILE_NAME).get(name)


def secret_names(folder: Path) -> tuple[str, ...]:
    """Return the names (never the values) in a folder's secrets, for "did you mean"."""
    try:
        return tuple(_read(folder / FILE_NAME))
    except PluginError:
        return ()


def _read(file: Path) -> dict[str, str]:
    texts = Texts("id")  # a hook is not told the site's language
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        return {}
    except OSError as err:
        raise PluginError(texts("yaml.unreadable_file", name=FILE_NAME, why=err.strerror or "")) from err
    _warn_when_open(file, mode, texts)
    loaded = load_yaml(file, find_secret=lambda name: None, texts=texts)
    if loaded.problems:
        raise PluginError(str(ConfigError(list(loaded.problems))))
    if loaded.value is None:
        return {}
    if not isinstance(loaded.value, dict) or any(isinstance(value, (dict, list)) for value in loaded.value.values()):
        raise PluginError(texts("plugin.secrets_wrong"))
    return {str(name): _as_text(value) for name, value in loaded.value.items() if value is not None}


def _as_text(value: object) -> str:
    # `active: true` must come out as it was written.
    return str(value).lower() if isinstance(value, bool) else str(value)


def _warn_when_open(file: Path, mode: int, texts: Texts) -> None:
    if mode & stat.S_IROTH and str(file) not in _warned:
        _warned.add(str(file))
        logger.warning("%s", texts("plugin.secrets_open", file=file))
