"""Plays stories through the running system: check-ins over HTTP, decisions as commands, results from what was stored."""

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from fractions import Fraction
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import httpx
import orjson

from services.payroll import rules as pay
from services.payroll.commands import close_month
from services.payroll.store.months import load_months
from services.scenario.arrivals import (
    Apel,
    Arrival,
    CheckIn,
    CloseMonth,
    Fraud,
    Leave,
    Left,
    Letter,
    Manual,
    Move,
    Now,
    Outage,
    OutageDecision,
    Permission,
    Review,
    WorkReport,
)
from services.scenario.cases import Case
from services.scenario.compare import DayGot, Got, MonthGot, StepGot, compare
from services.scenario.model import Scenario
from services.scenario.stage import Stage, StageError, add_activity, put_up
from services.schedule import commands
from services.schedule.rules import EXCUSED
from shared.database import open_pool
from shared.events import DayAssessed, DayStatus
from shared.lanes import Lanes
from shared.policy import Policy
from shared.settings import Settings, settings

PATIENCE_S: Final = 60.0
"""How long the system may take for what usually takes a second, before the story is given up."""

_POLL_S: Final = 0.05


async def run_all(scenarios: Sequence[Scenario], policies: Mapping[str, Policy]) -> list[Case]:
    """Play every story on the system that the settings name, one after the other, and compare."""
    return [compare(*played) for played in zip(scenarios, await play_all(scenarios, policies), strict=True)]


async def play_all(scenarios: Sequence[Scenario], policies: Mapping[str, Policy]) -> list[Got]:
    """What came of every story on the system that the settings name, played one after the other."""
    async with _System(settings()) as system:
        return [await _played(system, scenario, policies) for scenario in scenarios]


async def _played(system: "_System", scenario: Scenario, policies: Mapping[str, Policy]) -> Got:
    play = _Play(system, Stage(scenario), policies)
    try:
        await play.begin()
        for arrival in scenario.arrivals:
            await play.take(arrival)
        await play.settle()
        return await play.got()
    except StageError as trouble:
        raise StageError(f"{scenario.id}: {trouble}") from trouble


class _System:
    """Connections to the parts of a running system."""

    def __init__(self, setting: Settings) -> None:
        self.settings = setting
        self.http = httpx.AsyncClient(base_url=f"http://{setting.host}:{setting.ingest_port}", timeout=30)

    async def __aenter__(self) -> Self:
        self.schedule = await open_pool(self.settings.database, "schedule")
        self.payroll = await open_pool(self.settings.database, "payroll")
        self.geofence = await open_pool(self.settings.database, "geofence", max_size=2)
        self.lanes = Lanes(self.schedule, "schedule")
        self.payroll_lanes = Lanes(self.payroll, "payroll")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.http.aclose()
        await self.schedule.close()
        await self.payroll.close()
        await self.geofence.close()


