"""The web UI as a part of the hub: its routes, its start and its stop."""

from __future__ import annotations

import logging

from aiohttp import web

from ..core.errors import SiagaError
from ..core.texts import Texts
from . import (
    api,
    api_incidents,
    hooks,
    live,
    live_video,
    media_files,
    metrics,
    pages_cameras,
    pages_duty,
    pages_events,
    pages_incidents,
    pages_login,
    pages_ptz,
    pages_rules,
    pages_system,
    rule_hooks,
)
from .accounts import Accounts
from .middleware import gate, guard
from .parts import PARTS, Parts
from .ports import EnginePort, HubPort, RuleFilesPort
from .sessions import Sessions

logger = logging.getLogger(__name__)

# Forms are small; a webhook's body is the largest thing anybody sends.
# WhatsApp's side may post up to 3 MB to its webhook; forms are smaller by far.
MOST_BODY_BYTES = 3_200_000
# With the pages' good-bye less than the 2 s that the hub gives each part.
STOP_WITHIN_S = 1.0


class WebApp:
    """Serve the pages. ``start`` opens the door, ``url`` says where, ``stop`` closes it."""

    accounts: Accounts

    def __init__(self, hub: HubPort, engine: EnginePort, rule_files: RuleFilesPort | None = None) -> None:
        self._rule_files = rule_files
        self._hub = hub
        self._engine = engine
        self._runner: web.AppRunner | None = None
        self._live: live.Live | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen at ``web.host`` and ``web.port``; port 0 takes a free one. SiagaError when it is taken."""
        hub, settings = self._hub, self._hub.settings.web
        self.accounts = await Accounts.open(hub.journal, hub.clock)
        sessions = await Sessions.open(hub.journal, self.accounts, hub.clock)
        parts = Parts(hub, self._engine, self.accounts, sessions, rule_files=self._rule_files)
        self._live = live.Live(parts)
        app = web.Application(middlewares=[guard, gate], client_max_size=MOST_BODY_BYTES)
        app[PARTS] = parts
        app[live.LIVE] = self._live
        app[live_video.VIEWERS] = live_video.Viewers()
        app.add_routes(routes(parts))
        self._runner = web.AppRunner(app, access_log=None, keepalive_timeout=30.0, shutdown_timeout=STOP_WITHIN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as err:
            texts = Texts(hub.settings.site.language)
            raise SiagaError(
                texts("web.start.taken", host=settings.host, port=settings.port, why=err.strerror or str(err))
            ) from err
        self._live.start()
        self.url = self._address()
        logger.info("the web UI listens at %s", self.url)

    async def stop(self) -> None:
        """Say good-bye to the pages, end what is under way, close the door."""
        if self._live is not None:
            await self._live.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            self.accounts.close()

    def _address(self) -> str:
        assert self._runner is not None
        port = self._runner.addresses[0][1]
        host = self._hub.settings.web.host
        shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else f"[{host}]" if ":" in host else host
        return f"http://{shown}:{port}"


def routes(parts: Parts) -> list[web.RouteDef]:
    """Name every address; a test walks them and asks each without a login."""
    return [
        web.get("/healthz", metrics.show_alive),
        web.get("/metrics", metrics.show_metrics),
        web.get("/static/{version}/{name}", parts.static.serve),
        web.get("/language/{language}", pages_login.choose_language),
        web.get("/login", pages_login.show_login),
        web.post("/login", pages_login.log_in),
        web.post("/logout", pages_login.log_out),
        web.get("/password", pages_login.show_password),
        web.post("/password", pages_login.change_password),
        web.get("/", pages_cameras.show_home),
        web.get("/cameras/{camera}", pages_cameras.show_camera),
        web.get("/cameras/{camera}/picture.jpg", pages_cameras.show_picture),
        web.get("/cameras/{camera}/live", live_video.watch),
        web.get("/cameras/{camera}/ptz", pages_ptz.show_state),
        web.post("/cameras/{camera}/ptz", pages_ptz.command),
        web.get("/events", pages_events.show_events),
        web.get("/events/{event}", pages_events.show_event),
        web.get("/incidents", pages_incidents.show_incidents),
        web.get("/incidents/{incident}", pages_incidents.show_incident),
        web.post("/incidents/{incident}/acknowledge", pages_incidents.acknowledge),
        web.post("/incidents/{incident}/close", pages_incidents.close),
        web.get("/duty", pages_duty.show_duty),
        web.get("/rules", pages_rules.show_rules),
        web.post("/rules", pages_rules.reload_rules),
        web.get("/rules/{rule}", pages_rules.show_rule),
        web.get("/rules/{rule}/traces/{run}", pages_rules.download_trace),
        web.get("/plugins", pages_system.show_plugins),
        web.post("/plugins", pages_system.release_plugin),
        web.get("/health", pages_system.show_health),
        web.get("/media/{path:.+}", media_files.show_media),
        web.route("*", "/hooks/{notifier}", hooks.receive),
        web.route("*", "/hooks/rules/{webhook}", rule_hooks.receive),
        web.get("/api/v1/cameras", api.list_cameras),
        web.get("/api/v1/events", api.list_events),
        web.get("/api/v1/events/{event}", api.show_event),
        web.get("/api/v1/incidents", api_incidents.list_incidents),
        web.get("/api/v1/incidents/{incident}", api_incidents.show_incident),
        web.post("/api/v1/incidents/{incident}/acknowledge", api_incidents.acknowledge),
        web.post("/api/v1/incidents/{incident}/close", api_incidents.close),
        web.get("/api/v1/rules", api.list_rules),
        web.get("/api/v1/rules/{rule}", api.show_rule),
        web.get("/api/v1/health", api.show_health),
        web.get("/api/v1/stream", live.follow),
    ]
