"""Who asks, and whether they may: the headers that name actor and role are read and checked here and nowhere else.

`Hadir-Actor`, `Hadir-Role` and `Hadir-Units` are to be replaced by the claims of verified tokens; until then the API must
stand behind the province's gateway, which sets them. Routes stay as they are: they ask for a verb of `shared.roles`.
"""

from collections.abc import Collection
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from fastapi import Depends, Header, Request

from shared.faults import Fault
from shared.roles import REACH, RIGHTS, Reach, Role, may
from shared.web.problems import FORBIDDEN, OUT_OF_REACH, UNAUTHENTICATED, Problem

_LONGEST: Final = 100


class Bounds(NamedTuple):
    """Of whom a list tells: one employee, the people of these units (None: of all), or both."""

    employee_id: UUID | None
    units: list[UUID] | None


class Actor(NamedTuple):
    """Who asks: name (for an employee: the employee's id), role, and the org units of a role that has only some."""

    name: str
    role: Role
    units: frozenset[UUID] = frozenset()

    @property
    def reach(self) -> Reach:
        """How far this actor sees."""
        return REACH[self.role]

    @property
    def own_id(self) -> UUID | None:
        """The only employee of whom the actor may know anything; None for a role that sees others."""
        return UUID(self.name) if self.reach is Reach.OWN else None

    @property
    def own_units(self) -> list[UUID] | None:
        """The only units whose people the actor may see; None for a role that is not bound to units."""
        return sorted(self.units) if self.reach is Reach.UNITS else None

    @property
    def sees_names(self) -> bool:
        """Whether NIP and names may be told to this actor."""
        return may(self.role, "people.identify")

    def require(self, employee_id: UUID, units: Collection[UUID]) -> None:
        """Raises Problem unless the actor may know of this employee, who belongs (or belonged) to these units."""
        if self.own_id not in (None, employee_id) or (self.own_units is not None and not self.units & set(units)):
            raise Problem(OUT_OF_REACH)

    def bounds(self, employee_id: UUID | None = None, unit: UUID | None = None) -> Bounds:
        """Of whom a list may tell when this employee or unit is asked for; raises Problem beyond the actor's reach."""
        if employee_id is not None and self.own_id not in (None, employee_id):
            raise Problem(OUT_OF_REACH)
        if unit is not None and self.own_units is not None and unit not in self.units:
            raise Problem(OUT_OF_REACH)
        return Bounds(self.own_id or employee_id, self.own_units if unit is None else [unit])

    def require_unit(self, unit: UUID) -> None:
        """Raises Problem unless the actor may know of everybody in this unit."""
        if self.reach is Reach.OWN or (self.reach is Reach.UNITS and unit not in self.units):
            raise Problem(OUT_OF_REACH)


class Asks:
    """Dependency of a route that needs a verb; KeyError when the verb is not in the table of roles."""

    def __init__(self, verb: str) -> None:
        self.verb: Final = verb
        self.roles: Final = RIGHTS[verb]

    def __call__(
        self,
        hadir_actor: Annotated[str | None, Header(
            description="Siapa yang meminta; untuk peran employee: id pegawai. Kelak diganti token.")] = None,
        hadir_role: Annotated[str | None, Header(description="Peran: employee, unit_officer, bkd, …")] = None,
        hadir_units: Annotated[str | None, Header(
            description="Id unit kerja, dipisah koma; untuk peran unit_officer dan supervisor")] = None,
    ) -> Actor:
        """The actor, who has the verb; Problem 401 or 403 if not."""
        actor = read_actor(hadir_actor, hadir_role, hadir_units)
        if not may(actor.role, self.verb):
            raise Problem(FORBIDDEN)
        return actor


def asks(verb: str) -> Any:
    """Declares that a route needs a verb, and gives it who asks.

    Written `actor: Annotated[Actor, asks("days.read")]`; KeyError for a verb that is not in the table of roles.
    """
    return Depends(Asks(verb))


def admit(request: Request) -> None:
    """Raises Problem 401 or 403 unless whoever asks has the verbs of the route; for what must not be had before that."""
    named = (request.headers.get(header) for header in ("Hadir-Actor", "Hadir-Role", "Hadir-Units"))
    actor = read_actor(*named)
    if not all(actor.role in roles for _, roles in verbs_of(request.scope["route"])):
        raise Problem(FORBIDDEN)


def verbs_of(route: Any) -> list[tuple[str, frozenset[Role]]]:
    """The verbs that a route asks for, with the roles that have them."""
    todo, found = [route.dependant] if hasattr(route, "dependant") else [], []
    while todo:
        dependant = todo.pop()
        if isinstance(dependant.call, Asks):
            found.append((dependant.call.verb, dependant.call.roles))
        todo += dependant.dependencies
    return found


def read_actor(name: str | None, role: str | None, units: str | None) -> Actor:
    """The actor whom these headers name; Problem 401 that says which of them is missing or wrong."""
    faults = []
    name = (name or "").strip()
    if not name or len(name) > _LONGEST or not name.isprintable():
        faults.append(Fault("Hadir-Actor", "missing", "Wajib diisi: siapa yang meminta, paling panjang 100 huruf."))
    known = role if role in set(Role) else None
    if known is None:
        faults.append(Fault("Hadir-Role", "unknown-role", f"Harus salah satu dari: {', '.join(Role)}."))
    listed: frozenset[UUID] = frozenset()
    try:
        listed = frozenset(UUID(unit.strip()) for unit in (units or "").split(",") if unit.strip())
        if known == Role.EMPLOYEE and not faults:
            UUID(name)
    except ValueError:
        faults.append(Fault("Hadir-Units" if units else "Hadir-Actor", "not-a-uuid", "Harus UUID."))
    if known is not None and REACH[Role(known)] is Reach.UNITS and not listed and not faults:
        faults.append(Fault("Hadir-Units", "missing", "Peran ini harus menyebut unit kerjanya."))
    if faults or known is None:
        raise Problem(UNAUTHENTICATED, *faults)
    return Actor(name, Role(known), listed)
