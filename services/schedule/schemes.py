"""Commands about WFO/WFA schemes: published with their scopes and dates, extended, and compared with the rule packs in force."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from services.schedule import taking_force
from services.schedule.clearing import holding_cleared
from services.schedule.digests import scheme_digest
from services.schedule.memory import Memory, Reference
from services.schedule.publishing import Outcome, differing, record_audit
from services.schedule.rules.schemes import Scheme, SchemesInForce, SchemeState, with_scope
from services.schedule.rules.workflow import Who
from services.schedule.store import schemes as rows
from services.schedule.store.reference_rows import Kept
from services.schedule.taking_force import Cleared
from shared.database import Connection
from shared.events import Mode, SchemeInForce
from shared.lanes import Lanes, Work
from shared.refusal import Refused
from shared.roles import Role, may
from shared.topics import SCHEME, lane_of

VERB: Final = "schemes.apply"
_LONGEST_SOURCE: Final = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a scheme is to hold (None: the whole province), from when, until when (None: open end), on which legal source.

    Without a legal source of its own the scheme's counts, unless the scheme is only planned or an idea.
    """

    name: str
    since: dt.date
    until: dt.date | None = None
    org_unit_id: UUID | None = None
    legal_source: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it, and what an officer should look at twice."""

    outcome: Outcome
    remarks: tuple[str, ...] = ()


def allow(verb: str, by: Who, unit: UUID | None) -> None:
    """Raises Refused unless this person's role has the verb, for this unit (None: for everybody)."""
    if by.role not in set(Role) or not may(Role(by.role), verb):
        raise Refused(f"peran {by.role} tidak berwenang untuk ini ({verb}); mintalah kepada yang berwenang")
    if by.units is not None and (unit is None or unit not in by.units):
        raise Refused("unit kerja ini di luar jangkauan peran Anda")


async def apply_schemes(
    lanes: Lanes, schemes: Mapping[str, Scheme], scopes: Sequence[Scope], by: Who, *, reason: str, now: dt.datetime | None = None
) -> Applied:
    """Publishes schemes and puts some in force. Given twice it changes nothing; raises Refused.

    A scope of the same unit and first date gives way, so that a later `until` extends it. Refused too while people to whom
    another scheme applies today are checking in, and where one gives way for many unseen (`taking_force.allow_schemes`);
    `now` (aware) defaults to the real time.
    """
    allow(VERB, by, None)
    for scope in scopes:
        if scope.name not in schemes:
            raise Refused(f"skema {scope.name} tidak ada di berkas; yang ada: {', '.join(sorted(schemes))}")

    async def clear(connection: Connection, known: Mapping[UUID, Kept[SchemeState]]) -> None:
        states = _after(known, schemes, scopes)
        if differing(states.values(), known, lambda state: state.scheme_id)[0]:
            held = SchemesInForce(kept.state for kept in known.values())
            puts = [(scope.org_unit_id, scope.since, scope.until, str(schemes[scope.name].identity)) for scope in scopes]
            await taking_force.allow_schemes(
                connection, held, SchemesInForce(states.values()), scheme_digest(puts), by.name, now or dt.datetime.now(dt.UTC))

    async with holding_cleared(lanes, rows.schemes, clear) as (work, known):
        changed, outcome = differing(_after(known, schemes, scopes).values(), known, lambda state: state.scheme_id)
        named = {scheme.identity for scheme in schemes.values()}
        outcome = replace(outcome, unchanged=len(named - {state.scheme_id for _, state in changed}))
        if changed:
            detail = {"role": by.role, "reason": reason, "schemes": sorted(state.name for _, state in changed)}
            cause = record_audit(work, by.name, "apply-schemes", "schemes", detail)
            await rows.put_schemes(work.connection, changed)
            for version, state in changed:
                key = str(state.scheme_id)
                work.emit(SCHEME, key, version, state.published(version), key=key, lane=lane_of(key), cause=cause)
        reference = await Memory().current(work.connection)
        return Applied(outcome, tuple(remark for scope in scopes for remark in remarks_on(schemes[scope.name], scope, reference)))


