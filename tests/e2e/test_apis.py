"""The APIs as an operator gets them from `hadir run`: each is there, says what it is, and reads and commands as documented."""

import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from shared.topics import AUDIT
from tests.calling import acting, keyed

APIS = ("geofence_api", "schedule_api", "payroll_api", "reports_api")


@pytest.mark.parametrize("name", APIS)
def test_every_api_is_up_with_its_documents(house: Any, name: str) -> None:
    address = house.addresses[name]

    def get(path: str) -> httpx.Response:
        return httpx.get(f"{address}{path}", timeout=60)

    deadline = time.monotonic() + 120
    while (said := get("/readyz").json()) != {"ready": True, "missing": []}:
        assert time.monotonic() < deadline, said
        time.sleep(0.2)  # polls with the deadline above: it looks at its database again and again
    assert get("/docs").status_code == 200
    assert get("/openapi.json").json()["openapi"].startswith("3.")
    service = name.replace("_", "-")
    assert f'hadir_ready{{service="{service}"}} 1.0' in get("/metrics").text
    assert get("/v1/nothing").headers["content-type"] == "application/problem+json"


async def test_what_is_commanded_over_http_reaches_the_audit_topic(house: Any, tmp_path: Path) -> None:
    bkd, unit = acting("bkd"), uuid4()
    (tmp_path / "units.csv").write_text(f"org_unit_id;code;name;timezone\n{unit};SURAT-{unit.hex[:8]};Dinas Contoh;WIB\n")
    house.hadir("import", "org-units", tmp_path / "units.csv")
    letter = {
        "kind": "letter", "reason": "SE 4/2026", "org_unit_id": str(unit),
        "body": {"from": "2019-08-01", "to": "2019-08-01", "letter": "SPT-1/2019"},
    }
    answer = httpx.post(f"{house.addresses['schedule_api']}/v1/corrections", json=letter, headers=bkd | keyed(), timeout=60)

    assert answer.status_code == 201, answer.text
    correction_id = UUID(answer.json()["correction_id"])
    [told] = await house.records(AUDIT["schedule"], str(correction_id), at_least=1)
    assert (told["actor"], told["action"], told["detail"]["role"]) == (bkd["Hadir-Actor"], "corrections.record", "bkd")
