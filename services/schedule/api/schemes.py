"""WFO/WFA schemes over HTTP: listed, put in force, extended; and how units stand against them."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from services.schedule.api.days import First, Last
from services.schedule.memory import Memory
from services.schedule.rules.schemes import Breach, DayShare, Scheme, SchemeState
from services.schedule.rules.workflow import Who
from services.schedule.schemes import Applied, Scope, apply_schemes
from services.schedule.schemes import extend as extend_scheme
from services.schedule.shares import Kind, standing
from services.schedule.store import schemes as rows
from shared.events import BusinessDate, SchemeInForce, Text
from shared.faults import Fault
from shared.lanes import Lanes
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, CommandBody, commands
from shared.web.pages import Page, PageAsked
from shared.web.problems import INVALID_REQUEST, UNKNOWN, Problem

router = APIRouter(tags=["skema WFO/WFA"])

LONGEST = dt.timedelta(days=62)


class SchemeShown(BaseModel):
    """Satu skema; isi di bawah satu id tidak pernah berubah. `in_force` menyebut di mana dan kapan skema berlaku."""

    scheme_id: UUID
    version: int
    name: str
    content: dict[str, Any]
    in_force: list[SchemeInForce]


class NewScheme(CommandBody):
    """Skema yang diberlakukan. Tanpa `legal_source` berlaku dasar hukum skema sendiri, kecuali skema itu baru rencana."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    content: Scheme
    since: BusinessDate
    until: BusinessDate | None = None
    org_unit_id: Annotated[UUID | None, Field(description="Unit; kosong: seluruh provinsi")] = None
    legal_source: Annotated[Text | None, Field(min_length=1)] = None


class Extension(CommandBody):
    """Skema berlaku sampai tanggal lain di tempat ia berlaku sekarang."""

    org_unit_id: UUID | None = None
    until: BusinessDate | None = None
    legal_source: Annotated[Text, Field(min_length=1, description="Surat yang memperpanjang")]


class SchemeApplied(BaseModel):
    """Berapa skema yang baru dan berubah, dan apa yang patut diperiksa lagi."""

    scheme_id: UUID
    new: int
    changed: int
    unchanged: int
    remarks: list[str]


class BreachShown(BaseModel):
    """Satu pelanggaran skema: kode tetap, tanggal (awal minggu atau bulan), pegawai atau null untuk seluruh unit."""

    code: str
    warning: bool
    date: dt.date
    per: Literal["day", "week", "month"]
    employee_id: UUID | None
    sentence: str

    @classmethod
    def of(cls, breach: Breach, *, planned: bool = True) -> "BreachShown":
        """A breach as it is told."""
        return cls(code=breach.code, warning=breach.warning, date=breach.date, per=breach.per, employee_id=breach.employee_id,
                   sentence=breach.sentence() if planned else breach.fact())


class ShareShown(BaseModel):
    """Satu tanggal: berapa orang bekerja dari mana, dan berapa WFA yang ditetapkan kuota harian (null: tidak ada)."""

    date: dt.date
    owed: int
    wfa: int
    wfo: int
    away: int
    left_out: int
    unknown: int
    moved: int
    wfa_least: int | None
    wfa_most: int | None
    scheme: str | None


class StandingShown(BaseModel):
    """Satu unit terhadap skemanya: rencana (planned) sebelum hari itu, kenyataan (fact) sesudahnya."""

    org_unit_id: UUID
    kind: Literal["planned", "fact"]
    shares: list[ShareShown]
    breaches: list[BreachShown]


@router.get("/schemes", operation_id="listSchemes", summary="Skema WFO/WFA")
async def list_schemes(connection: Reading, paging: PageAsked, _: Annotated[Actor, asks("schemes.read")]) -> Page[SchemeShown]:
    """Semua skema yang pernah diterapkan, menurut nama."""
    after = paging.key(str, UUID)
    shown = sorted((_shown(*kept) for kept in (await rows.schemes(connection)).values()), key=_key)
    rest = [one for one in shown if after is None or _key(one) > after]
    return paging.page(rest[:paging.rows], _key)


