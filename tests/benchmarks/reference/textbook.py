"""The same pipeline as a Faust tutorial would have it: an event at a time, a statement at a time, `topic.send`, no outbox.

Three processes (BENCH_AGENT = locate, assess, price), each with one agent and one connection pool. It is simpler than
ours in everything: circles only, one shift, one table of bands, no versions, no ledger of reversals, no dates of
memberships; and whatever raises or is killed in flight is lost, and what is read again counts twice. Its sessions are not reset
between two statements, as ours are not, though asyncpg does that by itself. So the comparison flatters it.
"""

import datetime as dt
import math
import os
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import faust
import mode.loop
import orjson

from services.simulator.province import Province

RECORDED, LOCATED, DAY, MONTH = (f"hadir.bench.textbook-{name}.v1" for name in ("recorded", "located", "day", "month"))
MINUTE = dt.timedelta(minutes=1)
STARTS, ENDS = 7 * 60 + 30, 16 * 60
_TABLES = """
create schema textbook;
create table textbook.office (unit uuid, lon double precision, lat double precision, radius double precision);
create index on textbook.office (unit);
create table textbook.employee (id uuid primary key, unit uuid not null, ceiling bigint not null, zone text not null);
create table textbook.check_in (id uuid primary key, employee uuid, mark text, captured_at timestamptz, inside bool, distance int);
create index on textbook.check_in (employee, captured_at);
create table textbook.day (employee uuid, date date, late int, early int, primary key (employee, date));
create table textbook.band (kind text, least int, most int, percent numeric);
insert into textbook.band values ('late',1,30,0.5),('late',31,60,1.0),('late',61,90,1.25),('late',91,1440,1.5),
                                 ('early',1,30,0.5),('early',31,60,1.0),('early',61,90,1.25),('early',91,1440,1.5);
create table textbook.line (id bigserial primary key, employee uuid, date date, kind text, percent numeric, amount bigint);
create index on textbook.line (employee, date);
"""


