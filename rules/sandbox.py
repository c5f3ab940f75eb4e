"""The Jinja2 sandbox of rules: what a template may use, how long it may run and how big it may grow.

A template runs in the hub's event loop, so nothing in it may take long. Two bounds do it: no value
may ever weigh more than ``WEIGHT_LIMIT`` (so each single operation is short), and each loop turn,
call, filter and operator looks at a limit of CPU time (so many short operations are cut).
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.compiler import Frame
from jinja2.filters import FILTERS
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from .sandbox_filters import OWN_FILTERS, OwnLimit

SOURCE_LIMIT = 8_000  # characters; an alert has some hundreds
WEIGHT_LIMIT = 20_000  # characters, items and digits of one value: far above any message, far below a millisecond
INT_BITS_LIMIT = 2_048
RANGE_LIMIT = 1_000
# CPU time, not wall time: a machine that is busy elsewhere must not cost an alert. The heaviest
# example template takes 0.1 ms. Every operation looks: reading the thread's CPU clock costs 0.3 µs,
# while one operation on the largest value allowed (a sort of 10,000 numbers) takes milliseconds.
TIME_LIMIT_S = 0.05

_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign, nodes.AssignBlock),
    *(nodes.With, nodes.Name, nodes.Const, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword),
    *(nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice),
    *(nodes.Concat, nodes.Compare, nodes.Operand, nodes.BinExpr, nodes.UnaryExpr),
)
_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last", "length"),
    *("list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort"),
    *("string", "sum", "title", "trim", "truncate", "unique", "upper"),
)
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        (
            *("lower", "upper", "strip", "lstrip", "rstrip", "startswith", "endswith", "split"),
            *("title", "capitalize", "isdigit"),
        )
    ),
    dict: frozenset(("get", "items", "keys", "values")),
    list: frozenset(("index", "count")),
    tuple: frozenset(("index", "count")),
    datetime: frozenset(("isoformat", "timestamp", "date", "time", "weekday", "isoweekday")),
    date: frozenset(("isoformat", "weekday", "isoweekday")),
    time_of_day: frozenset(("isoformat",)),
    timedelta: frozenset(("total_seconds",)),
    LoopContext: frozenset(("cycle", "changed")),
}


class Cut(OwnLimit):
    """Stop a template that grew or ran past a limit; ``key`` names the text that says which."""


class Meter:
    """Count what one rendering spends; one rendering at a time, in one thread."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._until_s = 0.0

    def start(self) -> None:
        """Begin a rendering."""
        self._until_s = time.thread_time() + self._limit_s

    def spend(self) -> None:
        """Pay for one operation; Cut when the time is over."""
        if time.thread_time() > self._until_s:
            raise Cut("rules.template.too_long")

    def each(self, items: Iterable[Any]) -> Iterator[Any]:
        """Hand out a loop's items, paying for each."""
        for item in items:
            self.spend()
            yield item

    def paid(self, value: Any) -> Any:  # noqa: ANN401
        """Return ``value``, paying for what it took to make it."""
        self.spend()
        return value

    def metered(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Let a filter or function pay for each call, and weigh what it returns."""
        is_first = True

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            nonlocal is_first
            self.spend()
            began_s = time.thread_time()
            made = weighed(function(*args, **kwargs))
            if is_first:
                # Not the template's fault: the first date loads a language's names, which takes longer than the limit.
                is_first = False
                self._until_s += time.thread_time() - began_s
            self.spend()
            return made

        return call


class Given:
    """Hold a function that templates may call; without its parentheses it is no value that could be written out."""

    __slots__ = ("_function", "_name")

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._name = name
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Call it."""
        return self._function(*args, **kwargs)

    def __str__(self) -> str:
        # Python's own words would tell an address in this process to whoever reads the message.
        raise Cut("rules.template.not_called", name=self._name)

    __repr__ = __str__


def weighed(value: Any) -> Any:  # noqa: ANN401
    """Return ``value``; Cut when it weighs too much, things held twice counted twice."""
    kind = type(value)
    if kind is bool or kind is float or value is None:
        return value
    total = 0
    stack = [value]
    while stack:
        item = stack.pop()
        total += 1
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, int):
            if item.bit_length() > INT_BITS_LIMIT:
                raise Cut("rules.template.too_big")
        elif isinstance(item, list | tuple):
            total += len(item)
            stack.extend(item if total <= WEIGHT_LIMIT else ())
        elif isinstance(item, dict):
            total += len(item)
            stack.extend((*item.keys(), *item.values()) if total <= WEIGHT_LIMIT else ())
        if total > WEIGHT_LIMIT:
            raise Cut("rules.template.too_big")
    return value


def join_output(parts: Iterable[Any]) -> Any:  # noqa: ANN401
    """Return the one value of a template that is one expression, else the text of all parts."""
    held = list(parts)
    if len(held) == 1:
        if isinstance(held[0], Undefined):
            str(held[0])  # raises: a name that does not exist is never an empty text
        return weighed(held[0])
    return _glue(held)


