"""Proposes steps of the discipline ladder as absences come, and withdraws them as excuses do.

A step is only ever proposed (PP 94/2021 Art. 26, 28): deciding it is a person's part.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from services.schedule.rules import StepReached, ladder
from services.schedule.store import discipline as rows
from services.schedule.store.discipline import StepKey, StepVersion
from shared.envelope import Envelope
from shared.events import DayAssessed, DayStatus, DisciplineStepChanged
from shared.lanes import Work
from shared.policy import Policy
from shared.topics import DISCIPLINE, lane_of


async def restate_steps(
    work: Work, changed: Sequence[tuple[DayAssessed | None, DayAssessed, Envelope]], policies: Mapping[UUID, Policy]
) -> None:
    """Hold the ladder against these new versions of days (former, new, envelope) and tell the steps that differ.

    Runs in the transaction that wrote the days. Only people whose count may have moved are looked at: most days
    of most people are neither absences nor beside one.
    """
    latest: dict[UUID, tuple[DayAssessed, Envelope]] = {}
    for former, event, envelope in changed:
        if _may_move(former, event, policies.get(event.policy_id)):
            known = latest.get(event.employee_id)
            if known is None or known[0].date < event.date:
                latest[event.employee_id] = event, envelope
    others = {event.employee_id for _, event, _ in changed} - latest.keys()
    told: defaultdict[UUID, dict[StepKey, StepVersion]] = defaultdict(dict)
    for key, version in (await rows.steps_of(work.connection, [*latest, *others])).items():
        told[key[0]][key] = version
    for _, event, envelope in changed:
        # A day that was worked can only take back what was counted over it.
        if event.employee_id in others and event.employee_id in told:
            latest.setdefault(event.employee_id, (event, envelope))
    if not latest:
        return
    days = await rows.ladder_days(work.connection, list(latest))
    versions: list[StepVersion] = []
    for employee_id, (event, envelope) in latest.items():
        policy = policies[event.policy_id]
        reached = {(employee_id, step.step, step.date): step for step in ladder(days.get(employee_id, ()), policy, event.employee_kind)}
        versions += _tell(work, reached, told.get(employee_id, {}), envelope)
    await rows.put_steps(work.connection, versions)


def _may_move(former: DayAssessed | None, event: DayAssessed, policy: Policy | None) -> bool:
    absent = [day is not None and day.status is DayStatus.ABSENT for day in (former, event)]
    if absent[0] != absent[1]:
        return True
    return policy is not None and policy.convert_minutes_per_day is not None and bool(event.late or event.early or former)


def _tell(
    work: Work, reached: Mapping[StepKey, StepReached], told: Mapping[StepKey, StepVersion], cause: Envelope
) -> list[StepVersion]:
    versions = []
    for key, step in reached.items():
        known = told.get(key)
        if known is None or known.action == "withdrawn":
            versions.append(StepVersion(key, known.version + 1 if known else 1, "proposed", step.days, step.legal_source))
    for key, known in told.items():
        if key not in reached and known.action == "proposed":
            versions.append(StepVersion(key, known.version + 1, "withdrawn", known.unexcused_days, known.legal_source))
    for version in versions:
        employee_id, step_name, date = version.key
        work.emit(
            DISCIPLINE, f"{employee_id}|{step_name}|{date}", version.version,
            DisciplineStepChanged(
                employee_id=employee_id, step=step_name, date=date, version=version.version, action=version.action,
                unexcused_days=version.unexcused_days, legal_source=version.legal_source,
            ),
            key=str(employee_id), lane=lane_of(employee_id), cause=cause,
        )  # fmt: skip
    return versions