async def prepare(database: str, province: Province) -> None:
    """Make and fill its tables from the invented province."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(_TABLES)
        unit_ids = {unit.number: province.identity("textbook-unit", unit.number) for unit in province.units}
        await connection.copy_records_to_table(
            "employee", schema_name="textbook",
            records=[(one.employee_id, unit_ids[one.unit.number], one.ceiling, one.unit.region.timezone) for one in province.people()],
        )  # fmt: skip
        await connection.copy_records_to_table(
            "office", schema_name="textbook",
            records=[
                (unit_ids[unit.number], office.centre.longitude, office.centre.latitude, office.size_m)
                for unit in province.units
                for office in unit.offices
            ],
        )  # fmt: skip
        await connection.execute("analyze textbook.employee, textbook.office")
    finally:
        await connection.close()


def metres(lon: float, lat: float, to_lon: float, to_lat: float) -> float:
    """Haversine, as everybody writes it."""
    phi, to_phi = math.radians(lat), math.radians(to_lat)
    half = math.sin((to_phi - phi) / 2) ** 2 + math.cos(phi) * math.cos(to_phi) * math.sin(math.radians(to_lon - lon) / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(half))


def main() -> None:
    """Run one of the three agents until killed."""
    mode.loop.use("uvloop")
    agent = os.environ["BENCH_AGENT"]
    app = faust.App(
        f"bench-textbook-{agent}", broker=f"kafka://{os.environ['HADIR_KAFKA']}", store="memory://", web_enabled=False,
        topic_disable_leader=True, consumer_auto_offset_reset="earliest", topic_allow_declare=False, value_serializer="raw",
        key_serializer="raw",
    )  # fmt: skip
    pools: list[asyncpg.Pool[asyncpg.Record]] = []
    sources = {"locate": RECORDED, "assess": LOCATED, "price": DAY}
    source = app.topic(sources[agent], value_type=bytes, key_type=bytes)
    targets = {"locate": LOCATED, "assess": DAY, "price": MONTH}
    target = app.topic(targets[agent], value_type=bytes, key_type=bytes)
    work = {"locate": locate, "assess": assess, "price": price}[agent]

    async def handle(stream: faust.StreamT[bytes]) -> None:
        if not pools:
            pools.append(await asyncpg.create_pool(os.environ["HADIR_DATABASE"], min_size=1, max_size=4, reset=_as_it_is))
        async for key, value in stream.items():
            answer = await work(pools[0], orjson.loads(value))
            await target.send(key=key, value=orjson.dumps(answer))

    app.agent(source)(handle)
    faust.Worker(app, loglevel="WARN").execute_from_commandline()


async def _as_it_is(_: object) -> None:
    """Leaves a session as it is: a reset would be a round trip for each statement."""


async def locate(pool: "asyncpg.Pool[asyncpg.Record]", event: dict[str, Any]) -> dict[str, Any]:
    """Which office is nearest, and is it near enough?"""
    unit = await pool.fetchval("select unit from textbook.employee where id = $1::text::uuid", event["employee_id"])
    offices = await pool.fetch("select lon, lat, radius from textbook.office where unit = $1", unit)
    lon, lat = event["longitude"], event["latitude"]
    distance, radius = min(((metres(lon, lat, o["lon"], o["lat"]), o["radius"]) for o in offices), default=(0.0, 0.0))
    inside = distance <= radius
    await pool.execute(
        "insert into textbook.check_in values ($1::text::uuid, $2::text::uuid, $3, $4::text::timestamptz, $5, $6) on conflict do nothing",
        event["check_in_id"], event["employee_id"], event["mark"], event["captured_at"], inside, round(distance),
    )  # fmt: skip
    return {name: event[name] for name in ("check_in_id", "employee_id", "mark", "captured_at")} | {"inside": inside}


async def assess(pool: "asyncpg.Pool[asyncpg.Record]", event: dict[str, Any]) -> dict[str, Any]:
    """How late was the first mark of the day, how early the last?"""
    zone = await pool.fetchval("select zone from textbook.employee where id = $1::text::uuid", event["employee_id"])
    at = dt.datetime.fromisoformat(event["captured_at"]).astimezone(ZoneInfo(zone))
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    row = await pool.fetchrow(
        "select min(captured_at) filter (where mark = 'in') as came, max(captured_at) filter (where mark = 'out') as gone"
        " from textbook.check_in where employee = $1::text::uuid and captured_at >= $2 and captured_at < $2 + interval '1 day'",
        event["employee_id"], midnight,
    )  # fmt: skip
    assert row is not None  # an aggregate always has a row
    late = early = 0
    if row["came"] is not None:
        late = max(0, (row["came"] - midnight) // MINUTE - STARTS)
    if row["gone"] is not None:
        early = max(0, ENDS - (row["gone"] - midnight) // MINUTE)
    date = str(at.date())
    await pool.execute(
        "insert into textbook.day values ($1::text::uuid, $2::text::date, $3, $4)"
        " on conflict (employee, date) do update set late = excluded.late, early = excluded.early",
        event["employee_id"], date, late, early,
    )  # fmt: skip
    return {"employee_id": event["employee_id"], "date": date, "late": late, "early": early}


async def price(pool: "asyncpg.Pool[asyncpg.Record]", event: dict[str, Any]) -> dict[str, Any]:
    """What does the day cost, and what does the month by now?"""
    ceiling = await pool.fetchval("select ceiling from textbook.employee where id = $1::text::uuid", event["employee_id"])
    await pool.execute(
        "delete from textbook.line where employee = $1::text::uuid and date = $2::text::date", event["employee_id"], event["date"]
    )
    for kind in ("late", "early"):
        if event[kind]:
            percent = await pool.fetchval(
                "select percent from textbook.band where kind = $1 and $2::int between least and most", kind, event[kind]
            )
            if percent is not None:
                await pool.execute(
                    "insert into textbook.line (employee, date, kind, percent, amount)"
                    " values ($1::text::uuid, $2::text::date, $3, $4, $5)",
                    event["employee_id"], event["date"], kind, percent, round(ceiling * percent / 100),
                )  # fmt: skip
    total = await pool.fetchrow(
        "select coalesce(sum(percent), 0) as percent, coalesce(sum(amount), 0)::bigint as amount from textbook.line"
        " where employee = $1::text::uuid and date_trunc('month', date) = date_trunc('month', $2::text::date)",
        event["employee_id"], event["date"],
    )  # fmt: skip
    assert total is not None  # likewise
    return {
        "employee_id": event["employee_id"], "month": event["date"][:7], "percent": str(total["percent"]), "amount": total["amount"]
    }  # fmt: skip


if __name__ == "__main__":
    main()
