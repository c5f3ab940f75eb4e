"""The rules: which are on, what went wrong, and the last run step by step in words."""

from __future__ import annotations

import msgspec
from aiohttp import web

from ..core.errors import StoreFailed
from .discretion import is_discreet, without_numbers
from .media_files import plain
from .parts import parts_of, visitor_of
from .trace_words import TraceWords

TRACES = 10
# As many as the engine keeps of a rule are looked through for one.
ALL_TRACES = 1000


def trace_words(request: web.Request) -> TraceWords:
    """Return what says traces in the visitor's language."""
    parts, visitor = parts_of(request), visitor_of(request)
    return TraceWords(parts.wording(visitor), parts.words(visitor))


async def show_rules(request: web.Request) -> web.StreamResponse:
    """List the rules, those that are wrong first, and what became of reading them again."""
    return await _rules_page(request)


async def reload_rules(request: web.Request) -> web.StreamResponse:
    """Read the files of the rules again, for those who may."""
    parts, account = parts_of(request), visitor_of(request).account
    if account is None or not account.may_change_rules:
        await parts.note(request, "rules.reload_refused")
        raise web.HTTPForbidden()
    if parts.rule_files is None:
        raise web.HTTPNotFound()
    await parts.note(request, "rules.reload")
    try:
        outcome = await parts.rule_files.reload()
    except StoreFailed as err:
        return await _rules_page(request, str(err), status=503)
    if not outcome.is_taken:
        return await _rules_page(request, status=409)
    raise web.HTTPSeeOther("/rules")


async def _rules_page(request: web.Request, failed: str = "", *, status: int = 200) -> web.StreamResponse:
    parts, account = parts_of(request), visitor_of(request).account
    values = {
        "rules": sorted(await parts.engine.rules(), key=lambda rule: rule.is_on),
        "reloaded": parts.rule_files.last if parts.rule_files else None,
        "may_reload": bool(parts.rule_files and account and account.may_change_rules),
        "failed": failed,
    }
    return parts.page(request, "rules.html", values, status=status)


async def show_rule(request: web.Request) -> web.StreamResponse:
    """Show one rule with its newest runs and near misses."""
    parts, rule_id = parts_of(request), request.match_info["rule"]
    rule = next((rule for rule in await parts.engine.rules() if rule.id == rule_id), None)
    if rule is None:
        raise web.HTTPNotFound()
    said = trace_words(request)
    name = rule.alias or rule.id
    values = {
        "rule": rule,
        "traces": [said.trace(trace, name) for trace in await parts.engine.traces(rule_id, TRACES)],
        "misses": parts.engine.near_misses(rule_id),
        "words": parts.words(visitor_of(request)),
    }
    return parts.page(request, "rule.html", values)


async def download_trace(request: web.Request) -> web.StreamResponse:
    """Answer with one run of a rule, whole, as a JSON file; a viewer's has no numbers of people."""
    engine, run_id = parts_of(request).engine, request.match_info["run"]
    traces = await engine.traces(request.match_info["rule"], ALL_TRACES)
    trace = next((trace for trace in traces if trace.run_id == run_id), None)
    if trace is None:
        raise web.HTTPNotFound()
    hides = is_discreet(visitor_of(request).account)
    content = msgspec.json.encode(without_numbers(trace) if hides else trace)
    headers = {"Content-Disposition": f'attachment; filename="trace-{plain(run_id)}.json"'}
    return web.Response(body=msgspec.json.format(content, indent=2), content_type="application/json", headers=headers)
