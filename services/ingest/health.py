"""Tells whether the process lives, whether it can accept now, and its figures."""

import asyncio

import orjson
from fastapi import APIRouter, Request, Response

from services.ingest.edge import Edge
from shared import metrics
from shared.failures import is_infrastructure

router = APIRouter(tags=["operasi"])


@router.get("/healthz", operation_id="isAlive", summary="Proses hidup")
async def healthz(request: Request) -> Response:
    """200 selama proses bekerja; tidak menyentuh Kafka atau basis data."""
    edge: Edge = request.app.state.edge
    return _checks({"tasks": edge.intake.alive})


@router.get("/readyz", operation_id="isReady", summary="Siap menerima",
            responses={503: {"description": "Belum siap; lihat mana yang false"}})
async def readyz(request: Request) -> Response:
    """200 bila data pegawai termuat serta Kafka dan basis data menjawab; jika tidak 503."""
    edge: Edge = request.app.state.edge
    database, kafka = await asyncio.gather(_database(edge), edge.publisher.reachable())
    return _checks({"database": database, "kafka": kafka, "employees": edge.employees_loaded(), "tasks": edge.intake.alive})


@router.get("/metrics", operation_id="readMetrics", summary="Angka Prometheus")
async def read_metrics() -> Response:
    """Semua angka proses ini dalam format teks Prometheus."""
    return Response(metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})


async def _database(edge: Edge) -> bool:
    try:
        await edge.store.ping()
    except Exception as error:
        if not is_infrastructure(error):
            raise
        return False
    return True


def _checks(checks: dict[str, bool]) -> Response:
    ready = all(checks.values())
    if len(checks) > 1:
        metrics.READY.labels("ingest").set(ready)
    return Response(orjson.dumps(checks), 200 if ready else 503, media_type="application/json")
