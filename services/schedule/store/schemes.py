"""SQL of the WFO/WFA schemes: each with the version it was published in, and where and when it is in force."""

from collections.abc import Sequence
from uuid import UUID

import orjson

from services.schedule.rules.schemes import Scheme, SchemeState
from services.schedule.store.reference_rows import Kept, as_json
from shared.database import Connection
from shared.events import SchemeInForce


async def schemes(connection: Connection) -> dict[UUID, Kept[SchemeState]]:
    """All schemes by id, with their scopes in order of date."""
    scopes: dict[UUID, list[SchemeInForce]] = {}
    for row in await connection.fetch(
        """select scheme_id, org_unit_id, since, until, legal_source from scheme_in_force
           order by since, org_unit_id::text nulls first"""
    ):
        scope = SchemeInForce(since=row["since"], until=row["until"], org_unit_id=row["org_unit_id"], legal_source=row["legal_source"])
        scopes.setdefault(row["scheme_id"], []).append(scope)
    rows = await connection.fetch("select scheme_id, version, name, content::text as content from scheme")
    return {
        row["scheme_id"]: Kept(row["version"], SchemeState(
            row["name"], Scheme.from_content(orjson.loads(row["content"])), tuple(scopes.get(row["scheme_id"], ()))))
        for row in rows
    }


async def put_schemes(connection: Connection, rows: Sequence[Kept[SchemeState]]) -> None:
    """Writes schemes in their new versions, and their scopes in place of what they had."""
    await connection.executemany(
        """insert into scheme (scheme_id, version, name, content) values ($1, $2, $3, $4::text::jsonb)
           on conflict (scheme_id) do update set version = excluded.version, name = excluded.name""",
        [(state.scheme_id, version, state.name, as_json(state.scheme.content())) for version, state in rows],
    )
    await connection.execute("delete from scheme_in_force where scheme_id = any($1::uuid[])", [state.scheme_id for _, state in rows])
    await connection.executemany(
        "insert into scheme_in_force (scheme_id, org_unit_id, since, until, legal_source) values ($1, $2, $3, $4, $5)",
        [(state.scheme_id, scope.org_unit_id, scope.since, scope.until, scope.legal_source)
         for _, state in rows for scope in state.in_force],
    )
