"""`hadir capacity`: what a deployment for so many employees needs, and the measurement on which that rests."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.terminal import print_line, stop_with
from shared.settings import settings

if TYPE_CHECKING:
    from services.capacity.measuring import Held


def capacity(
    employees: Annotated[list[int] | None, typer.Option("--employees", min=1, help="How many; may be given several times.")] = None,
    marks: Annotated[float, typer.Option("--marks", min=1, max=10, help="Check-ins of one employee on a working day.")] = 2.0,
    measure: Annotated[bool, typer.Option("--measure", help="Measure the local stack that `hadir run` started, at rest.")] = False,
) -> None:
    """Reckon rates, processors, pods, disks and bandwidth from measured bytes for each check-in (docs/capacity.md).

    Examples: [bold]hadir capacity --employees 60000 --employees 300000[/bold], [bold]hadir capacity --measure[/bold]
    """
    if measure:
        _measure()
        return
    from services.capacity.sizing import need

    for number in employees or [60_000, 300_000, 5_000_000]:
        found = need(number, marks)
        print_line(f"{found.employees:,} employees, {found.check_ins_a_day:,} check-ins a day, {found.peak:,.0f}/s at the peak")
        print_line(f"  processors      {found.cores:,.1f} cores of all processes, broker and database at the peak")
        print_line(f"  workers         {found.pods} pods each of geofence, schedule and payroll, 24 lanes")
        topics, topics_later = _bytes(found.kafka_bytes), _bytes(found.kafka_bytes_a_year)
        tables, tables_later = _bytes(found.postgres_bytes), _bytes(found.postgres_bytes_a_year)
        print_line(f"  Kafka           {topics} on all brokers after a year, then {topics_later} a year")
        print_line(f"  PostgreSQL      {tables} an instance after a year, then {tables_later} a year")
        print_line(f"  network         {found.ingest_mbit:,.0f} Mbit/s from phones, {found.kafka_mbit:,.0f} Mbit/s among brokers")


def _measure() -> None:
    from services.capacity.measuring import measure as measure_all
    from shared.failures import is_infrastructure

    log = settings().home / "kafka" / "data"
    if not log.is_dir():
        stop_with(f"There is no {log}: only a stack that `hadir run` started can be measured.")
    try:
        found = asyncio.run(measure_all(settings().database, settings().kafka, log))
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"The stack does not answer ({type(error).__name__}): start it with `hadir run`.")
    if not found.check_ins:
        stop_with("Nothing was played on this stack: `hadir simulate --employees 2000 --days 5`, then measure.")
    print_line(f"{found.check_ins:,} check-ins, {found.employee_days:,} employee-days, {found.employees:,} employees")
    for what, held in (("topic", found.topics), ("table", found.tables)):
        print_line(f"{what:40} {'count':>10} {'bytes':>12} {'each':>7} {'a check-in':>11}")
        for one in held:
            if one.count:
                print_line(_line(one, found.check_ins))


def _line(held: "Held", check_ins: int) -> str:
    return f"{held.name:40} {held.count:>10,} {held.size:>12,} {held.size / held.count:>7,.0f} {held.size / check_ins:>11,.1f}"


def _bytes(number: int) -> str:
    gib = number / 1024**3
    return f"{gib / 1024:,.1f} TiB" if gib >= 1024 else f"{gib:,.0f} GiB"
