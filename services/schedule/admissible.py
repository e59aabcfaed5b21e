"""May this be asked for, now, by this person: fields, paper, deadline, overlap, quota and monthly limit of a request.

Every refusal is a sentence in Indonesian that says what stands against it and what to do.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from services.schedule.approvals import Approvals, Quota, RequestKind
from services.schedule.assessing import load_people
from services.schedule.corrections import (
    FIRST,
    LAST,
    WIB,
    ApelBody,
    AppealBody,
    CorrectionRefused,
    FraudBody,
    LeaveBody,
    LeftBody,
    LetterBody,
    ManualBody,
    MoveBody,
    OutageBody,
    PermissionBody,
    ReviewBody,
    date_in,
    dated,
    dates_of,
    judged,
    read_body,
)
from services.schedule.memory import Duties, Memory
from services.schedule.reference import EmployeeState
from services.schedule.store import due, facts, reference_rows
from services.schedule.store import requests as rows
from shared.database import Connection
from shared.events import Document
from shared.policy import Policy
from shared.policy.leave import CAUSES, cause_of

_DAY: Final = dt.timedelta(days=1)
_LONGEST_LEAVE: Final = 366 * 2
_MOST_OPEN: Final = 1000
_OF_DATES: Final = frozenset({"leave", "permission"})


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be made: the fact it is to become, the dates asked for, whether it is late, and its unit."""

    fact: str
    body: dict[str, Any]
    first: dt.date
    last: dt.date
    due_by: dt.date | None = None
    late: bool = False
    unit: UUID | None = None