def bounded_range(*args: int) -> range:
    """Return Python's range, of at most ``RANGE_LIMIT`` numbers."""
    numbers = range(*args)
    if abs((numbers.stop - numbers.start) // numbers.step) > RANGE_LIMIT:
        raise Cut("rules.template.range_too_long")
    return numbers


class _Generator(NativeCodeGenerator):
    """Leave every expression to the rendering: folded ones would lose their type and the meter."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> Any:  # noqa: ANN401
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


class RuleEnvironment(ImmutableSandboxedEnvironment):
    """Compile and run templates under the limits above."""

    code_generator_class = _Generator
    concat = staticmethod(join_output)
    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "**", "%"))

    def __init__(
        self, functions: dict[str, Callable[..., Any]], undefined: type[StrictUndefined], limit_s: float = TIME_LIMIT_S
    ) -> None:
        # Not optimised: folding constants would work out '9' * 10**9 while the rule is read.
        super().__init__(undefined=undefined, optimized=False, autoescape=False, cache_size=0)
        self.meter = Meter(limit_s)
        plain = {name: _whole(FILTERS[name]) for name in _FILTERS} | OWN_FILTERS | functions
        self.filters = {name: self.meter.metered(function) for name, function in plain.items()}
        # Tests too: select('in', list) is as many comparisons as both lists have pairs.
        tests: dict[str, Any] = self.tests
        self.tests = {name: self.meter.metered(function) for name, function in tests.items()}
        self.filters |= {"_pay": self.meter.paid, "_each": self.meter.each, "_weigh": weighed, "_glue": _glue}
        self._callable: set[int] = set()
        self.globals.clear()

    def give(self, name: str, function: Callable[..., Any]) -> None:
        """Let templates call ``function`` by ``name``."""
        given = Given(name, self.meter.metered(function))
        self._callable.add(id(given))
        self.globals[name] = given

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Let ``map`` and its like call no filter of our own making."""
        if name.startswith("_"):
            raise Cut("rules.template.not_available", what=name)
        return super().call_filter(name, *args, **kwargs)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        fenced: nodes.Template = _Fence().visit(tree)
        return fenced

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401
        """Allow the few methods of plain values that a message needs, and nothing private."""
        if attr.startswith("_"):
            return False
        for kind, methods in _METHODS.items():
            if isinstance(obj, kind):
                return attr in methods if callable(value) else isinstance(obj, date | timedelta | LoopContext)
        return False

    def is_safe_callable(self, obj: Any) -> bool:  # noqa: ANN401
        """Allow what ``give`` gave and the methods that ``is_safe_attribute`` let through."""
        if id(obj) in self._callable:
            return True
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "_")
        return any(isinstance(owner, kind) and name in methods for kind, methods in _METHODS.items())

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401
        """Look into a dict first: a field named ``items`` is the field, not the method."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Do an operator only where its result cannot be huge."""
        self.meter.spend()
        if operator == "**":
            _check_power(left, right)
        elif operator == "*":
            _check_product(left, right)
        elif operator == "%" and not isinstance(left, int | float):
            raise Cut("rules.template.no_percent")
        return weighed(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Call what is allowed, pay for it, weigh what comes back."""
        __self.meter.spend()
        if not isinstance(__obj, Undefined) and not __self.is_safe_callable(__obj):
            raise Cut("rules.template.forbidden", name=getattr(__obj, "__name__", "()"))
        if isinstance(__obj, Undefined):
            str(__obj)  # raises, and names what does not exist
        return weighed(super().call(__context, __obj, *args, **kwargs))


class _Fence(NodeTransformer):
    """Refuse the parts of Jinja2 that rules do not need, and meter loops and built values."""

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Check one node, then its children, then wrap it."""
        if not isinstance(node, _NODES) or (isinstance(node, nodes.For) and node.recursive):
            raise Cut("rules.template.not_available", what=type(node).__name__.lower())
        if isinstance(node, nodes.Const) and _is_endless(node.value):
            raise Cut("rules.template.too_big")
        if isinstance(node, nodes.Filter) and node.name.startswith("_"):
            raise Cut("rules.template.not_available", what=node.name)
        if isinstance(node, nodes.Name) and node.name == "self":
            raise Cut("rules.template.not_available", what="self")
        node = self.generic_visit(node, *args, **kwargs)
        if isinstance(node, nodes.For):
            node.iter = _filtered(node.iter, "_each")
        elif isinstance(node, nodes.Concat):
            return _filtered(nodes.List(node.nodes, lineno=node.lineno), "_glue")
        elif isinstance(node, nodes.Compare):
            return _filtered(node, "_pay")
        elif isinstance(node, nodes.List | nodes.Dict) or (isinstance(node, nodes.Tuple) and node.ctx == "load"):
            return _filtered(node, "_weigh")
        return node


def _is_endless(value: Any) -> bool:  # noqa: ANN401
    """Say whether a number was written that no quantity is: 1e999, or digits by the hundred."""
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and value.bit_length() > INT_BITS_LIMIT


def _whole(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a filter return a list where Jinja2's returns what is worked out later: that would escape the scales."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        made = function(*args, **kwargs)
        return list(made) if isinstance(made, Iterator) else made

    return call


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _glue(parts: list[Any]) -> str:
    for part in parts:
        weighed(part)
    return str(weighed("".join([str(part) for part in parts])))


def _check_power(left: Any, right: Any) -> None:  # noqa: ANN401
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > INT_BITS_LIMIT:
        raise Cut("rules.template.too_big")


def _check_product(left: Any, right: Any) -> None:  # noqa: ANN401
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | list | tuple) and isinstance(times, int) and len(many) * times > WEIGHT_LIMIT:
            raise Cut("rules.template.too_big")
