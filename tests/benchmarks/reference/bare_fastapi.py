"""The smallest honest edge: FastAPI validates a check-in and answers 202 when aiokafka has the acknowledgement."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

TOPIC = "hadir.check-in.recorded.v1"


class CheckIn(BaseModel):
    """What the phone sends; other fields are passed on as they are."""

    model_config = ConfigDict(extra="allow")

    check_in_id: UUID
    employee_id: UUID
    latitude: float
    longitude: float


class CheckIns(BaseModel):
    """A batch."""

    check_ins: list[CheckIn]


producer: AIOKafkaProducer


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """One producer for the life of the process."""
    global producer  # noqa: PLW0603 - as the tutorials have it
    producer = AIOKafkaProducer(bootstrap_servers=os.environ["HADIR_KAFKA"], acks="all", enable_idempotence=True, linger_ms=2)
    await producer.start()
    yield
    await producer.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/v1/check-ins", status_code=202)
async def record(check_in: CheckIn) -> dict[str, Any]:
    """One check-in."""
    await producer.send_and_wait(TOPIC, check_in.model_dump_json().encode(), key=str(check_in.employee_id).encode())
    return {"check_in_id": str(check_in.check_in_id)}


@app.post("/v1/check-ins:batch", status_code=207)
async def record_many(batch: CheckIns) -> dict[str, Any]:
    """Many of them."""
    await asyncio.gather(*[
        await producer.send(TOPIC, one.model_dump_json().encode(), key=str(one.employee_id).encode()) for one in batch.check_ins
    ])  # fmt: skip
    return {"results": [{"check_in_id": str(one.check_in_id), "status": 202} for one in batch.check_ins]}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), log_level="warning", access_log=False)