@router.get("/schemes/{scheme_id}", operation_id="getScheme", summary="Satu skema")
async def get_scheme(connection: Reading, scheme_id: UUID, _: Annotated[Actor, asks("schemes.read")]) -> SchemeShown:
    """Satu skema dengan isinya."""
    found = (await rows.schemes(connection)).get(scheme_id)
    if found is None:
        raise Problem(UNKNOWN)
    return _shown(*found)


@router.post("/schemes", operation_id="applyScheme", summary="Berlakukan skema", response_model=SchemeApplied, status_code=201)
async def apply_scheme(body: NewScheme, command: Annotated[Command, commands("schemes.apply")]) -> Response:
    """Berlakukan skema; yang mulai di tempat dan tanggal yang sama digantikan. Kewajiban berubah hanya lewat roster."""
    scope = Scope(body.name, body.since, body.until, body.org_unit_id, body.legal_source)

    async def act(lanes: Lanes) -> SchemeApplied:
        who = Who(command.actor.name, command.actor.role.value)
        return _applied(body.content.identity, await apply_schemes(lanes, {body.name: body.content}, [scope], who, reason=body.reason))

    return await command.run(act, subject=str(body.content.identity), reason=body.reason, status=201)


@router.post("/schemes/{scheme_id}/extensions", operation_id="extendScheme", summary="Perpanjang skema", response_model=SchemeApplied,
             status_code=201)
async def extend(scheme_id: UUID, body: Extension, command: Annotated[Command, commands("schemes.apply")]) -> Response:
    """Perpanjang (atau persingkat) skema di tempat ia berlaku."""

    async def act(lanes: Lanes) -> SchemeApplied:
        who = Who(command.actor.name, command.actor.role.value)
        return _applied(scheme_id, await extend_scheme(
            lanes, scheme_id, body.org_unit_id, body.until, who, reason=body.reason, legal_source=body.legal_source))

    return await command.run(act, subject=str(scheme_id), reason=body.reason, status=201)


@router.get("/org-units/{org_unit_id}/shares", operation_id="getShares", summary="WFO dan WFA satu unit terhadap skema")
async def get_shares(
    connection: Reading, org_unit_id: UUID, actor: Annotated[Actor, asks("schemes.read")], first: First, last: Last,
    kind: Annotated[Kind, Query(description="planned: dari roster, cuti, libur; fact: dari presensi")] = "planned",
) -> StandingShown:
    """Berapa orang bekerja dari mana pada tiap tanggal, dan semua pelanggaran skema; paling lama 62 hari."""
    actor.require_unit(org_unit_id)
    if not first <= last <= first + LONGEST:
        raise Problem(INVALID_REQUEST, Fault("until", "out-of-range", f"Harus sesudah from, paling lama {LONGEST.days} hari."))
    try:
        found = await standing(connection, Memory(), org_unit_id, first, last, kind)
    except KeyError:
        raise Problem(UNKNOWN) from None
    return StandingShown(
        org_unit_id=org_unit_id, kind=kind,
        shares=[_share(share, found.schemes.get(share.date), found.unknown.get(share.date, 0), len(found.moved.get(share.date, ())))
                for share in found.shares],
        breaches=[BreachShown.of(breach, planned=kind == "planned") for breach in found.breaches],
    )


def _share(share: DayShare, scheme: str | None, unknown: int, moved: int) -> ShareShown:
    return ShareShown(
        date=share.date, owed=share.owed, wfa=share.wfa, wfo=share.wfo, away=share.away, left_out=share.left_out, unknown=unknown,
        moved=moved, wfa_least=share.allowed.low if share.allowed else None, wfa_most=share.allowed.high if share.allowed else None,
        scheme=scheme,
    )


def _key(scheme: SchemeShown) -> tuple[str, UUID]:
    return scheme.name, scheme.scheme_id


def _shown(version: int, state: SchemeState) -> SchemeShown:
    return SchemeShown(
        scheme_id=state.scheme_id, version=version, name=state.name, content=state.scheme.content(), in_force=list(state.in_force))


def _applied(scheme_id: UUID, applied: Applied) -> SchemeApplied:
    outcome = applied.outcome
    return SchemeApplied(
        scheme_id=scheme_id, new=outcome.new, changed=outcome.changed, unchanged=outcome.unchanged, remarks=list(applied.remarks))
