"""What a query asks for, and whether anybody tells it."""

import re
from collections.abc import Iterator
from typing import Any, Final

import promql_parser as promql

from shared import metrics

ELSEWHERE: Final = {"ALERTS", "up"}
"""What Prometheus makes by itself. Everything else that a panel or a rule may ask for is in shared/metrics.py: figures of
Kafka and PostgreSQL are our own too, so that a dashboard shows the same on a laptop and in a cluster."""


def fit(expression: str) -> str:
    """The expression as Grafana sends it, with its variables replaced."""
    return expression.replace("$__rate_interval", "1m").replace("$opd", ".*")


def selected(expression: str) -> set[str]:
    """The names of all series that an expression asks for. Raises ValueError when it is no PromQL."""
    found = {node.name or "" for node in _nodes(promql.parse(fit(expression))) if isinstance(node, promql.VectorSelector)}
    if not all(found):
        raise ValueError(f"{expression!r} asks for series without naming them")
    return found


def _nodes(node: Any) -> Iterator[Any]:
    """A node of a parsed expression and all beneath it."""
    yield node
    parts = [getattr(node, part, None) for part in ("expr", "lhs", "rhs", "vector_selector")]
    for inner in [*parts, *(getattr(node, "args", None) or ())]:
        if inner is not None and not isinstance(inner, str):
            yield from _nodes(inner)


def unknown_metrics(expression: str) -> set[str]:
    """What an expression asks for that nobody tells."""
    return selected(expression) - metrics.series().keys() - ELSEWHERE


def unknown_labels(expression: str, legend: str = "") -> set[str]:
    """Labels by which an expression or its legend tells series apart and that none of what it selects has.

    A renamed label leaves a query that finds something, only not what it says: one line for all instead of one each.
    """
    labels = metrics.labels()
    asked = set(re.findall(r"{{\s*(\w+)\s*}}", legend))
    for node in _nodes(promql.parse(fit(expression))):
        if isinstance(node, promql.VectorSelector):
            asked |= {matcher.name for matcher in node.matchers.matchers}
        elif isinstance(node, promql.AggregateExpr) and node.modifier:
            asked |= set(node.modifier.labels)
        elif isinstance(node, promql.BinaryExpr) and node.modifier:
            asked |= {*(node.modifier.group_labels or ()), *(node.modifier.matching.labels if node.modifier.matching else ())}
    known = {label for name in selected(expression) for label in labels.get(name, ())}
    return asked - known - {"job", "instance"}
