"""Proposes steps of the discipline ladder as absences come, withdraws them as excuses do, and records what a person decides.

A step is only ever proposed (PP 94/2021 Art. 26, 28): deciding it is a person's part. What a person said stands, whatever
the days say later; taking it back is a person's part again.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from services.schedule.corrections import EARLIEST, CorrectionRefused
from services.schedule.ladders import Cut, ladders
from services.schedule.memory import Memory
from services.schedule.rules import Judged, StepReached, ruling, standing
from services.schedule.rules.cuts import Imposed, one_dossier, rival_of
from services.schedule.store import discipline as rows
from services.schedule.store.discipline import Decision, StepKey, StepVersion
from shared.cuts import months_later
from shared.database import Connection
from shared.envelope import Envelope
from shared.events import DayAssessed, DayState, DayStatus, DisciplineStepChanged, Document
from shared.lanes import Work
from shared.percent import parse_percent, percent_text
from shared.policy import Policy
from shared.topics import DISCIPLINE, lane_of

_LONGEST_WAIT: Final = 12
"""Months from a decision to the first month of its cut; our own bound against typing errors, no law sets one."""


async def restate_steps(
    work: Work, changed: Sequence[tuple[DayAssessed | None, DayAssessed, Envelope]], policies: Mapping[UUID, Policy]
) -> None:
    """Hold the ladder against these new versions of days (former, new, envelope) and tell the steps that differ.

    Runs in the transaction that wrote the days. Only people whose count may have moved are looked at: most days
    of most people are neither absences nor beside one.
    """
    latest: dict[UUID, tuple[DayAssessed, Envelope]] = {}
    for former, event, envelope in changed:
        # A day that became a holiday may join the absences around it to ten in a row, and part them when it is none any more.
        joins = former is not None and former.scheduled is not event.scheduled
        if joins or _counts(former, policies) != _counts(event, policies):
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
    days = await rows.ladder_days(work.connection, list(latest), policies)
    versions: list[StepVersion] = []
    for employee_id, (_, envelope) in latest.items():
        reached = {(employee_id, step.step, step.date): step for step in standing(days.get(employee_id, ()))}
        versions += _tell(work, reached, told.get(employee_id, {}), envelope)
    await rows.put_steps(work.connection, versions)


def _counts(day: DayAssessed | None, policies: Mapping[UUID, Policy]) -> tuple[object, ...] | None:
    """All that the ladder counts of a version of a day, and by what (`ruling`); None: nothing."""
    if day is None:
        return None
    if day.status is DayStatus.ABSENT:
        return day.policy_id, day.employee_kind
    if (day.late or day.early) and day.state is DayState.FINAL:
        policy = policies.get(day.policy_id)
        if policy is not None and policy.convert_minutes_per_day is not None:
            return day.policy_id, day.employee_kind, day.late, day.early, day.made_up
    return None


def _tell(
    work: Work, reached: Mapping[StepKey, StepReached], told: Mapping[StepKey, StepVersion], cause: Envelope
) -> list[StepVersion]:
    versions = []
    for key, step in reached.items():
        known = told.get(key)
        if known is None or (known.action == "withdrawn" and known.decision is None):
            source = ladders().source_of(step.step, step.legal_source)
            versions.append(StepVersion(key, known.version + 1 if known else 1, "proposed", step.days, source))
    for key, known in told.items():
        if key not in reached and known.action == "proposed":
            versions.append(StepVersion(key, known.version + 1, "withdrawn", known.unexcused_days, known.legal_source))
    for version in versions:
        _emit(work, version, cause)
    return versions


async def decide_step(
    work: Work, key: StepKey, *, actor: str, at: dt.datetime, reason: str, document: Document, effective_from: str | None = None,
    cut: Cut | None = None, cause: Envelope | None = None,
) -> StepVersion:  # fmt: skip
    """Records that a person imposed a proposed step, under the lane of its employee.

    A step that is a cut of the TPP takes the catalogue's percent and months, or `cut`, from the month `effective_from`
    ("2026-04") on, and the place of a lighter cut of the same dossier; payroll follows. Raises CorrectionRefused for a step
    that is decided or that its days no longer reach, and for a cut beside which another one stands (`rival_of`).
    """
    known = await _known(work, key)
    if known.action == "decided":
        raise CorrectionRefused(
            "tahap ini sudah diputuskan; keberatan diajukan dengan `hadir correction request --kind appeal`, dan putusan yang keliru"
            " dibatalkan dahulu dengan `hadir ladder withdraw --document ...`"
        )
    if known.action == "withdrawn" and not (known.decision is not None and await _reached(work.connection, key)):
        raise CorrectionRefused(
            "usulan tahap ini sudah ditarik karena ketidakhadirannya kini beralasan; hukuman tidak dapat dijatuhkan atasnya"
        )
    meant = ladders().steps.get(key[1])
    cut = cut or (meant.cut if meant else None)
    if cut is None and effective_from is not None:
        raise CorrectionRefused("tahap ini bukan pemotongan TPP, jadi tidak mempunyai bulan mulai berlaku; hapus bulannya")
    if cut is not None and effective_from is None:
        raise CorrectionRefused("pemotongan TPP harus menyebut bulan mulai berlakunya, misalnya 2026-04")
    if cut is not None and effective_from is not None:
        _admit(cut, effective_from, key[2], at)
        own = Imposed(key[1], key[2], cut.percent, effective_from, months_later(effective_from, cut.months - 1))
        ruled = ruling(await _days(work.connection, key[0]))
        rolling = ruled is not None and ruled[1].ladder_window == "rolling_12m"
        _alone(own, imposed(await rows.steps_of(work.connection, [key[0]])).values(), rolling=rolling)
    decision = Decision(
        actor, at, reason, document, effective_from, percent_text(cut.percent) if cut else None, cut.months if cut else None
    )
    return await _said(work, replace(known, version=known.version + 1, action="decided", decision=decision), cause)


async def take_back_step(
    work: Work, key: StepKey, *, actor: str, at: dt.datetime, reason: str, document: Document | None = None,
    cause: Envelope | None = None,
) -> StepVersion:  # fmt: skip
    """Records that a person did not impose a proposed step, which is not proposed again for that day, or annulled a decided one.

    What payroll cut for that is reversed, and while its days still reach the step it waits for a decision again. Raises
    CorrectionRefused for a step that is withdrawn already.
    """
    known = await _known(work, key)
    if known.action == "withdrawn":
        raise CorrectionRefused("tahap ini sudah ditarik")
    if known.action == "decided" and document is None:
        raise CorrectionRefused("pembatalan hukuman yang sudah diputuskan harus menyebut dokumen keputusannya (nomor dan tanggal)")
    decision = Decision(actor, at, reason, document)
    back = await _said(work, replace(known, version=known.version + 1, action="withdrawn", decision=decision), cause)
    if known.action == "proposed" or not await _reached(work.connection, key):
        return back
    return await _said(work, replace(back, version=back.version + 1, action="proposed"), cause)


def imposed(steps: Mapping[StepKey, StepVersion]) -> dict[StepKey, Imposed]:
    """The cuts of the TPP that stand decided among these steps."""
    found = {}
    for key, step in steps.items():
        said = step.decision
        if step.action == "decided" and said is not None and said.effective_from and said.cut_percent and said.cut_months:
            last = months_later(said.effective_from, said.cut_months - 1)
            found[key] = Imposed(key[1], key[2], parse_percent(said.cut_percent), said.effective_from, last)
    return found


async def restore_decisions(work: Work, said: Sequence[DisciplineStepChanged]) -> None:
    """Takes over what persons said of steps, as it was published, under the lanes that `work` holds (a rebuild from the topics).

    What follows from the days is left out: it follows again.
    """
    for event in said:
        if event.actor is not None and event.decided_at is not None:
            decision = Decision(
                event.actor, event.decided_at, "", event.document, event.effective_from, event.cut_percent, event.cut_months
            )
            key = (event.employee_id, event.step, event.date)
            await _said(
                work, StepVersion(key, event.version, event.action, event.unexcused_days, event.legal_source, decision), None
            )


def _admit(cut: Cut, first: str, breach: dt.date, at: dt.datetime) -> None:
    """Raises for a cut that nobody can mean: no percent of anything, before its breach, or long after its decision."""
    if not 0 < cut.percent <= 100:
        raise CorrectionRefused("persen pemotongan TPP harus lebih dari 0 dan paling banyak 100")
    if first < breach.isoformat()[:7]:
        raise CorrectionRefused("pemotongan TPP tidak dapat berlaku sebelum bulan pelanggarannya")
    latest = months_later(max(at.astimezone(EARLIEST).date(), breach).isoformat()[:7], _LONGEST_WAIT)
    if first > latest:
        raise CorrectionRefused(
            f"pemotongan TPP mulai berlaku paling lambat {_LONGEST_WAIT} bulan sesudah putusannya, yaitu {latest}; periksa bulannya"
        )


def _alone(cut: Imposed, others: Iterable[Imposed], *, rolling: bool) -> None:
    """Raises while another cut stands beside which this one cannot be served."""
    rival = rival_of(cut, others, rolling=rolling)
    if rival is None:
        return
    told = f"{rival.step} ({percent_text(rival.percent)} %, {rival.first_month} sampai {rival.last_month})"
    annul = f"batalkan dahulu dengan `hadir ladder withdraw --step {rival.step} --date {rival.date} --document ...`"
    if rival.date.year == cut.date.year:
        raise CorrectionRefused(
            f"atas ketidakhadiran tahun {cut.date.year} pegawai ini sudah dijatuhi {told}, yang tidak lebih ringan, dan satu berkas hanya"
            f" mendapat satu hukuman; tutup usulan ini dengan `hadir ladder withdraw`, atau {annul}"
        )
    if one_dossier(cut, rival, rolling=rolling):
        raise CorrectionRefused(
            f"pegawai ini sudah dijatuhi {told} atas ketidakhadiran yang masih terhitung dalam dua belas bulan yang sama, dan satu berkas"
            f" hanya mendapat satu hukuman; tutup usulan ini dengan `hadir ladder withdraw`, atau {annul}"
        )
    raise CorrectionRefused(
        f"pegawai ini menjalani {told}, dan pemotongan dijalani satu per satu; tetapkan bulan mulai sesudahnya, atau {annul}"
    )


async def _reached(connection: Connection, key: StepKey) -> bool:
    """Whether the days as they are assessed now still reach this step on this day."""
    return any((step.step, step.date) == key[1:] for step in standing(await _days(connection, key[0])))


async def _days(connection: Connection, employee_id: UUID) -> Sequence[Judged]:
    policies = (await Memory().current(connection)).policies
    return (await rows.ladder_days(connection, [employee_id], policies)).get(employee_id, ())


async def _known(work: Work, key: StepKey) -> StepVersion:
    known = (await rows.steps_of(work.connection, [key[0]])).get(key)
    if known is None:
        raise CorrectionRefused("tahap ini tidak pernah diusulkan; lihat `hadir ladder list`")
    return known


async def _said(work: Work, version: StepVersion, cause: Envelope | None) -> StepVersion:
    await rows.put_steps(work.connection, [version])
    _emit(work, version, cause)
    return version


def _emit(work: Work, version: StepVersion, cause: Envelope | None) -> None:
    employee_id, step, date = version.key
    said = version.decision
    work.emit(
        DISCIPLINE, f"{employee_id}|{step}|{date}", version.version,
        DisciplineStepChanged(
            employee_id=employee_id, step=step, date=date, version=version.version, action=version.action,
            unexcused_days=version.unexcused_days, legal_source=version.legal_source, actor=said.actor if said else None,
            decided_at=said.at if said else None, document=said.document if said else None,
            effective_from=said.effective_from if said else None, cut_percent=said.cut_percent if said else None,
            cut_months=said.cut_months if said else None,
        ),
        key=str(employee_id), lane=lane_of(employee_id), cause=cause,
    )  # fmt: skip