async def extend(
    lanes: Lanes, scheme_id: UUID, org_unit_id: UUID | None, until: dt.date | None, by: Who, *, reason: str, legal_source: str,
    now: dt.datetime | None = None,
) -> Applied:  # fmt: skip
    """Lets a scheme hold longer (or shorter) where it holds now: its last scope of that unit; raises Refused."""
    async with lanes.pool.acquire() as connection:
        known = await rows.schemes(connection)
    if scheme_id not in known:
        raise Refused("skema tidak dikenal; terapkan dulu (hadir scheme apply)")
    state = known[scheme_id].state
    mine = [scope for scope in state.in_force if scope.org_unit_id == org_unit_id]
    if not mine:
        raise Refused(f"skema {state.name} tidak berlaku di sana; terapkan dulu (hadir scheme apply)")
    scope = Scope(state.name, mine[-1].since, until, org_unit_id, legal_source)
    return await apply_schemes(lanes, {state.name: state.scheme}, [scope], by, reason=reason, now=now)


async def schemes_in_force(connection: Connection) -> SchemesInForce:
    """Which scheme holds where and when."""
    return SchemesInForce(kept.state for kept in (await rows.schemes(connection)).values())


async def put_states(work: Work, states: Sequence[SchemeState], _cleared: Cleared) -> Outcome:
    """Takes over schemes as they were published, under the lanes that `work` holds (a rebuild from the topics: `restored`)."""
    known = await rows.schemes(work.connection)
    changed, outcome = differing(states, known, lambda state: state.scheme_id)
    await rows.put_schemes(work.connection, changed)
    for version, state in changed:
        key = str(state.scheme_id)
        work.emit(SCHEME, key, version, state.published(version), key=key, lane=lane_of(key), cause=None)
    return outcome


def remarks_on(scheme: Scheme, scope: Scope, reference: Reference) -> list[str]:
    """Where rule packs in force do not demand what the scheme says (they decide, a scheme only tells), and what it excludes in vain."""
    units = [scope.org_unit_id] if scope.org_unit_id is not None else [*reference.units]
    packs = {pack for unit in units if (pack := reference.pack_on(unit, scope.since)) is not None}
    policies = [reference.policies[pack] for pack in packs]
    remarks = []
    if scheme.evidence == "geotag_photo" and any(Mode.WFA not in policy.evidence_required for policy in policies):
        remarks.append(f"{scope.name}: skema meminta foto geotag saat WFA, tetapi kebijakan yang berlaku tidak (evidence_required)")
    if scheme.region == "stay" and any("WFA_OUTSIDE_REGION" not in policy.void_violations for policy in policies):
        remarks.append(f"{scope.name}: WFA harus di dalam daerah, tetapi kebijakan yang berlaku tidak menghitungnya sebagai pelanggaran "
                       "(void_violations)")
    codes = {unit.code for unit in reference.units.values()}
    if unknown := sorted({*scheme.excluded.units} - codes):
        remarks.append(f"{scope.name}: unit yang dikecualikan tidak terdaftar ({', '.join(unknown)}), jadi tidak ada yang dikecualikan;"
                       " periksa kodenya")
    if not policies:
        remarks.append(f"{scope.name}: belum ada kebijakan yang berlaku di sana sejak {scope.since}; hari belum dinilai")
    return remarks


def _after(
    known: Mapping[UUID, Kept[SchemeState]], schemes: Mapping[str, Scheme], scopes: Sequence[Scope]
) -> dict[UUID, SchemeState]:
    """All schemes as they would be; raises Refused for a scope that may not be."""
    states = {scheme_id: kept.state for scheme_id, kept in known.items()}
    for name, scheme in schemes.items():
        states.setdefault(scheme.identity, SchemeState(name, scheme))
    for scope in scopes:
        states = _in_force(states, schemes[scope.name], scope)
    return states


def _in_force(states: Mapping[UUID, SchemeState], scheme: Scheme, scope: Scope) -> dict[UUID, SchemeState]:
    source = scope.legal_source
    if source is None and scheme.standing == "in_force":
        source = scheme.legal_source
    if source is None:
        raise Refused(f"skema {scope.name} menurut sumbernya belum berlaku ({scheme.standing}); sebutkan dasar hukumnya (--source)")
    if not source.strip() or len(source) > _LONGEST_SOURCE:
        raise Refused(f"dasar hukum harus 1 sampai {_LONGEST_SOURCE} huruf")
    if scope.until is not None and scope.until < scope.since:
        raise Refused(f"skema {scope.name}: tanggal akhir sebelum tanggal mulai")
    return with_scope(states, scheme, SchemeInForce(
        since=scope.since, until=scope.until, org_unit_id=scope.org_unit_id, legal_source=source))
