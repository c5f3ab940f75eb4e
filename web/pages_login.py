"""Coming in, choosing a password, leaving, and the choice of language."""

from __future__ import annotations

from aiohttp import web

from ..core.texts import LANGUAGES
from .accounts import LEAST_PASSWORD_LENGTH, AccountRefused, HashingBusy
from .middleware import LANGUAGE_COOKIE, cookie_name, set_session_cookie
from .parts import parts_of, visitor_of

YEAR_S = 365 * 24 * 3600


async def show_login(request: web.Request) -> web.StreamResponse:
    """Show the form; whoever is in already goes on."""
    if visitor_of(request).session:
        raise web.HTTPSeeOther(_inside(request.query.get("next", "/")))
    return _form(request, goal=request.query.get("next", "/"))


async def log_in(request: web.Request) -> web.StreamResponse:
    """Check name and password, and say in words how long to wait after wrong ones."""
    parts, visitor = parts_of(request), visitor_of(request)
    wording = parts.wording(visitor)
    form = await request.post()
    name, password, goal = (str(form.get(key, ""))[:200] for key in ("name", "password", "next"))
    address = request.remote or ""
    wait_s = parts.throttle.wait_s(name, address)
    if wait_s:
        said = wording.texts("web.login.wait", duration=wording.duration(wait_s))
        return _form(request, goal=goal, name=name, error=said, wait_s=wait_s)
    parts.throttle.failed(name, address)
    try:
        account = await parts.accounts.check(name, password)
    except HashingBusy:
        return _form(request, goal=goal, name=name, error=wording.texts("web.login.busy"), wait_s=5)
    if account is None:
        await parts.note(request, "login.failed", name[:64])
        return _form(request, goal=goal, name=name, error=wording.texts("web.login.wrong"))
    parts.throttle.succeeded(name, address)
    if visitor.session:
        await parts.sessions.end(visitor.session)
    token = await parts.sessions.begin(account, address)
    await parts.note(request, "login", account.name)
    response = web.HTTPSeeOther("/password" if account.must_change else _inside(goal))
    set_session_cookie(request, response, token)
    raise response


async def log_out(request: web.Request) -> web.StreamResponse:
    """End the session at once, here and in the journal."""
    parts, visitor = parts_of(request), visitor_of(request)
    if visitor.session:
        await parts.note(request, "logout", visitor.session.account.name)
        await parts.sessions.end(visitor.session)
    response = web.HTTPSeeOther("/login")
    secure = parts.hub.settings.web.secure_cookies
    response.del_cookie(cookie_name(secure), path="/", secure=secure, httponly=True, samesite="Lax")
    raise response


async def show_password(request: web.Request) -> web.StreamResponse:
    """Show the form for a new password."""
    return parts_of(request).page(request, "password.html", {"error": "", "least": LEAST_PASSWORD_LENGTH})


async def change_password(request: web.Request) -> web.StreamResponse:
    """Take a new password and end every other session of the account."""
    parts, visitor = parts_of(request), visitor_of(request)
    assert visitor.session is not None  # the gate lets nobody else in
    account, texts = visitor.session.account, parts.wording(visitor).texts
    form = await request.post()
    old, new, again = (str(form.get(key, ""))[:300] for key in ("old", "new", "again"))
    error = ""
    try:
        if new != again:
            error = texts("web.password.differ")
        elif new == old:
            error = texts("web.password.same")
        elif parts.throttle.wait_s(account.name, request.remote or ""):
            error = texts("web.login.busy")
        elif await parts.accounts.check(account.name, old) is None:
            parts.throttle.failed(account.name, request.remote or "")
            error = texts("web.password.wrong")
        else:
            await parts.accounts.set_password(account.name, new)
    except AccountRefused as err:
        error = texts(err.key, **err.values)
    except HashingBusy:
        error = texts("web.login.busy")
    if error:
        values = {"error": error, "least": LEAST_PASSWORD_LENGTH}
        return parts.page(request, "password.html", values, status=400)
    await parts.note(request, "password.changed", account.name)
    await parts.sessions.end_all_of(account.name)
    known = await parts.accounts.get(account.name)
    response = web.HTTPSeeOther("/")
    set_session_cookie(request, response, await parts.sessions.begin(known or account, request.remote or ""))
    raise response


async def choose_language(request: web.Request) -> web.StreamResponse:
    """Remember the language on this device and go back."""
    language = request.match_info["language"]
    if language not in LANGUAGES:
        raise web.HTTPNotFound()
    response = web.HTTPSeeOther(_inside(request.query.get("back", "/")))
    secure = parts_of(request).hub.settings.web.secure_cookies
    response.set_cookie(
        LANGUAGE_COOKIE, language, path="/", max_age=YEAR_S, httponly=True, samesite="Lax", secure=secure
    )
    raise response


def _inside(goal: str) -> str:
    """Return a path of this hub: never an address of somebody else's."""
    is_ours = goal.startswith("/") and not goal.startswith(("//", "/\\")) and goal.isprintable() and "\\" not in goal
    return goal if is_ours else "/"


def _form(request: web.Request, *, goal: str, name: str = "", error: str = "", wait_s: int = 0) -> web.Response:
    values = {"goal": _inside(goal), "name": name, "error": error}
    response = parts_of(request).page(request, "login.html", values, status=429 if wait_s else 401 if error else 200)
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    # Before the login the token only ties the form to this browser; the login gives a new one.
    set_session_cookie(request, response, visitor_of(request).token)
    return response
