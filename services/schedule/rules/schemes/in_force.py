"""Which scheme holds where and when: a scheme with its scopes, and the one that counts on a date."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from services.schedule.rules.schemes.model import Scheme
from shared.events import SchemeInForce, SchemePublished


@dataclass(frozen=True, slots=True)
class SchemeState:
    """A scheme under its name, and where and when it is in force."""

    name: str
    scheme: Scheme
    in_force: tuple[SchemeInForce, ...] = ()

    @property
    def scheme_id(self) -> UUID:
        """The id, which follows from the content."""
        return self.scheme.identity

    def published(self, version: int) -> SchemePublished:
        """The event that tells this state."""
        return SchemePublished(
            scheme_id=self.scheme_id, version=version, name=self.name, content=self.scheme.content(), in_force=self.in_force,
        )

    def holding(self, scope: SchemeInForce) -> "SchemeState":
        """The state with one more scope; one of the same unit and first date gives way to it (an extension)."""
        others = [other for other in self.in_force if (other.org_unit_id, other.since) != (scope.org_unit_id, scope.since)]
        ordered = sorted([*others, scope], key=lambda one: (one.since, str(one.org_unit_id or "")))
        return replace(self, in_force=tuple(ordered))

    def without(self, org_unit_id: UUID | None, since: dt.date) -> "SchemeState":
        """The state without the scope of that unit and first date."""
        return self.leaving_out(org_unit_id, since, since)

    def leaving_out(self, org_unit_id: UUID | None, first: dt.date, last: dt.date) -> "SchemeState":
        """The state without the scopes of that unit that begin on these dates."""
        return replace(self, in_force=tuple(
            scope for scope in self.in_force if scope.org_unit_id != org_unit_id or not first <= scope.since <= last))


def with_scope(states: Mapping[UUID, SchemeState], scheme: Scheme, scope: SchemeInForce) -> dict[UUID, SchemeState]:
    """The schemes with one of them in force there as well; whichever began there on the same date gives way."""
    return {
        scheme_id: state.holding(scope) if scheme_id == scheme.identity else state.without(scope.org_unit_id, scope.since)
        for scheme_id, state in states.items()
    }


class SchemesInForce:
    """Which scheme holds for a unit on a date: the unit's own before the province's, and of those the one that began last.

    A scheme for a few days therefore covers the lasting one only while it holds, and gives it back afterwards.
    """

    def __init__(self, states: Iterable[SchemeState]) -> None:
        self._scopes: dict[UUID | None, list[tuple[SchemeInForce, SchemeState]]] = {}
        for state in states:
            for scope in state.in_force:
                self._scopes.setdefault(scope.org_unit_id, []).append((scope, state))
        for found in self._scopes.values():
            found.sort(key=lambda pair: (pair[0].since, pair[1].name), reverse=True)

    def on(self, org_unit_id: UUID, date: dt.date) -> SchemeState | None:
        """The scheme of a unit on a date; None: nothing holds, everybody works as the week pattern says."""
        for unit in (org_unit_id, None):
            for scope, state in self._scopes.get(unit, ()):
                if scope.since <= date and (scope.until is None or date <= scope.until):
                    return state
        return None

    def turns(self, org_unit_id: UUID) -> set[dt.date]:
        """The dates on which another scheme may begin to hold for a unit."""
        scopes = [scope for unit in (org_unit_id, None) for scope, _ in self._scopes.get(unit, ())]
        return {scope.since for scope in scopes} | {
            scope.until + dt.timedelta(days=1) for scope in scopes if scope.until is not None and scope.until < dt.date.max}
