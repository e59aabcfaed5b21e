"""The examples that app makers copy are accepted, and every code has words."""

import datetime as dt
from typing import Any, get_args

import pytest

from services.ingest import openapi
from services.ingest.problems import KINDS, problem
from services.ingest.rules.admission import Submission, submit_check_in, submit_work_report
from services.ingest.rules.refusals import Refusal, RefusalCode
from shared.faults import Fault

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


def examples(description: dict[str, Any]) -> list[Any]:
    return [
        example["value"]
        for example in description["openapi_extra"]["requestBody"]["content"]["application/json"]["examples"].values()
    ]


def test_every_example_is_well_formed() -> None:
    (batch,) = examples(openapi.RECORD_CHECK_INS)
    for body in [*examples(openapi.RECORD_CHECK_IN), *batch["check_ins"]]:
        assert isinstance(submit_check_in(body, NOW), Submission)
    for body in examples(openapi.SUBMIT_WORK_REPORT):
        assert isinstance(submit_work_report(body, NOW), Submission)


@pytest.mark.parametrize("code", get_args(RefusalCode))
def test_every_code_has_a_status_and_words(code: RefusalCode) -> None:
    members = problem(Refusal(code))

    assert members["code"] == code
    assert members["status"] >= 400
    assert members["title"]
    assert members["detail"].endswith(".")
    assert KINDS.keys() == set(get_args(RefusalCode))


def test_a_single_fault_becomes_the_detail_with_its_field() -> None:
    members = problem(Refusal("invalid-body", (Fault("latitude", "missing", "Wajib diisi."),)))

    assert members["detail"] == "latitude: Wajib diisi."
    assert members["errors"] == [{"field": "latitude", "code": "missing", "detail": "Wajib diisi."}]
