"""The API of the reports on a real database: the same receipt as `hadir explain`, for whom it concerns, and read only."""

import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from services.reports.api import create_app
from tests.calling import acting, refused, serving

VERIFIER = Path(__file__).parents[3] / "docs" / "verify_receipt.py"


async def test_a_receipt_is_told_to_whom_it_concerns_and_verifies(books: Any, tmp_path: Path) -> None:
    await books.told()
    path = f"/v1/receipts/{books.me}/2026-02"
    async with serving(create_app, None, books.database) as api:
        receipt = await api.get(path, headers=acting("employee", books.me))
        assert receipt.status_code == 200, receipt.text
        assert receipt.content == (await api.get(path)).content
        assert receipt.json()["employee"]["id"] == str(books.me)
        assert "9" * 18 not in receipt.text
        slip = await api.get(f"{path}/slip", headers=acting("payroll_officer"))
        assert "TK: 3,00 % × TPP Rp 1.000.000 = Rp 30.000" in slip.text
        assert "9" * 18 in slip.text
        one_day = (await api.get(path, params={"date": "2026-02-02"})).json()
        assert [day["date"] for day in one_day["days"]] == ["2026-02-02"]

        assert refused(await api.get(path, headers=acting("employee", uuid4()))) == (403, "out-of-reach")
        for role in ("admin", "supervisor", "unit_officer"):
            answer = await api.get(path, headers=acting(role, units=(uuid4(),)))
            assert refused(answer) == (403, "forbidden"), role
        assert refused(await api.get(f"/v1/receipts/{uuid4()}/2026-02")) == (404, "unknown")
        assert refused(await api.get(f"/v1/receipts/{books.me}/2025-01")) == (404, "unknown")
        assert refused(await api.get(f"/v1/receipts/{books.me}/2026-13")) == (422, "invalid-request")
        assert refused(await api.get(path, params={"date": "2026-03-01"})) == (422, "invalid-request")
    written = tmp_path / "slip.json"
    written.write_bytes(receipt.content)
    checked = subprocess.run([sys.executable, "-I", str(VERIFIER), str(written)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "accepted\n"), checked.stderr