class _Play:
    """One story being played."""

    def __init__(self, system: _System, stage: Stage, policies: Mapping[str, Policy]) -> None:
        self.system, self.stage = system, stage
        self.scenario = stage.scenario
        self.policies = policies
        self.people = stage.employee_ids()
        self.sent: set[UUID] = set()

    async def begin(self) -> None:
        await put_up(self.stage, self.system.lanes, self.system.settings.database, self.policies)

    async def take(self, arrival: Arrival) -> None:
        """One arrival; what is decided about earlier ones waits until these have arrived everywhere."""
        match arrival:
            case CheckIn():
                await self._check_in(arrival)
            case Now():
                await self._arrived()
                await commands.move_clock(self.system.lanes, self.stage.clock, arrival.now)
            case CloseMonth():
                await self.settle()
                await close_month(self.system.payroll_lanes, arrival.close_month, self.stage.clock)
                await self.settle()
            case Letter():
                await self._arrived()
                await add_activity(self.stage, arrival, self.system.settings.database)
                await self._judged_again()
            case WorkReport():
                await self._work_report(arrival)
            case _:
                await self._arrived()
                await self._decide(arrival)

    async def _check_in(self, row: CheckIn) -> None:
        where = self.stage.position(row)
        check_in_id = self.stage.id_of("check-in", row.check_in)
        body: dict[str, Any] = {
            "check_in_id": str(check_in_id), "employee_id": str(self._employee(row.employee)), "mark": str(row.mark),
            "captured_at": row.at.isoformat(), "latitude": where.latitude, "longitude": where.longitude,
            "device_id": f"scenario-{row.employee}", "source_app": "scenario", "mock": row.mock,
        }
        if where.accuracy_m is not None:
            body["accuracy_m"] = where.accuracy_m
        if row.evidence:
            body["evidence"] = {"reference": f"scenario/{check_in_id}", "sha256": "0" * 64}
        await self._post("/v1/check-ins", body, fine=(202, 409))  # the same id again with other words: the first stands
        self.sent.add(check_in_id)

    async def _work_report(self, row: WorkReport) -> None:
        report_id = self.stage.id_of("work-report", row.work_report)
        submitted = dt.datetime.combine(row.date, dt.time(15), dt.UTC)
        await self._post("/v1/work-reports", {
            "report_id": str(report_id), "employee_id": str(self._employee(row.employee)),
            "work_date": row.date.isoformat(), "submitted_at": submitted.isoformat(),
        }, fine=(202,))
        await self._until("work report", "select count(*) = 1 from work_report where report_id = $1", report_id)

    async def _post(self, path: str, body: dict[str, Any], fine: tuple[int, ...]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = await self.system.http.post(path, json=body)
            if answer.status_code in fine:
                return
            # The story's people were published a moment ago; ingest may not have read of them yet.
            waits = answer.status_code == 503 or answer.json().get("code") == "unknown-employee"
            if not waits or time.monotonic() > deadline:
                raise StageError(f"{path} answered {answer.status_code}: {answer.text[:300]}")
            await asyncio.sleep(_POLL_S)

    async def _decide(self, arrival: Arrival) -> None:
        match arrival:
            case Leave(leave=name, employee=employee):
                body = {"kind": arrival.kind, "from": str(arrival.since), "to": str(arrival.until)}
                body |= {key: value for key in ("letter", "inpatient", "reason") if (value := getattr(arrival, key)) is not None}
                await self._fact("leave", name, body, employee)
            case Manual(manual=name, employee=employee):
                await self._fact("manual", name, {"mark": str(arrival.mark), "at": arrival.at.isoformat()}, employee)
            case Outage(outage=name):
                for employee in self._affected(arrival):
                    await self._fact(
                        "outage", f"{name}/{employee}",
                        {"from": arrival.since.isoformat(), "to": arrival.until.isoformat()}, employee,
                    )
            case OutageDecision(outage_decision=name, decision=decision):
                [outage] = [row for row in self.scenario.arrivals if isinstance(row, Outage) and row.outage == name]
                for employee in self._affected(outage):
                    outage_id = self.stage.id_of("outage", f"{name}/{employee}")
                    await self._fact(
                        "outage_decision", f"{name}/{employee}",
                        {"outage_decision": str(outage_id), "decision": decision}, employee,
                    )
            case Fraud():
                for check_in in arrival.fraud.check_ins:
                    await self._fact("fraud", check_in, {
                        "check_ins": [str(self.stage.id_of("check-in", check_in))], "decision": arrival.fraud.decision,
                    }, self.scenario.author_of(check_in))
            case Review(review=name, decision=word):
                body = {"review": str(self.stage.id_of("check-in", name)), "decision": word}
                await self._fact("review", name, body, self.scenario.author_of(name))
            case Apel(apel=name):
                for employee in arrival.absent:
                    missed: dict[str, Any] = {"date": str(arrival.date)} | ({"ceremony": True} if arrival.ceremony else {})
                    await self._fact("apel", f"{name}/{employee}", missed, employee)
            case Left(left=name, employee=employee) | Permission(permission=name, employee=employee):
                await self._fact(type(arrival).__name__.lower(), name, {"date": str(arrival.date)}, employee)
            case Move(move=name, employee=employee):
                body = {"to_unit": str(self.stage.id_of("unit", arrival.to_unit)), "from": str(arrival.since)}
                await self._fact("move", name, body, employee)

    async def _fact(self, kind: str, name: str, body: dict[str, Any], employee: str) -> None:
        await commands.record_fact(
            self.system.lanes, correction_id=self.stage.id_of(kind, name), kind=kind, body=body,
            employee_id=self._employee(employee), actor=f"scenario-{self.stage.nonce}",
        )

    def _affected(self, outage: Outage) -> list[str]:
        named = outage.employees or tuple(person.id for person in self.scenario.employees)
        return [
            person.id for person in self.scenario.employees
            if person.id in named and outage.unit in (None, self._unit_on(person.id, outage.since.date()))
        ]

    def _unit_on(self, employee: str, date: dt.date) -> str:
        moves = [row for row in self.scenario.arrivals if isinstance(row, Move) and row.employee == employee and row.since <= date]
        if moves:
            return max(moves, key=lambda row: row.since).to_unit
        return next(person.unit for person in self.scenario.employees if person.id == employee)

    def _employee(self, name: str) -> UUID:
        return self.stage.id_of("employee", name)

    async def _arrived(self) -> None:
        """Waits until schedule knows every check-in that was sent."""
        await self._until(
            "check-ins", "select count(*) = cardinality($1::uuid[]) from mark where check_in_id = any($1)", list(self.sent)
        )

    async def _judged_again(self) -> None:
        """Waits until schedule knows every check-in as geofence judges it by now: places may have come after it."""
        sent = list(self.sent)

        async def nothing_is_due() -> bool:
            async with self.system.geofence.acquire() as connection:
                return bool(await connection.fetchval(
                    "select not exists (select from due_check_in where check_in_id = any($1)) and not exists (select from reached_lane)",
                    sent))  # fmt: skip

        await _until("geofence", nothing_is_due)
        async with self.system.geofence.acquire() as connection:
            judged = await connection.fetch("select check_in_id, version from check_in where check_in_id = any($1)", sent)
        await self._until(
            "check-ins judged again", """
            select not exists (
                select from unnest($1::uuid[], $2::int[]) as judged(check_in_id, version)
                left join mark using (check_in_id) where mark.version is null or mark.version < judged.version)""",
            [row["check_in_id"] for row in judged], [row["version"] for row in judged],
        )

    async def settle(self) -> None:
        """Waits until every consequence of what was said so far has been drawn, up to payroll's months."""
        await self._arrived()
        await _until("payroll", self._settled)

    async def _settled(self) -> bool:
        people = list(self.people)
        async with self.system.schedule.acquire() as connection:
            busy = await connection.fetchval(_BUSY, people, self.stage.clock)
            assessed = await connection.fetch("select employee_id, date, version from assessment where employee_id = any($1)", people)
            told = {(row["employee_id"], row["date"]): row["version"] for row in assessed}
        if busy:
            return False
        months = await self._months()
        taken = {
            (month.employee_id, date): day.version for month, _ in months.values() for date, day in month.days.items()
        }
        unfrozen = any(close_asked for _, close_asked in months.values())
        return told == taken and not unfrozen

    async def _months(self) -> dict[tuple[UUID, str], tuple[pay.EmployeeMonth, bool]]:
        async with self.system.payroll.acquire() as connection:
            rows = await connection.fetch("select employee_id, month from month where employee_id = any($1)", list(self.people))
            return await load_months(connection, [(row["employee_id"], row["month"]) for row in rows])

    async def _until(self, what: str, query: str, *values: Any) -> None:
        async def holds() -> bool:
            async with self.system.schedule.acquire() as connection:
                return bool(await connection.fetchval(query, *values))

        await _until(what, holds)

    async def got(self) -> Got:
        """What is stored about the story's people."""
        packs = {pack.identity: pack for pack in self.stage.packs(self.policies).values()}
        got = Got()
        percents: dict[tuple[UUID, dt.date], Fraction] = {}
        for (employee_id, name), (month, _) in (await self._months()).items():
            total = pay.fold(month.days.values(), packs, month.ceiling, month.streak_before)
            percents |= {(employee_id, date): percent for date, percent in total.percent_by_date.items()}
            told = month.reported
            got.months[self.people[employee_id], name] = MonthGot(told.raw_percent, told.percent, told.amount)
        async with self.system.schedule.acquire() as connection:
            days = await connection.fetch("select content::text from assessment where employee_id = any($1)", list(self.people))
            steps = await connection.fetch(
                "select employee_id, step, date from discipline_step where employee_id = any($1) and action <> 'withdrawn'",
                list(self.people),
            )
        for row in days:
            day = DayAssessed.model_validate(orjson.loads(row["content"]))
            codes = tuple(found.code for found in day.findings if found.kind not in EXCUSED)
            percent = percents.get((day.employee_id, day.date), Fraction(0))
            got.days[self.people[day.employee_id], day.date] = DayGot(str(day.status), day.late, day.early, codes, percent)
        for asked in self.scenario.expect.days:
            # A day about which nothing is to be said yet has no row.
            got.days.setdefault((asked.employee, asked.date), DayGot(str(DayStatus.PENDING), None, None, (), Fraction(0)))
        for name in self.people.values():
            got.ladder[name] = tuple(
                StepGot(row["date"], row["step"]) for row in steps if self.people[row["employee_id"]] == name
            )
        return got


_BUSY: Final = """
select exists (
    select from due_day d left join clock c on c.name = d.clock
    where d.employee_id = any($1::uuid[]) and d.due_at <= coalesce(c.at, 'epoch')
) or exists (
    select from employee e left join opening o using (employee_id), clock c
    where e.employee_id = any($1::uuid[]) and c.name = $2
      and (o.opened_until is null or o.opened_until < (c.at at time zone e.timezone)::date)
) or exists (select from restatement_lane)
"""


async def _until(what: str, holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await holds():
        if time.monotonic() > deadline:
            raise StageError(f"the system has not settled within {PATIENCE_S:.0f} s: {what}")
        await asyncio.sleep(_POLL_S)
