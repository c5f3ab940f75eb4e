"""The two doors every request passes: safe headers and kind errors outside, login and CSRF inside."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from multidict import CIMultiDict

from ..core.errors import SiagaError
from ..core.texts import LANGUAGES
from .parts import PARTS, VISITOR, Visitor, parts_of, visitor_of
from .sessions import is_csrf_right, new_token

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LANGUAGE_COOKIE = "siaga_language"
# What may be seen without a login; everything else, also what does not exist, is closed.
OPEN = {
    "/login",
    "/healthz",
    "/hooks/{notifier}",
    "/hooks/rules/{webhook}",
    "/static/{version}/{name}",
    "/language/{language}",
}
# The far side signs these; it has no cookie of ours.
WITHOUT_CSRF = {"/hooks/{notifier}", "/hooks/rules/{webhook}"}
# With a one-time password one may only choose a new one, or leave.
WITH_ONE_TIME_PASSWORD = {"/password", "/logout"}
MAY_BASIC = "/metrics"

SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_KNOWN = {400, 403, 404, 405, 413, 429, 502, 503}


def cookie_name(parts_secure: bool) -> str:
    """Return the session cookie's name; ``__Host-`` keeps a neighbour domain from setting it."""
    return "__Host-siaga" if parts_secure else "siaga"


def set_session_cookie(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Give a browser its token."""
    secure = parts_of(request).hub.settings.web.secure_cookies
    response.set_cookie(cookie_name(secure), token, path="/", httponly=True, samesite="Lax", secure=secure)


def is_api(request: web.Request) -> bool:
    """Say whether the asker wants data, not a page."""
    return request.path.startswith(("/api/", "/media/", "/metrics", "/hooks/")) or request.path.endswith(".jpg")


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into an answer a person understands, and put safe headers on each answer."""
    request[VISITOR] = _stranger(request)
    try:
        response = await handler(request)
    except web.HTTPException as err:
        if err.status < 400:
            _protect(err.headers)
            raise
        response = _error_page(request, err.status, err.text if err.status == 503 else None)
        if err.status == 405:
            response.headers["Allow"] = err.headers.get("Allow", "")
    except SiagaError as err:
        logger.error("%s %s: %s", request.method, request.path, err)
        response = _error_page(request, 503, str(err))
    except ConnectionError:
        raise  # the browser went away: nobody is left to answer
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        response = _error_page(request, 500, None)
    if not response.prepared:
        _protect(response.headers)
    return response


@web.middleware
async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in whoever has a session (and, to change something, the form's token)."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource else ""
    parts = parts_of(request)
    visitor = visitor_of(request)
    session = await parts.sessions.find(visitor.token) if visitor.token else None
    visitor = Visitor(token=visitor.token or new_token(), language=visitor.language, session=session)
    request[VISITOR] = visitor
    may_pass = route in OPEN or session is not None or (route == MAY_BASIC and "Authorization" in request.headers)
    if not may_pass:
        return _to_login(request)
    if session and session.account.must_change and route not in OPEN | WITH_ONE_TIME_PASSWORD:
        if is_api(request):
            raise web.HTTPForbidden()
        raise web.HTTPSeeOther("/password")
    if request.method not in {"GET", "HEAD"} and route not in WITHOUT_CSRF:
        await _check_csrf(request, visitor.token)
    response = await handler(request)
    if not response.prepared:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _stranger(request: web.Request) -> Visitor:
    site = request.app[PARTS].hub.settings
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    language = chosen if chosen in LANGUAGES else site.site.language
    token = request.cookies.get(cookie_name(site.web.secure_cookies), "")
    # Too long, or with bytes that we never gave: as if there were none.
    return Visitor(token=token if len(token) <= 64 and token.isascii() else "", language=language)


def _to_login(request: web.Request) -> web.StreamResponse:
    if is_api(request) or request.method not in {"GET", "HEAD"}:
        response = _error_page(request, 401, None)
        if request.path == MAY_BASIC:
            response.headers["WWW-Authenticate"] = 'Basic realm="Siaga", charset="UTF-8"'
        return response
    raise web.HTTPSeeOther(request.rel_url.with_path("/login").with_query({"next": request.path_qs}))


async def _check_csrf(request: web.Request, token: str) -> None:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise web.HTTPForbidden()
    given = request.headers.get("X-CSRF-Token", "")
    if not given and request.content_type == "application/x-www-form-urlencoded":
        given = str((await _form(request)).get("csrf", ""))
    if not is_csrf_right(token, given):
        raise web.HTTPForbidden()
    # Read here, so that no handler meets a body that cannot be read.
    await _form(request)


async def _form(request: web.Request) -> Mapping[str, object]:
    try:
        return await request.post()
    # An unknown charset, bytes that are not of it, a broken multipart.
    except (LookupError, ValueError) as err:
        raise web.HTTPBadRequest() from err


def _error_page(request: web.Request, status: int, detail: str | None) -> web.Response:
    shown = status if status in _KNOWN or status == 401 else 500
    parts = parts_of(request)
    texts = parts.wording(visitor_of(request)).texts
    title, what = texts(f"web.error.{shown}.title"), texts(f"web.error.{shown}.what")
    if is_api(request):
        return web.json_response({"error": detail or title}, status=status)
    return parts.page(request, "error.html", {"title": title, "what": what, "detail": detail or ""}, status=status)


def _protect(headers: CIMultiDict[str]) -> None:
    for name, value in SAFE_HEADERS.items():
        headers.setdefault(name, value)
