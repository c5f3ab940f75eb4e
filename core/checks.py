"""Checks a YAML node by a voluptuous schema and says every mistake with file, line, path and the nearest right key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec
import voluptuous as vol

from .errors import Problem
from .schema_walk import choices_at, exclusive_keys, keys_at, others_at
from .texts import Texts
from .types import Json
from .validators import Wrong
from .yaml_places import LineDict, LineList, Place, carry_places, gaps_in, join_path, place_of, secrets_in

# A schema of a plugin is a stranger's code. What it may raise besides Invalid is listed, so that a fault of it
# becomes a problem of this one item; SystemExit and the like are not ours to swallow.
_BROKEN_SCHEMA = (
    TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError, OSError, AssertionError, ValueError,
    vol.SchemaError, ImportError,
)  # fmt: skip
_SECRET_KEYS = re.compile(r"pass(word|phrase|wd)?|token|secret|kunci|sandi|api_?key|\bkey\b|\bpin\b", re.IGNORECASE)
_MAX_SHOWN = 60


def check(
    schema: vol.Schema,
    node: Json,
    path: str,
    texts: Texts,
    *,
    at: Place | None = None,
    also_known: Sequence[str] = (),
) -> tuple[Any | None, list[Problem]]:
    """Return the checked value and no problems, or None and every problem.

    ``path`` stands before the paths of the problems (``cameras.kali``). ``at`` is the place to name where the
    node itself knows none (a scalar). ``also_known`` are right keys of the node that are checked elsewhere, for
    "did you mean". The value keeps its lines where the schema kept its mappings and lists.
    """
    gaps = gaps_in(node)
    try:
        value = schema(node)
    except vol.MultipleInvalid as err:
        lost = {problem.path for problem in gaps}
        telling = _Telling(schema, node, path, texts, at, tuple(also_known))
        told = [telling.problem(one) for one in err.errors if not telling.is_told_already(one)]
        return None, gaps + hide_secrets([problem for problem in told if problem.path not in lost], node)
    except _BROKEN_SCHEMA as err:
        place = _own_place(node, at)
        what = texts("check.broken_schema", error=type(err).__name__)
        return None, [*gaps, Problem(file=place.file, line=place.line, path=path, what=what)]
    if gaps:
        return None, gaps
    carry_places(node, value)
    return value, []


def did_you_mean(word: object, known: Iterable[object], texts: Texts) -> str:
    """Return " (did you mean x?)" for the nearest of what is known, or nothing."""
    near = _nearest(str(word), [str(name) for name in known])
    return texts("check.did_you_mean", names=near) if near else ""


def problem_at(container: Json, key: Json, path: str, what: str) -> Problem:
    """Return a problem of one key of a mapping (or item of a list) that stands at ``path``."""
    place = place_of(container, key)
    return Problem(file=place.file, line=place.line, path=join_path(path, key), what=what)


def hide_secrets(problems: Iterable[Problem], node: Json) -> list[Problem]:
    """Return problems without the values that came into ``node`` by !secret or !env, whoever quoted them."""
    # Longest first, lest a short secret leave half of a longer one; one or two letters give nothing away.
    secrets = sorted((secret for secret in secrets_in(node) if len(secret) > 2), key=len, reverse=True)
    hidden = []
    for problem in problems:
        what, path = problem.what, problem.path
        for secret in secrets:
            what, path = what.replace(secret, "***"), path.replace(secret, "***")
        hidden.append(msgspec.structs.replace(problem, path=path, what=what))
    return hidden


def _nearest(word: str, names: list[str]) -> str:
    by_small_letters = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), by_small_letters, n=1, cutoff=0.55)
    return by_small_letters[close[0]] if close else ""


def _own_place(node: Json, at: Place | None) -> Place:
    if isinstance(node, (LineDict, LineList)) and node.place.line:
        return at if at is not None and at.line and at.file == node.place.file else node.place
    return at or Place("", 0)


class _Telling:
    """Turn voluptuous' errors about one node into problems."""

    def __init__(
        self, schema: vol.Schema, node: Json, path: str, texts: Texts, at: Place | None, also_known: tuple[str, ...]
    ) -> None:
        self._also_known = also_known
        self._schema = schema
        self._node = node
        self._path = path
        self._texts = texts
        self._at = at

    def is_told_already(self, err: vol.Invalid) -> bool:
        """Say whether a missing key stands there misspelt: it is told at the misspelt key, once."""
        steps = _bare_steps(err)
        if not isinstance(err, vol.RequiredFieldInvalid) or not steps:
            return False
        holder = self._node
        for step in steps[:-1]:
            holder = _child(holder, step)
        known = [str(key) for key in keys_at(self._schema, steps[:-1])]
        unknown = [str(key) for key in holder if str(key) not in known] if isinstance(holder, dict) else []
        return any(_nearest(key, known) == str(steps[-1]) for key in unknown)

    def problem(self, err: vol.Invalid) -> Problem:
        """Return one error with its place, in words."""
        steps = _bare_steps(err)
        if isinstance(err, (vol.ExclusiveInvalid, vol.InclusiveInvalid)):
            steps = steps[:-1]  # the last step is the group's name, not a key
        place = _own_place(self._node, self._at)
        path, value, key = self._path, self._node, None
        for step in steps:
            found = place_of(value, step)
            place = found if found.line else place
            path = join_path(path, step)
            key = step
            value = _child(value, step)
        is_secret = place.is_secret or (key is not None and _SECRET_KEYS.search(str(key)) is not None)
        what = self._words(err, steps, value, is_secret)
        return Problem(file=place.file, line=place.line, path=path, what=what)

    def _words(self, err: vol.Invalid, steps: list[Any], value: Json, is_secret: bool) -> str:
        if isinstance(err, Wrong):
            return err.say(self._texts) + self._shown(value, is_secret)
        if isinstance(err, vol.RequiredFieldInvalid):
            return self._texts("check.missing")
        if err.msg == "extra keys not allowed":
            keys = [*keys_at(self._schema, steps[:-1]), *(self._also_known if len(steps) == 1 else ())]
            near = did_you_mean(steps[-1] if steps else "", keys, self._texts)
            known = "" if near or not keys else self._texts("check.known_keys", names=", ".join(map(str, keys)))
            return self._texts("check.unknown_key") + (self._slip(steps[-1] if steps else "") or near or known)
        if isinstance(err, (vol.ExclusiveInvalid, vol.InclusiveInvalid)):
            key = "check.exclusive" if isinstance(err, vol.ExclusiveInvalid) else "check.inclusive"
            return self._texts(key, names=", ".join(exclusive_keys(self._schema, steps, str.__str__(_steps(err)[-1]))))
        choices = choices_at(self._schema, steps)
        if choices and isinstance(err, (vol.InInvalid, vol.ScalarInvalid, vol.LiteralInvalid, vol.AnyInvalid)):
            names = ", ".join(str(choice) for choice in choices)
            near = "" if is_secret else did_you_mean(value, choices, self._texts)
            return self._texts("check.one_of", names=names) + self._shown(value, is_secret) + near
        slip = self._slip(value) if isinstance(err, vol.DictInvalid) else ""
        return self._translated(self._better(err, steps, value)) + self._shown(value, is_secret) + slip

    def _slip(self, word: Json) -> str:
        """Return the space that somebody forgot: YAML reads ``-trigger`` and ``kind:x`` as words."""
        if isinstance(word, str) and re.match(r"-\w", word):
            return self._texts("check.dash_slip")
        return self._texts("check.colon_slip") if isinstance(word, str) and re.match(r"\w+:[^\s/]", word) else ""

    def _better(self, err: vol.Invalid, steps: list[Any], value: Json) -> vol.Invalid:
        # Of several alternatives voluptuous tells what the first one said, often a bare "not a valid value".
        if not isinstance(err, (vol.ScalarInvalid, vol.AnyInvalid)):
            return err
        for part in others_at(self._schema, steps):
            try:
                vol.Schema(part)(value)
            except vol.MultipleInvalid as better:
                if not better.path:
                    return better.errors[0]
            except _BROKEN_SCHEMA:
                continue
        return err

    def _translated(self, err: vol.Invalid) -> str:
        if isinstance(err, Wrong):
            return err.say(self._texts)
        for kinds, pattern, key in _PHRASES:
            if isinstance(err, kinds) and (found := re.fullmatch(pattern, str(err.msg), re.DOTALL)):
                values = found.groupdict()
                if "type" in values:
                    values["type"] = self._type(values["type"])
                return self._texts(key, **values)
        # Not one of voluptuous' own sentences: the words of whoever wrote the plugin's schema.
        return str(err.msg)

    def _type(self, name: str) -> str:
        key = f"check.type_{name}"
        return self._texts(key) if self._texts.has(key) else name

    def _shown(self, value: Json, is_secret: bool) -> str:
        if is_secret or isinstance(value, (dict, list, tuple)):
            return ""
        if value is None:
            return self._texts("check.is_empty")
        shown = re.sub(r"://[^/@\s]*@", "://***@", str(value))
        shown = shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "…"
        return self._texts("check.found", value=shown.replace("\n", " "))


