"""The stream's edge of payroll: a batch of assessed days becomes changes of employee-months."""

from collections.abc import Sequence

from services.payroll.posting import Change, post
from services.payroll.rules import month_of, priced_day, unknown_finding
from services.payroll.store.months import Key
from services.payroll.store.references import Policies
from shared.events import DayAssessed
from shared.failures import UNPRICED
from shared.lanes import Record, Work


async def post_assessed_days(work: Work, records: Sequence[Record[DayAssessed]], policies: Policies) -> None:
    """Price the days and bring their months up to date, each month once however many of its days are in the batch.

    A day whose version is not newer than the known one changes nothing. Raises Unready while the rule pack of
    a day has not arrived. A day that found what its rule pack does not know is buried, not priced at nothing.
    """
    rules = await policies.of(work.connection, {record.event.policy_id for record in records})
    changes: dict[Key, Change] = {}
    for record in records:
        day = record.event
        if (unknown := unknown_finding(day, rules[day.policy_id])) is not None:
            work.bury(record, UNPRICED, f"findings: {unknown.kind} with a code that the day's rule pack does not give it")
            continue
        change = changes.setdefault((day.employee_id, month_of(day.date)), Change())
        change.days.append((priced_day(day, rules[day.policy_id]), record.envelope))
    await post(work, changes, policies)