def fact_of(kind: RequestKind, body: Mapping[str, Any], papers: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Kind and body of the fact that a request becomes; `papers["number"]` is the letter's, if there is one."""
    number = papers.get("number")
    if kind.startswith("leave.") and isinstance(said := body.get("reason"), str):
        body = {**body, "reason": cause_of(said)}
    match kind:
        case "duty-travel":
            if not str(body.get("destination") or "").strip():
                raise CorrectionRefused("perjalanan dinas harus menyebut tujuannya (destination)")
            return "leave", {**body, "kind": "dl", "letter": number or False}
        case "dispensation":
            return "leave", {**body, "kind": "dispensation", **({"letter": number} if number else {})}
        case "leave.sick":
            return "leave", {**body, "kind": "sick", "letter": number or bool(body.get("letter"))}
        case "forgotten-mark" | "manual-record":
            return "manual", {key: value for key, value in body.items() if key != "on"}
        case "outage" | "outage-proposed":
            return "outage", dict(body)
        case "integrity":
            return "fraud", dict(body)
        case "permission" | "review" | "appeal":
            return kind, dict(body)
        case _:
            return "leave", {**body, "kind": kind.removeprefix("leave."), **({"letter": number} if number else {})}


async def admit(
    connection: Connection, rules: Approvals, kind: RequestKind, body: Mapping[str, Any], request_id: UUID, *,
    employee_id: UUID | None, org_unit_id: UUID | None, document: Document | None, now: dt.datetime,
) -> Admitted:  # fmt: skip
    """What the request becomes and whether it is late. Raises CorrectionRefused.

    `now` is the real time; invented people's requests are in time by their own clock. Runs under the employee's lane.
    """
    dated(document, now)
    rule = rules.requests[kind]
    if rule.paper == "required" and document is None:
        raise CorrectionRefused(f"permohonan {kind} harus menyebut dokumennya: nomor dan tanggal surat")
    fact, content = fact_of(kind, body, {"number": document.number} if document else {})
    if content.get("letter") and document is None:
        raise CorrectionRefused("surat yang menyertai permohonan harus disebut sebagai dokumen (document, --document): nomor dan tanggal")
    fields = read_body(fact, content)
    if kind == "outage" and isinstance(fields, OutageBody):
        await _declarable(connection, fields, request_id, (employee_id, org_unit_id), now)
    if employee_id is None:
        first, last = dates_of(fields, date_in(WIB))
        return Admitted(fact, content, first, last)
    desk = await _Desk.of(connection, employee_id, fields, now)
    if isinstance(fields, FraudBody | ReviewBody):
        first, last = await _days_of(connection, desk.person, judged(fields))
        desk = replace(desk, first=first, last=last)
        await _first_word(connection, employee_id, request_id, fact, fields)
    if isinstance(fields, AppealBody):
        await _only_appeal(connection, employee_id, request_id, fields)
    if isinstance(fields, LeaveBody | PermissionBody | ManualBody):
        _in_service(fields, kind, desk)
    if isinstance(fields, LeaveBody) and kind.startswith("leave."):
        _priced_as_meant(fields, desk)
    if isinstance(fields, LeaveBody | PermissionBody):
        await _no_overlap(connection, employee_id, request_id, desk)
    if isinstance(fields, ManualBody) and desk.first > desk.today:
        raise CorrectionRefused(f"absen tanggal {desk.first:%d-%m-%Y} belum terjadi; periksa tanggalnya")
    if kind == "forgotten-mark" and isinstance(fields, ManualBody):
        content = {**content, "nth_forgotten": await _nth_forgotten(connection, employee_id, request_id, desk)}
    if rule.quota is not None:
        await _within(connection, employee_id, request_id, desk, rule.quota)
    due_by = rule.deadline.last_date(desk.first, desk.last, desk.works_on) if desk.dated else None
    late = due_by is not None and desk.today > due_by
    if late and rule.deadline.late == "refuse":
        raise CorrectionRefused(
            f"batas pengajuan {kind} adalah {due_by:%d-%m-%Y} dan sudah lewat; bicarakan dengan BKD bila ada alasan kuat"
        )
    return Admitted(fact, content, desk.first, desk.last, due_by, late, desk.person.unit_on(desk.first) or desk.unit)


def _priced_as_meant(leave: LeaveBody, desk: "_Desk") -> None:
    """Raises where a leave table would take another row, or none, for want of a word."""
    if leave.reason is not None and leave.reason not in CAUSES and leave.reason not in desk.causes:
        known = [f"{words} ({code})" for code, words in CAUSES.items()] + sorted(desk.causes - set(CAUSES))
        raise CorrectionRefused(f"sebab cuti ini tidak dikenal (reason, --cause); pilih: {', '.join(known)}")
    rows = [row for policy in desk.policies for row in policy.leave.get("sick", ())] if leave.kind == "sick" else []
    if leave.inpatient is None and any(row.inpatient is not None and row.reason in (None, leave.reason) for row in rows):
        raise CorrectionRefused(
            "paket aturan membedakan rawat inap dan rawat jalan; sebutkan salah satunya: --inpatient atau --outpatient"
            " (inpatient: true atau false)"
        )


async def _declarable(
    connection: Connection, outage: OutageBody, request_id: UUID, about: tuple[UUID | None, UUID | None], now: dt.datetime
) -> None:
    """Raises for an outage that is not over yet, or that is declared already for the same unit and waits for its decision."""
    if outage.until > now:
        raise CorrectionRefused(
            "gangguan belum selesai pada saat ini; nyatakan dari mulainya sampai sekarang, dan sisanya sesudah selesai"
            if outage.since <= now else "gangguan belum terjadi; periksa tanggal dan jamnya"
        )
    for asked in await rows.requests(connection, state="requested", of_kinds=("outage",), most=_MOST_OPEN):
        if (asked.employee_id, asked.org_unit_id) != about or asked.request_id == request_id:
            continue
        other = read_body("outage", asked.body)
        assert isinstance(other, OutageBody)
        if other.since < outage.until and outage.since < other.until:
            raise CorrectionRefused(
                f"gangguan {asked.request_id} ({asked.body['from']} sampai {asked.body['to']}) untuk unit yang sama pada jam yang bertumpuk"
                " masih menunggu putusan; putuskan yang itu dulu, atau tarik dengan `hadir correction withdraw`"
            )


async def admit_finding(
    connection: Connection, kind: str, body: Mapping[str, Any], now: dt.datetime, *, employee_id: UUID | None, org_unit_id: UUID | None,
    document: Document | None = None,
) -> bool | None:  # fmt: skip
    """Whether a finding is about a duty day of the person, else it costs nothing; None for what is no finding about one date.

    Raises CorrectionRefused for a date that has not come yet where the person lives, and for a letter that sends nobody.
    """
    dated(document, now)
    fields = read_body(kind, body)
    if isinstance(fields, LetterBody):
        if fields.letter is None:
            raise CorrectionRefused("surat tugas harus menyebut nomornya (letter)")
        if not fields.employees and org_unit_id is None:
            raise CorrectionRefused("surat tugas harus menyebut siapa yang ditugasi: pegawainya (employees, --employee), atau unitnya")
        if len(await reference_rows.employees(connection, fields.employees)) < len(set(fields.employees)):
            raise CorrectionRefused("ada pegawai dalam surat tugas yang tidak terdaftar; impor pegawainya dulu")
    if employee_id is not None and isinstance(fields, MoveBody):
        _movable(await _Desk.of(connection, employee_id, fields, now), fields)
    if employee_id is not None and isinstance(fields, ApelBody | LeftBody):
        desk = await _Desk.of(connection, employee_id, fields, now)
        if fields.date > desk.today:
            raise CorrectionRefused(f"tanggal {fields.date:%d-%m-%Y} belum terjadi; periksa tanggalnya")
        return desk.works_on(fields.date)
    return None


def _movable(desk: "_Desk", move: MoveBody) -> None:
    """Raises for a move to a date that can only be a slip; one that was recorded already may be taken back whenever it was."""
    person, since = desk.person, move.since
    if (since, move.to_unit) in {(m.since, m.org_unit_id) for m in person.memberships}:
        return
    if since < (first := person.memberships[0].since):
        raise CorrectionRefused(f"pegawai ini baru terdaftar sejak {first:%d-%m-%Y}; pindah unit paling awal pada tanggal itu")
    if person.until is not None and since > person.until:
        raise CorrectionRefused(f"pegawai ini berakhir {person.until:%d-%m-%Y}; perbaiki tanggalnya")
    if since > desk.today + 366 * _DAY:
        raise CorrectionRefused(f"tanggal pindah {since:%d-%m-%Y} lebih dari setahun ke depan; periksa tahunnya")


async def _days_of(connection: Connection, person: EmployeeState, check_ins: Collection[UUID]) -> tuple[dt.date, dt.date]:
    """First and last local date of these check-ins. Raises CorrectionRefused unless all are known as this person's."""
    found = await facts.mark_times(connection, check_ins)
    if sum(owner == person.employee_id for owner, _ in found) < len(set(check_ins)):
        raise CorrectionRefused("tanda hadir yang disebut tidak dikenal sebagai milik pegawai ini; lihat `hadir read geofence verdicts`")
    dates = [person.date_at(at) for _, at in found]
    return min(dates), max(dates)


def _in_service(fields: LeaveBody | PermissionBody | ManualBody, kind: RequestKind, desk: "_Desk") -> None:
    """Raises for dates outside of the person's service, and for leave on which no work was owed (a shift may still be rostered)."""
    begun, ended = desk.person.memberships[0].since, desk.person.until
    if desk.last < begun or (ended is not None and desk.first > ended):
        span = f"mulai {begun:%d-%m-%Y}" + (f" sampai {ended:%d-%m-%Y}" if ended is not None else "")
        raise CorrectionRefused(f"pada tanggal itu pegawai belum atau tidak lagi bertugas (terdaftar {span}); periksa tanggalnya")
    off = kind != "duty-travel" and not isinstance(fields, ManualBody) and not desk.rostered
    if off and not desk.worked(desk.first, desk.last):
        dates = f"{desk.first:%d-%m-%Y}" + (f" sampai {desk.last:%d-%m-%Y}" if desk.last > desk.first else "")
        raise CorrectionRefused(f"{dates} bukan hari dinas pegawai ini, jadi tidak perlu izin atau cuti; periksa tanggal atau rosternya")


async def _first_word(
    connection: Connection, employee_id: UUID, request_id: UUID, kind: str, fields: FraudBody | ReviewBody
) -> None:
    """Raises for a check-in on which a decision of this kind is asked for or made: what is decided turns by an appeal only."""
    for kept in await facts.corrections_about(connection, [employee_id], FIRST, LAST):
        if kept.kind != kind or kept.state == "rejected" or kept.correction_id == request_id:
            continue
        said = read_body(kind, kept.body)
        if isinstance(said, FraudBody | ReviewBody) and set(judged(said)) & set(judged(fields)):
            if kept.state == "requested":
                raise CorrectionRefused(
                    f"absen ini masih menunggu putusan dalam permohonan {kept.correction_id}; tunggu putusannya, atau tarik yang itu dulu"
                    " dengan `hadir correction withdraw`"
                )
            turns = said.decision in ("confirmed", "rejected")  # the others are what the person wanted (`overturned`)
            raise CorrectionRefused(
                f"absen ini sudah diputuskan ({said.decision}) dalam permohonan {kept.correction_id}; " + (
                    f"putusan itu hanya diubah oleh keberatan: `hadir correction request --kind appeal --correction {kept.correction_id}`"
                    if turns else "putusan yang menguntungkan pegawai tidak diputus lagi"
                )
            )


async def _only_appeal(connection: Connection, employee_id: UUID, request_id: UUID, fields: AppealBody) -> None:
    """Raises for an appeal against what another appeal, not decided yet, is against."""
    for asked in await rows.requests(connection, state="requested", employee_id=employee_id, of_kinds=("appeal",), most=_MOST_OPEN):
        if asked.request_id != request_id and read_body("appeal", asked.body) == fields:
            raise CorrectionRefused(
                f"keberatan {asked.request_id} atas hal yang sama masih menunggu putusan; tunggu putusannya, atau tarik yang itu dulu"
                " dengan `hadir correction withdraw`"
            )


@dataclass(frozen=True, slots=True)
class _Desk:
    """The person of a request, the duties of the dates around it, and the date on which it is made.

    `policies` are the rule packs of the first and the last date, `causes` the causes of leave that any pack's table names.
    `rostered`: the unit works round the clock, so that a roster to come may make any date a duty day.
    """

    person: EmployeeState
    duties: Duties
    policies: tuple[Policy, ...]
    causes: frozenset[str]
    first: dt.date
    last: dt.date
    today: dt.date
    dated: bool
    rostered: bool

    @property
    def unit(self) -> UUID:
        return self.person.memberships[-1].org_unit_id

    def works_on(self, date: dt.date) -> bool:
        return self.duties.on(date).working

    def worked(self, first: dt.date, last: dt.date) -> int:
        """Duty days between two dates."""
        return sum(self.works_on(first + n * _DAY) for n in range((last - first).days + 1))

    @classmethod
    async def of(cls, connection: Connection, employee_id: UUID, fields: Any, now: dt.datetime) -> "_Desk":
        alone = (await load_people(connection, [(employee_id, now.date())])).states.get(employee_id)
        if alone is None:
            raise CorrectionRefused("pegawai tidak terdaftar; impor pegawainya dulu")
        if alone.played_clock is not None:
            now = (await due.clocks(connection, [alone.played_clock])).get(alone.played_clock, now)
        today = alone.date_at(now)
        dated = isinstance(fields, LeaveBody | PermissionBody | ManualBody | OutageBody)
        if isinstance(fields, ManualBody):
            first = last = alone.date_at(fields.at)
        elif isinstance(fields, LeaveBody | PermissionBody):
            first, last = dates_of(fields, alone.date_at)
        else:
            first = last = today
        if (last - first).days > _LONGEST_LEAVE:
            raise CorrectionRefused("permohonan lebih dari dua tahun; pecah menjadi beberapa permohonan")
        reference = await Memory().current(connection)
        since, until = dt.date(first.year - 1, 1, 1), dt.date(last.year, 12, 31)
        months = [since + n * 28 * _DAY for n in range((until - since).days // 28 + 2)]
        people = await load_people(connection, [(employee_id, date) for date in months])
        unit = reference.units.get(alone.unit_on(first) or alone.memberships[-1].org_unit_id)
        packs = dict.fromkeys(reference.pack_on(alone.unit_on(date), date) for date in (first, last))
        rows = [row for policy in reference.policies.values() for table in policy.leave.values() for row in table]
        return cls(
            alone, people.duties(reference, employee_id), tuple(reference.policies[pack] for pack in packs if pack),
            frozenset(row.reason for row in rows if row.reason), first, last, today, dated, unit is not None and unit.round_the_clock,
        )  # fmt: skip


async def _no_overlap(connection: Connection, employee_id: UUID, request_id: UUID, desk: _Desk) -> None:
    for kept in await facts.corrections_about(connection, [employee_id], desk.first, desk.last):
        mine = kept.employee_id == employee_id and kept.correction_id != request_id
        if mine and kept.kind in _OF_DATES and kept.state != "rejected":
            what = kept.body.get("kind", "izin")
            raise CorrectionRefused(
                f"bertumpuk dengan {'dinas luar' if what == 'dl' else what} {kept.first:%d-%m-%Y} sampai {kept.last:%d-%m-%Y} yang"
                f" {'sudah disetujui' if kept.state == 'approved' else 'masih diajukan'}; tarik atau ubah yang itu dulu"
            )


async def _nth_forgotten(connection: Connection, employee_id: UUID, request_id: UUID, desk: _Desk) -> int:
    """Its number among the forgotten marks of the month; over the rule pack's limit it is refused."""
    first = desk.first.replace(day=1)
    last = (first + 31 * _DAY).replace(day=1) - _DAY
    nth = 1 + await rows.forgotten_in(connection, employee_id, first, last, request_id)
    limit = desk.policies[0].forgot_limit_per_month if desk.policies else None
    if limit is not None and nth > limit:
        raise CorrectionRefused(f"lupa absen paling banyak {limit} kali sebulan; bulan ini sudah {nth - 1} kali")
    return nth


async def _within(connection: Connection, employee_id: UUID, request_id: UUID, desk: _Desk, quota: Quota) -> None:
    """Raises if the duty days of annual leave in a calendar year would be more than the right to it."""
    years = range(desk.first.year, desk.last.year + 1)
    taken = await facts.corrections_about(
        connection, [employee_id], dt.date(years[0] - 1, 1, 1), dt.date(years[-1], 12, 31)
    )
    spans = [
        (kept.first, kept.last) for kept in taken
        if kept.employee_id == employee_id and kept.correction_id != request_id and kept.kind == "leave"
        and kept.body.get("kind") == "annual" and kept.state != "rejected"
    ]  # fmt: skip

    def in_year(spans: list[tuple[dt.date, dt.date]], year: int) -> int:
        begin, end = dt.date(year, 1, 1), dt.date(year, 12, 31)
        return sum(desk.worked(max(first, begin), min(last, end)) for first, last in spans if first <= end and last >= begin)

    for year in years:
        right = quota.of_year(in_year(spans, year - 1))
        used, asked = in_year(spans, year), in_year([(desk.first, desk.last)], year)
        if used + asked > right:
            raise CorrectionRefused(
                f"cuti tahunan {year}: hak {right} hari kerja, sudah diambil atau diajukan {used}, diminta {asked}; kurangi harinya"
            )
