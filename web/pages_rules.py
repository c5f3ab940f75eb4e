"""The rules: which are on, what went wrong, and the last run step by step in words."""

from __future__ import annotations

from aiohttp import web

from .parts import parts_of, visitor_of
from .trace_words import TraceWords

TRACES = 10


def trace_words(request: web.Request) -> TraceWords:
    """Return what says traces in the visitor's language."""
    parts, visitor = parts_of(request), visitor_of(request)
    return TraceWords(parts.wording(visitor), parts.words(visitor))


async def show_rules(request: web.Request) -> web.StreamResponse:
    """List the rules, those that are wrong first."""
    rules = sorted(await parts_of(request).engine.rules(), key=lambda rule: rule.is_on)
    return parts_of(request).page(request, "rules.html", {"rules": rules})


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