def _steps(err: vol.Invalid) -> list[Any]:
    # voluptuous puts the data itself into the path in one case (an empty list as a schema).
    return list(err.path) if isinstance(err.path, list) else []


def _bare_steps(err: vol.Invalid) -> list[Any]:
    return [step.schema if isinstance(step, vol.Marker) else step for step in _steps(err)]


def _child(value: Json, step: Json) -> Json:
    try:
        return value[step]
    except (LookupError, TypeError):
        return None


_PHRASES: tuple[tuple[Any, str, str], ...] = (
    (vol.DictInvalid, r"expected a dictionary", "check.needs_mapping"),
    (vol.SequenceTypeInvalid, r"expected a (list|tuple)", "check.needs_list"),
    ((vol.TypeInvalid, vol.CoerceInvalid), r"expected (?P<type>\w+)", "check.needs_type"),
    (vol.RangeInvalid, r"value must be at least (?P<limit>.+)", "check.at_least"),
    (vol.RangeInvalid, r"value must be higher than (?P<limit>.+)", "check.more_than"),
    (vol.RangeInvalid, r"value must be at most (?P<limit>.+)", "check.at_most"),
    (vol.RangeInvalid, r"value must be lower than (?P<limit>.+)", "check.less_than"),
    (vol.LengthInvalid, r"length of value must be at least (?P<limit>.+)", "check.longer"),
    (vol.LengthInvalid, r"length of value must be at most (?P<limit>.+)", "check.shorter"),
    (vol.MatchInvalid, r"does not match regular expression.*|expected string or buffer", "check.not_of_form"),
    (vol.BooleanInvalid, r"expected boolean", "check.boolean"),
    (vol.InInvalid, r"value must be one of \[(?P<names>.*)\]", "check.one_of"),
    (vol.NotInInvalid, r"value must not be one of.*", "check.not_allowed"),
    (vol.UrlInvalid, r"expected a URL|must have.*|expected a fully.*", "check.url"),
    (vol.EmailInvalid, r"expected an email address|Invalid.*", "check.email"),
    ((vol.FileInvalid, vol.PathInvalid, vol.DirInvalid), r"(?i)not a .*|path does not exist.*", "check.no_such_file"),
    ((vol.DatetimeInvalid, vol.DateInvalid), r"value does not match.*", "check.not_of_form"),
    (vol.Invalid, r"contains duplicate items.*", "check.twice"),
    (
        vol.Invalid,
        r"not a valid value|no valid value found|invalid value or type.*|value is not allowed",
        "check.wrong",
    ),
)
