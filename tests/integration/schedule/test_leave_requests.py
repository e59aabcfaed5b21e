"""Requests for leave on a real database: what a table must be told to price it, and what cannot be asked for at all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.schedule.commands import publish_org_units, publish_policies
from services.schedule.corrections import CorrectionRefused
from services.schedule.reference import OrgUnitState
from services.schedule.requests import decide, submit
from services.schedule.rules.workflow import Who
from services.schedule.store.requests import Asked
from shared.events import Document, Mark, Verdict
from shared.policy import Policy, load_policies
from tests.integration.schedule.office import DAY, MONDAY, Office, at

TABLES = load_policies(Path(__file__).parents[3] / "services" / "schedule" / "policies" / "example-packs.yaml")
HEAD = Who("kadis-contoh", "supervisor")
LETTER = Document(number="445/12/RSUD", date=MONDAY)
NEXT_MONDAY = MONDAY + 7 * DAY


async def ask(office: Office, kind: Any, *, document: Document | None = None, **body: Any) -> Asked:
    body = {"from": str(MONDAY), "to": str(NEXT_MONDAY)} | body
    me = Who(str(office.employee), "employee")
    return await submit(office.lanes, uuid4(), kind, body, me, reason="terlampir", employee_id=office.employee, document=document)


async def granted(office: Office, kind: Any, *, document: Document | None = None, **body: Any) -> Sequence[list[str]]:
    """The codes of the six duty days, once the leave is approved."""
    asked = await ask(office, kind, document=document, **body)
    await decide(office.lanes, asked.request_id, "approve", HEAD, reason="sesuai")
    await office.tick(at(NEXT_MONDAY, "21:00"))
    return [await office.codes(MONDAY + n * DAY) for n in (0, 1, 2, 3, 4, 7)]


async def under(office: Office, pack: str | Policy) -> None:
    policy = TABLES[pack] if isinstance(pack, str) else pack
    await publish_policies(office.lanes, {"TABEL": policy}, [("TABEL", MONDAY, office.unit)])
    await office.tick(at(MONDAY, "06:00"))


async def test_a_table_that_tells_in_from_out_of_hospital_asks_which_it_was(office: Office) -> None:
    await under(office, "CUTI-PERMENKOP-8-2025")
    with pytest.raises(CorrectionRefused, match="--inpatient atau --outpatient"):
        await ask(office, "leave.sick", document=LETTER)

    assert await granted(office, "leave.sick", document=LETTER, inpatient=False) == [[], [], [], ["SAKIT"], ["SAKIT"], ["SAKIT"]]


async def test_a_table_that_does_not_tell_them_apart_does_not_ask(office: Office) -> None:
    await under(office, "CUTI-KUMHAM-IMIPAS-3-2025")

    assert await granted(office, "leave.sick", document=LETTER) == [["SAKIT"]] * 6


async def test_a_letter_is_one_that_is_named_with_number_and_date(office: Office) -> None:
    await under(office, "CUTI-PERMENKOP-8-2025")
    for letter in (True, "445/12/RSUD"):
        with pytest.raises(CorrectionRefused, match="disebut sebagai dokumen"):
            await ask(office, "leave.sick", letter=letter, inpatient=False)


@pytest.mark.parametrize("cause", ["wife_delivery", "istri melahirkan", "Istri  Melahirkan"])
async def test_the_cause_of_a_leave_is_known_in_both_languages_and_priced_by_its_row(office: Office, cause: str) -> None:
    await under(office, "CUTI-PERMENKOP-8-2025")

    assert await granted(office, "leave.important", reason=cause) == [[]] * 6
    told = await office.published("hadir.correction.v1")
    assert {event["body"]["reason"] for event in told} == {"wife_delivery"}


async def test_a_cause_that_no_table_knows_is_refused_with_those_that_are(office: Office) -> None:
    own = Policy.from_content({"legal_source": "Perbup Contoh 1/2026", "leave": {
        "important": [{"pct": "2.00", "from_day": 4}, {"pct": "0", "reason": "banjir"}]}})  # fmt: skip
    await under(office, own)
    with pytest.raises(CorrectionRefused, match=r"istri melahirkan \(wife_delivery\), .*banjir"):
        await ask(office, "leave.important", reason="istri bersalin")

    assert await granted(office, "leave.important", reason="banjir") == [[]] * 6


async def test_without_a_cause_the_fourth_day_costs(office: Office) -> None:
    await under(office, "CUTI-PERMENKOP-8-2025")

    assert await granted(office, "leave.important") == [[], [], [], ["CUTI"], ["CUTI"], ["CUTI"]]


async def test_what_needs_no_leave_or_lies_outside_of_service_is_refused(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    weekend: dict[str, Any] = {"from": str(MONDAY + 5 * DAY), "to": str(MONDAY + 6 * DAY)}
    for kind in ("leave.annual", "leave.sick"):
        with pytest.raises(CorrectionRefused, match="07-02-2026 sampai 08-02-2026 bukan hari dinas"):
            await ask(office, kind, **weekend)
    with pytest.raises(CorrectionRefused, match="bukan hari dinas"):
        await submit(office.lanes, uuid4(), "permission", {"date": weekend["from"]}, HEAD, reason="izin", employee_id=office.employee)
    with pytest.raises(CorrectionRefused, match=r"belum atau tidak lagi bertugas \(terdaftar mulai 02-02-2026\)"):
        await ask(office, "leave.annual", **{**weekend, "from": "2016-02-01", "to": "2016-02-05"})
    assert (await ask(office, "duty-travel", document=LETTER, destination="Jakarta", **weekend)).request.state == "requested"


async def test_a_shift_of_a_24_hour_unit_may_still_be_rostered_on_the_weekend_of_a_leave(office: Office) -> None:
    await publish_org_units(office.lanes, [
        OrgUnitState(office.unit, f"OPD-{office.unit}", "RSUD", "Asia/Jakarta", office.calendar, round_the_clock=True)])  # fmt: skip
    await office.tick(at(MONDAY, "06:00"))
    sunday: dict[str, Any] = dict.fromkeys(("from", "to"), str(MONDAY + 6 * DAY))

    assert (await ask(office, "leave.annual", **sunday)).request.state == "requested"


async def test_a_document_of_a_date_to_come_is_none(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    coming = Document(number="445/12/RSUD", date=MONDAY.replace(year=2099))
    with pytest.raises(CorrectionRefused, match="bertanggal 02-02-2099, yang belum tiba"):
        await ask(office, "leave.sick", document=coming)
    asked = await ask(office, "leave.sick")
    with pytest.raises(CorrectionRefused, match="yang belum tiba"):
        await decide(office.lanes, asked.request_id, "approve", HEAD, reason="sesuai", document=coming)


async def test_a_review_is_listed_under_the_day_of_its_check_in(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    marks = [await office.mark(Mark.IN, at(MONDAY + n * DAY, "07:20"), site=Verdict.UNSURE) for n in (0, 2)]
    await office.tick(at(NEXT_MONDAY, "21:00"))
    by = Who("petugas", "unit_officer")
    whom: dict[str, Any] = {"reason": "sesuai", "employee_id": office.employee}
    review = {"review": str(marks[0].check_in_id), "decision": "accepted"}
    asked = await submit(office.lanes, uuid4(), "review", review, by, **whom)
    both = {"check_ins": [str(mark.check_in_id) for mark in marks], "decision": "cleared"}
    cleared = await submit(office.lanes, uuid4(), "integrity", both, by, **whom)

    assert [(one.first, one.last) for one in (asked, cleared)] == [(MONDAY, MONDAY), (MONDAY, MONDAY + 2 * DAY)]
