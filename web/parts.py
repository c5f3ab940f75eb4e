"""What every page has at hand: the hub, the engine, the accounts, and who is asking."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from ..core.types import AuditEntry, Json, Struct
from .accounts import Account, Accounts
from .discretion import is_discreet
from .event_words import EventWords
from .pictures import Pictures
from .ports import EnginePort, HubPort, RuleFilesPort
from .remembered import BasicLogins, HookRate, ViewLog
from .sessions import Session, Sessions, csrf_of
from .static_files import StaticFiles
from .throttle import LoginThrottle
from .wording import Wording

PARTS: web.AppKey[Parts] = web.AppKey("parts")
VISITOR: web.RequestKey[Visitor] = web.RequestKey("visitor")


class Visitor(Struct):
    """Say who asks, in which language; ``session`` is None before the login."""

    token: str
    language: str
    session: Session | None = None

    @property
    def account(self) -> Account | None:
        """Return the account of the session."""
        return self.session.account if self.session else None


class Parts:
    """Hold what the handlers need."""

    def __init__(
        self,
        hub: HubPort,
        engine: EnginePort,
        accounts: Accounts,
        sessions: Sessions,
        *,
        rule_files: RuleFilesPort | None = None,
    ) -> None:
        self.rule_files = rule_files
        self.hub = hub
        self.engine = engine
        self.accounts = accounts
        self.sessions = sessions
        self.pictures = Pictures(hub)
        self.views = ViewLog(hub.clock)
        self.hook_rate = HookRate(hub.clock)
        self.basic_logins = BasicLogins(hub.clock)
        self.open_pages = 0
        self.pages_let_go = 0
        # How many incidents nobody has answered; ``live`` keeps it, every page shows it.
        self.open_incidents = 0
        self.throttle = LoginThrottle(hub.clock)
        self.static = StaticFiles(Path(__file__).parent / "static")
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def wording(self, visitor: Visitor) -> Wording:
        """Return the visitor's language in the site's time zone."""
        return Wording(visitor.language, self.hub.settings.site.timezone, self.hub.clock)

    def words(self, visitor: Visitor) -> EventWords:
        """Return what says events in the visitor's language."""
        kinds, discreet = self.hub.plugins.event_kinds, is_discreet(visitor.account)
        return EventWords(self.wording(visitor), self.hub.settings, kinds, is_discreet=discreet)

    def page(
        self, request: web.Request, template: str, values: Mapping[str, Any] | None = None, *, status: int = 200
    ) -> web.Response:
        """Render a template for the visitor."""
        visitor = visitor_of(request)
        wording = self.wording(visitor)
        html = self._templates.get_template(template).render(
            {
                "t": wording.texts,
                "w": wording,
                "visitor": visitor,
                "account": visitor.account,
                "csrf": csrf_of(visitor.token),
                "site": self.hub.settings.site,
                "path": request.path,
                "back": request.path_qs,
                "static": self.static.url,
                "open_incidents": self.open_incidents,
                **(values or {}),
            }
        )
        return web.Response(text=html, status=status, content_type="text/html", charset="utf-8")

    async def note(self, request: web.Request, what: str, subject: str = "", **detail: Json) -> None:
        """Write into the audit who did what from where."""
        account = visitor_of(request).account
        await self.hub.audit.add(
            AuditEntry(
                at=self.hub.clock.now(),
                who=account.name if account else "-",
                what=what,
                subject=subject,
                detail={"address": request.remote or "", **detail},
            )
        )


def parts_of(request: web.Request) -> Parts:
    """Return the parts of the application that serves a request."""
    return request.app[PARTS]


def visitor_of(request: web.Request) -> Visitor:
    """Return who asks; the gate has found it out before any handler runs."""
    return request[VISITOR]
