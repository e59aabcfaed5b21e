"""The schedule's edge: marks and work reports become known, and the days that they touch are assessed; nothing is decided here."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from services.schedule.assessing import assess_days, date_of, load_people
from services.schedule.memory import Memory
from services.schedule.store import facts
from services.schedule.store.days import Day
from shared import metrics
from shared.envelope import Envelope
from shared.events import CheckInLocated, WorkReportSubmitted
from shared.lanes import Record, Work


class Schedule:
    """Assesses the days of check-ins and work reports as they come."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def assess_arrivals(self, work: Work, records: Sequence[Record[Any]]) -> None:
        """Keep what is new of a batch and assess the days it touches: each once, however often it was delivered."""
        located = [record for record in records if record.topic.event is CheckInLocated]
        reported = [record for record in records if record.topic.event is WorkReportSubmitted]
        fresh_marks = await facts.put_marks(work.connection, [record.event for record in located]) if located else set()
        fresh_reports = await facts.put_reports(work.connection, [record.event for record in reported]) if reported else set()
        located = [record for record in located if record.event.check_in_id in fresh_marks]
        reported = [record for record in reported if record.event.report_id in fresh_reports]
        if not located and not reported:
            return
        touched = {(record.event.employee_id, record.event.captured_at.date()) for record in located}
        touched |= {(record.event.employee_id, record.event.work_date) for record in reported}
        reference, people = await self._memory.current(work.connection), await load_people(work.connection, touched)
        days: dict[Day, Envelope | None] = {}
        for record in located:
            date = date_of(record.event.captured_at, record.event.mark, record.event.employee_id, people, reference)
            if date is not None:
                days[record.event.employee_id, date] = record.envelope
        for record in reported:
            days.setdefault((record.event.employee_id, record.event.work_date), record.envelope)
        now = dt.datetime.now(dt.UTC)
        await assess_days(work, self._memory, days, now, (reference, people))
        for record in located:
            if record.event.version == 1:  # a judgement made anew is no arrival
                metrics.ACCEPTED_TO_ASSESSED.observe((now - record.event.received_at).total_seconds())
