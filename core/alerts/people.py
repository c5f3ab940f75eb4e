"""Whom a target means at a moment: contacts, teams, whoever is on duty, bare addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from ..settings import Address, ContactSettings, Settings
from ..texts import Texts
from ..types import Struct
from .shifts import on_duty


class Recipient(Struct):
    """Name who is told and where; ``contact`` is None for a bare address."""

    address: Address
    contact: ContactSettings | None = None

    @property
    def name(self) -> str:
        """Return the person's name, else the address."""
        return self.contact.name if self.contact else self.address.to

    @property
    def id(self) -> str:
        """Return the contact's id, empty for a bare address."""
        return self.contact.id if self.contact else ""


class People:
    """Know everybody of the configuration."""

    def __init__(self, settings: Settings, texts: Texts, zone: tzinfo) -> None:
        self._settings = settings
        self._texts = texts
        self._zone = zone

    def on_duty(self, rota: str, at: datetime) -> tuple[str, ...]:
        """Return the contacts on duty in a rota; none when there is no such rota."""
        found = self._settings.rotas.get(rota)
        return on_duty(found, at, self._zone, self._settings) if found else ()

    def find(
        self, target: Mapping[str, tuple[str, ...]], notifier: str | None, to: tuple[str, ...], at: datetime
    ) -> tuple[list[Recipient], dict[str, str]]:
        """Return each address once, and why a name reaches nobody."""
        left_out: dict[str, str] = {}
        contacts = self._contacts(target, at, left_out)
        found: dict[tuple[str, str], Recipient] = {}
        for contact in contacts:
            for address in contact.via:
                if notifier in (None, address.notifier):
                    found.setdefault((address.notifier, address.to), Recipient(address=address, contact=contact))
            if not contact.via:
                left_out[contact.id] = self._texts("alerts.no_way", name=contact.id)
        for address_to in to if notifier is not None else ():
            address = Address(notifier=notifier or "", to=address_to)
            found.setdefault((address.notifier, address.to), self.at_address(address))
        return list(found.values()), left_out

    def contact(self, contact_id: str) -> ContactSettings | None:
        """Return a contact by its id, None for a bare address or one that is gone."""
        return self._settings.contacts.get(contact_id)

    def at_address_of(self, contact_id: str, notifier: str, to: str) -> Recipient:
        """Return a contact's address, also where several contacts share it."""
        address = Address(notifier=notifier, to=to)
        contact = self.contact(contact_id)
        return Recipient(address=address, contact=contact) if contact else self.at_address(address)

    def by_sender(self, notifier: str, sender: str) -> Recipient | None:
        """Return whose address a reply came from; None for a stranger."""
        for contact in self._settings.contacts.values():
            for address in contact.via:
                if address.notifier == notifier and same_address(address.to, sender):
                    return Recipient(address=address, contact=contact)
        return None

    def at_address(self, address: Address) -> Recipient:
        """Return whose address this is, else the bare address."""
        for contact in self._settings.contacts.values():
            if address in contact.via:
                return Recipient(address=address, contact=contact)
        return Recipient(address=address)

    def _contacts(
        self, target: Mapping[str, tuple[str, ...]], at: datetime, left_out: dict[str, str]
    ) -> list[ContactSettings]:
        names = dict.fromkeys(target.get("contact", ()))
        for team in target.get("team", ()):
            if team in self._settings.teams:
                names |= dict.fromkeys(self._settings.teams[team].members)
            else:
                left_out[team] = self._texts("rules.check.no_team", name=team)
        for rota in target.get("rota", ()):
            on = self.on_duty(rota, at)
            if rota not in self._settings.rotas:
                left_out[rota] = self._texts("rules.check.no_rota", name=rota)
            elif not on:
                left_out[rota] = self._texts("alerts.nobody_on_duty", name=self._settings.rotas[rota].name)
            names |= dict.fromkeys(on)
        known = self._settings.contacts
        left_out |= {name: self._texts("rules.check.no_contact", name=name) for name in names if name not in known}
        return [known[name] for name in names if name in known]


def same_address(one: str, other: str) -> bool:
    """Say whether two addresses are the same: telephone numbers by their digits, anything else by the letter."""
    if one == other:
        return True
    if not all(re.fullmatch(r"\+?[\d\s().-]{8,}", address) for address in (one, other)):
        return False
    return _digits(one) == _digits(other)


def _digits(number: str) -> str:
    # Written at home: 0812 is +62812.
    digits = re.sub(r"\D", "", number)
    return f"62{digits[1:]}" if digits.startswith("0") else digits
