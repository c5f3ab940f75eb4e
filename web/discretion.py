"""What a viewer does not see: the numbers of the people who are told."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from ..core.types import Json
from .accounts import Account

# Where addresses of people stand: in notices (their key and the far side's id too), in the steps of a run,
# in events about messages.
_NAMES = {"to", "sender", "already", "key", "provider_id"}
_KEPT = 3


# Where people are named; who is in no contact list is named by the number.
_PEOPLE = {"who", "name", "by", "told", "acknowledged_by", "closed_by"}
_NUMBER = re.compile(r"\+?[\d\s().-]{8,}")


def is_discreet(account: Account | None) -> bool:
    """Say whether numbers are masked for whoever asks."""
    return account is None or not account.may_act


def masked(address: str) -> str:
    """Keep a notifier's name and the last three characters: ``wa:…112``; what is no number stays."""
    if sum(character.isdigit() for character in address) <= _KEPT:
        return address
    notifier, colon, number = address.rpartition(":")
    return f"{notifier}{colon}…{number[-_KEPT:]}" if notifier.isidentifier() else f"…{address[-_KEPT:]}"


def masked_person(name: str) -> str:
    """Hide a telephone number that stands for a person; a name stays."""
    return masked(name) if _NUMBER.fullmatch(name) else name


def is_person(name: str) -> bool:
    """Say whether a value of this name may name a person."""
    return name.rpartition(".")[2] in _PEOPLE


def without_numbers(content: Json) -> Json:
    """Return structs, dicts and lists as plain ones in which no whole number of a person stands."""
    return _without(msgspec.to_builtins(content))


def is_address(name: str) -> bool:
    """Say whether a value of this name may be the address of a person; a run names it by its whole path."""
    return name.rpartition(".")[2] in _NAMES


def _without(content: Json, name: str = "") -> Json:
    if isinstance(content, Mapping):
        return {key: _without(value, str(key)) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without(value, name) for value in content]
    if isinstance(content, str) and is_address(name):
        return masked(content)
    return masked_person(content) if isinstance(content, str) and is_person(name) else content
