"""Who moves positions: written down by the house's own database, since what a process believed is in no table of the product.

Every session of a service says which process it is of. Whoever raises the epoch of a position has claimed it; whoever moves it
after another has claimed it has committed by an old epoch (I6).
"""

from collections.abc import Mapping

import asyncpg

PROCESS = "hadir.process"
"""The setting by which a session says whose it is."""

_CONSUMERS = ("geofence", "schedule", "payroll")
_WITNESS = f"""
create schema witness;
create table witness.claim (service text, topic text, lane int, process text, epoch bigint, primary key (service, topic, lane));
create table witness.trespass (service text, topic text, lane int, epoch bigint, process text, claimed_by text);
create function witness.see() returns trigger language plpgsql security definer as $$
begin
    if tg_op = 'INSERT' or new.epoch > old.epoch then
        insert into witness.claim values (tg_table_schema, new.topic, new.lane, current_setting('{PROCESS}', true), new.epoch)
        on conflict (service, topic, lane) do update set process = excluded.process, epoch = excluded.epoch;
    elsif new.next_offset <> old.next_offset then
        insert into witness.trespass
        select c.service, c.topic, c.lane, new.epoch, current_setting('{PROCESS}', true), c.process from witness.claim c
        where (c.service, c.topic, c.lane) = (tg_table_schema::text, new.topic, new.lane)
          and c.process is distinct from current_setting('{PROCESS}', true);
    end if;
    return null;
end $$;
"""


async def post_witness(url: str) -> None:
    """Have every claim and every move of a position seen from now on; the tables of the services are there."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_WITNESS)
        for service in _CONSUMERS:
            await connection.execute(
                f"create trigger witness after insert or update on {service}.position for each row execute function witness.see()"
            )
    finally:
        await connection.close()


Claims = Mapping[tuple[str, int], int]
"""Topic and lane, and the epoch of the claim: who claims a lane once more does so by another."""


async def claims_of(connection: "asyncpg.Connection[asyncpg.Record]", process: str) -> Claims:
    """The lanes that nobody has claimed since this process did."""
    rows = await connection.fetch("select topic, lane, epoch from witness.claim where process = $1", process)
    return {(row["topic"], row["lane"]): row["epoch"] for row in rows}
