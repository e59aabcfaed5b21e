"""The HTTP API of the reports: what only all services together can tell. It reads through the audit role and writes nothing.

A process of its own, so that no service's API need be able to read the schemas of the others. `ROUTERS` is where a report is
added: one module with a `router`, one line here (docs/api.md).
"""

from typing import Final

from fastapi import APIRouter, FastAPI

from services.reports.api import receipts, tables
from shared.refusal import Refused
from shared.web.app import Context, new_app

ROUTERS: Final[tuple[APIRouter, ...]] = (
    receipts.router,
    tables.router,
)


def create_app(context: Context) -> FastAPI:
    """The API of the reports."""
    return new_app(
        context,
        title="Hadir: laporan",
        description="Slip potongan TPP dari tanda hadir sampai rupiah, dan laporan: rekap, kepatuhan, WFA, evaluasi; JSON, csv, xlsx, PDF.",
        routers=ROUTERS,
        refusals=(Refused,),
    )
