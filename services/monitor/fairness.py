"""Tells how people are being judged, unit by unit: modes and places, unsure and overturned, what it costs so far.

Labels are codes of org units, modes, verdicts, months: never a person. Canaries are left out.
"""

from typing import Final

from services.reports.invented import CANARY_CLOCKS
from shared import metrics
from shared.database import Connection

DATES: Final = 14
"""Business dates that are looked at, today included: longer than the longest row of holidays (eleven days, Lebaran 2025)."""

_DAYS: Final = """
select u.code as opd, a.content->>'mode' as mode, a.status, count(*) as days,
       count(*) filter (where a.content @? '$.findings[*] ? (@.kind == "OUTSIDE")') as misplaced
from schedule.assessment a
  join schedule.employee e using (employee_id)
  join schedule.org_unit u on u.org_unit_id = (a.content->>'org_unit_id')::uuid
where a.date > current_date - $1::int and a.date <= current_date + 1 and not starts_with(e.played_clock, $2)
group by 1, 2, 3
"""

_VIOLATIONS: Final = """
select u.code as opd, v.code, v.action, count(*) as violations
from schedule.violation v
  join schedule.employee e using (employee_id)
  join schedule.assessment a on a.employee_id = v.employee_id and a.date = v.date and a.date > current_date - $1::int
  join schedule.org_unit u on u.org_unit_id = (a.content->>'org_unit_id')::uuid
where v.date > current_date - $1::int and v.date <= current_date + 1 and not starts_with(e.played_clock, $2)
group by 1, 2, 3
"""

_MARKS: Final = """
select u.code as opd, m.site as verdict, count(*) as marks
from geofence.check_in m
  join schedule.employee e using (employee_id)
  join schedule.org_unit u on u.org_unit_id = e.member_unit[cardinality(e.member_unit)]
where m.received_at > now() - interval '24 hours' and m.latitude is not null and not starts_with(e.played_clock, $1)
group by 1, 2
"""

_MONTHS: Final = """
with recursive known as (  -- month by month along the index: there are a dozen a year, of millions of rows
    (select month from payroll.month order by month desc limit 1)
    union all
    select earlier.month from known cross join lateral (
        select month from payroll.month where month < known.month order by month desc limit 1) earlier),
  newest as (
    select known.month from known cross join lateral (
        select from payroll.month m join schedule.employee e using (employee_id)
        where m.month = known.month and not starts_with(e.played_clock, $1) limit 1) somebody
    order by known.month desc limit 2)
select u.code as opd, m.month, case when m.closed then 'CLOSED' else 'OPEN' end as state,
       sum(coalesce(m.amount, 0) + m.supplementary)::bigint as rupiah,
       count(*) filter (where coalesce(m.amount, 0) + m.supplementary <> 0) as people
from payroll.month m
  join schedule.employee e using (employee_id)
  join schedule.org_unit u on u.org_unit_id = e.member_unit[cardinality(e.member_unit)]
where m.month in (select month from newest) and not starts_with(e.played_clock, $1)
group by 1, 2, 3
"""

_OUTAGES: Final = """
select state, count(*) as outages from schedule.fact
where employee_id is null and kind = 'outage' and until_date > current_date - $1::int and from_date <= current_date + 1 group by 1
"""

_WAITING: Final = "select kind, count(*) as waiting from schedule.fact where state = 'requested' group by 1"

_Values = dict[tuple[str, ...], float]


async def tell_fairness(connection: Connection) -> None:
    """Look once, through the audit role."""
    days, misplaced = _Values(), _Values()
    for row in await connection.fetch(_DAYS, DATES, CANARY_CLOCKS):
        days[row["opd"], row["mode"], row["status"]] = row["days"]
        place = row["opd"], row["mode"]
        misplaced[place] = misplaced.get(place, 0) + row["misplaced"]
    metrics.replace(metrics.OPD_DAYS, days)
    metrics.replace(metrics.OPD_MISPLACED, misplaced)

    by_opd, by_code = _Values(), _Values()
    for row in await connection.fetch(_VIOLATIONS, DATES, CANARY_CLOCKS):
        by_opd[row["opd"], row["action"]] = by_opd.get((row["opd"], row["action"]), 0) + row["violations"]
        if row["action"] == "raised":
            by_code[row["code"],] = by_code.get((row["code"],), 0) + row["violations"]
    for opd in {opd for opd, *_ in days}:  # nothing overturned is 0, not nothing
        for action in ("raised", "retracted"):
            by_opd.setdefault((opd, action), 0)
    metrics.replace(metrics.OPD_VIOLATIONS, by_opd)
    metrics.replace(metrics.VIOLATIONS_IN_FORCE, by_code)

    marks = _Values()
    for row in await connection.fetch(_MARKS, CANARY_CLOCKS):
        marks[row["opd"], row["verdict"]] = row["marks"]
    for opd in {opd for opd, _ in marks}:
        for verdict in ("inside", "outside", "unsure"):
            marks.setdefault((opd, verdict), 0)
    metrics.replace(metrics.OPD_MARKS, marks)

    await _tell_money(connection)

    outages: _Values = {(state,): 0 for state in ("requested", "approved", "rejected")}
    outages |= {(row["state"],): row["outages"] for row in await connection.fetch(_OUTAGES, DATES)}
    metrics.replace(metrics.OUTAGES, outages)
    waiting: _Values = {(kind,): 0 for kind in ("outage", "leave", "manual", "review")}
    waiting |= {(row["kind"],): row["waiting"] for row in await connection.fetch(_WAITING)}
    metrics.replace(metrics.UNDECIDED, waiting)


async def _tell_money(connection: Connection) -> None:
    by_opd, by_month, people = _Values(), _Values(), _Values()
    for row in await connection.fetch(_MONTHS, CANARY_CLOCKS):
        opd, month, state = row["opd"], row["month"], row["state"]
        by_opd[opd, month] = by_opd.get((opd, month), 0) + row["rupiah"]
        by_month[month, state] = by_month.get((month, state), 0) + row["rupiah"]
        people[month,] = people.get((month,), 0) + row["people"]
    metrics.replace(metrics.OPD_DEDUCTION_RUPIAH, by_opd)
    metrics.replace(metrics.MONTH_DEDUCTION_RUPIAH, by_month)
    metrics.replace(metrics.MONTH_PEOPLE, people)
