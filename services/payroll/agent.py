"""The stream's edge of payroll: a batch of assessed days becomes changes of employee-months."""

from collections.abc import Sequence

from services.payroll.posting import Change, post
from services.payroll.rules import month_of, priced_day
from services.payroll.store.months import Key
from services.payroll.store.references import Policies
from shared.events import DayAssessed
from shared.lanes import Record, Work


async def post_assessed_days(work: Work, records: Sequence[Record[DayAssessed]], policies: Policies) -> None:
    """Price the days and bring their months up to date, each month once however many of its days are in the batch.

    A day whose version is not newer than the known one changes nothing. Raises Unready while the rule pack of
    a day has not arrived.
    """
    rules = await policies.of(work.connection, {record.event.policy_id for record in records})
    changes: dict[Key, Change] = {}
    for record in records:
        day = record.event
        change = changes.setdefault((day.employee_id, month_of(day.date)), Change())
        change.days.append((priced_day(day, rules[day.policy_id]), record.envelope))
    await post(work, changes, policies)
