"""The HTTP API of payroll: employee-months, their ledger, ceilings, the proof of balance.

`ROUTERS` is where a capability is added: one module with a `router`, one line here (docs/api.md).
"""

from typing import Final

from fastapi import APIRouter, FastAPI

from services.payroll.api import closings, imports, money
from services.payroll.rules.signing import MonthRefused
from shared.web.app import Context, new_app
from shared.web.uploads import LARGEST_FILE

ROUTERS: Final[tuple[APIRouter, ...]] = (
    money.router,
    closings.router,
    imports.router,
)


def create_app(context: Context) -> FastAPI:
    """The API of payroll."""
    return new_app(
        context,
        title="Hadir: potongan TPP",
        description='Bulan pegawai, buku potongan, pagu TPP, bukti seimbang. Rupiah bulat; persen teks eksak ("0.50", "25/22").',
        routers=ROUTERS,
        refusals=(MonthRefused,),
        largest_body=LARGEST_FILE,
    )
