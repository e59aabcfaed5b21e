"""What a query asks for, and whether anybody tells it."""

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
    found: set[str] = set()

    def walk(node: Any) -> None:
        selector = node.vector_selector if isinstance(node, promql.MatrixSelector) else node
        if isinstance(selector, promql.VectorSelector):
            if not selector.name:
                raise ValueError(f"{expression!r} asks for series without naming them")
            found.add(selector.name)
        parts = [getattr(node, part, None) for part in ("expr", "lhs", "rhs")]
        for inner in [*parts, *(getattr(node, "args", None) or ())]:
            if inner is not None and not isinstance(inner, str):
                walk(inner)

    walk(promql.parse(fit(expression)))
    return found


def unknown_metrics(expression: str) -> set[str]:
    """What an expression asks for that nobody tells."""
    return selected(expression) - metrics.series().keys() - ELSEWHERE
