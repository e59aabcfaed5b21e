"""The HTTP edge: reads, hands over to the intake, and says what became of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from services.ingest import openapi, problems
from services.ingest.body import read_body
from services.ingest.edge import Edge
from services.ingest.intake import Accepted, Outcome
from services.ingest.rules.admission import Submission, submit_check_in, submit_work_report
from services.ingest.rules.document import Document, doubled_key, read_document
from services.ingest.rules.refusals import Refusal
from services.ingest.short_cut import Handler
from shared import metrics
from shared.faults import Fault
from shared.topics import CHECK_IN_RECORDED

MOST_IN_BATCH: Final = 500

Submit = Callable[[Any, datetime], Submission | Refusal]

router = APIRouter()


@router.post("/v1/check-ins", operation_id="recordCheckIn", **openapi.RECORD_CHECK_IN)
async def record_check_in(request: Request) -> Response:
    """Terima satu tanda hadir. 202 hanya setelah kejadian tersimpan di Kafka; kirim ulang dengan id yang sama aman."""
    return await _record(request, submit_check_in)


@router.post("/v1/work-reports", operation_id="submitWorkReport", **openapi.SUBMIT_WORK_REPORT)
async def record_work_report(request: Request) -> Response:
    """Terima satu laporan kinerja harian. Sama seperti tanda hadir: 202 hanya setelah tersimpan."""
    return await _record(request, submit_work_report)


@router.post("/v1/check-ins:batch", operation_id="recordCheckIns", **openapi.RECORD_CHECK_INS)
async def record_check_ins(request: Request) -> Response:
    """Terima 1–500 tanda hadir; tiap butir punya hasil sendiri. 503 bila ada butir yang belum tersimpan."""
    edge: Edge = request.app.state.edge
    received_at = datetime.now(UTC)
    document = await _document(request, edge, edge.settings.max_batch_body_bytes)
    if isinstance(document, Refusal):
        return problems.refuse(document)
    items = _items(document)
    if isinstance(items, Refusal):
        return problems.refuse(items)
    submitted = [doubled_key(document, item) or submit_check_in(item, received_at) for item in items]
    named = [_named(item) for item in items]
    # Thousands of check-ins may wait at once: what was read goes before the waiting, not after it.
    del document, items
    submissions = [one for one in submitted if isinstance(one, Submission)]
    decided = iter(await edge.intake.submit(submissions) if submissions else ())
    outcomes = [next(decided) if isinstance(one, Submission) else one for one in submitted]
    _count(outcomes)
    results = [_result(index, name, outcome) for index, (name, outcome) in enumerate(zip(named, outcomes, strict=True))]
    for outcome in outcomes:
        if isinstance(outcome, Refusal) and problems.status_of(outcome) >= 500:
            # A client that looks at the status only must not take this for done.
            return problems.respond(Refusal(outcome.code), {"results": results})
    return Response(orjson.dumps({"results": results}, option=orjson.OPT_UTC_Z), 207, media_type="application/json")


POSTS: Final[Mapping[str, Handler]] = {
    "/v1/check-ins": record_check_in,
    "/v1/check-ins:batch": record_check_ins,
    "/v1/work-reports": record_work_report,
}
"""The busy addresses, for `short_cut`."""


async def _record(request: Request, submit: Submit) -> Response:
    edge: Edge = request.app.state.edge
    received_at = datetime.now(UTC)
    document = await _document(request, edge, edge.settings.max_body_bytes)
    if isinstance(document, Refusal):
        return problems.refuse(document)
    submission = doubled_key(document, document.content) or submit(document.content, received_at)
    if isinstance(submission, Refusal):
        return problems.refuse(submission)
    outcome = (await edge.intake.submit((submission,)))[0]
    _count((outcome,))
    if isinstance(outcome, Refusal):
        return problems.respond(outcome)
    id_name = "check_in_id" if submission.topic is CHECK_IN_RECORDED else "report_id"
    return Response(
        orjson.dumps({id_name: str(outcome.id), "received_at": outcome.received_at}, option=orjson.OPT_UTC_Z),
        202,
        {"Hadir-Replayed": "true"} if outcome.replayed else None,
        "application/json",
    )


async def _document(request: Request, edge: Edge, at_most: int) -> Document | Refusal:
    if edge.intake.full:
        return Refusal("overloaded")
    raw = await read_body(request, at_most)
    return raw if isinstance(raw, Refusal) else read_document(raw)


def _items(document: Document) -> list[Any] | Refusal:
    content = document.content
    if not isinstance(content, dict):
        return doubled_key(document, content) or Refusal("invalid-body", (Fault(
            "", "wrong-type", 'Harus berupa objek JSON: {"check_ins": [...]}.'),))
    unknown = [Fault(str(name)[:100], "unknown-field", "Tidak dikenal. Periksa ejaannya atau hapus.")
               for name in content if name != "check_ins"]
    items = content.get("check_ins")
    if not isinstance(items, list):
        kind = "missing" if items is None else "wrong-type"
        return Refusal("invalid-body", (Fault("check_ins", kind, "Wajib berupa daftar tanda hadir."), *unknown[:20]))
    if unknown:
        return Refusal("invalid-body", tuple(unknown[:20]))
    if not 1 <= len(items) <= MOST_IN_BATCH:
        return Refusal("batch-size", (Fault("check_ins", "batch-size", f"Kirim 1 sampai {MOST_IN_BATCH} butir."),))
    return items


def _named(item: Any) -> str | None:
    """The id that an item gives itself, as far as it may be said back."""
    named = item.get("check_in_id") if isinstance(item, dict) else None
    return named if isinstance(named, str) and len(named) <= 64 else None


def _result(index: int, named: str | None, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Accepted):
        result = {"index": index, "status": 202, "check_in_id": str(outcome.id), "received_at": outcome.received_at}
        return result | {"replayed": True} if outcome.replayed else result
    stated = {} if named is None else {"check_in_id": named}
    return {"index": index, **stated, **problems.problem(outcome)}


def _count(outcomes: Iterable[Outcome]) -> None:
    """Counts outcomes, a batch of them at once, since every turn of a counter takes a lock."""
    accepted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    replayed = 0
    for outcome in outcomes:
        if isinstance(outcome, Refusal):
            refused[outcome.code] += 1
        elif outcome.replayed:
            replayed += 1
        else:
            accepted[outcome.label] += 1
    for label, count in accepted.items():
        metrics.INGEST_ACCEPTED.labels(label).inc(count)
    for code, count in refused.items():
        metrics.INGEST_REFUSED.labels(code).inc(count)
    if replayed:
        metrics.INGEST_DUPLICATES.inc(replayed)
