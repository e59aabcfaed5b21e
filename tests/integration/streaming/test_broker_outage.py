"""While the broker is away the worker waits, says so, and afterwards nothing is lost, doubled or unpublished."""

import signal
from pathlib import Path
from typing import Any

from services.local.kafka import start_kafka
from shared.kafka import apply_topics


async def test_a_broker_that_is_killed_and_comes_back_costs_nothing(trial: Any, tmp_path: Path) -> None:
    broker = start_kafka(tmp_path / "broker")
    try:
        broker.wait_ready()
        trial.kafka = broker.bootstrap
        await apply_topics(broker.bootstrap)
        await apply_topics(broker.bootstrap, 1, trial.topics)
        worker = await trial.started()
        await trial.send(range(500))
        await trial.all_in_sink(50)

        broker.child.popen.send_signal(signal.SIGKILL)
        broker.child.popen.wait()

        async def unready() -> bool:
            return not (await worker.readiness()).get("ready", True)

        await trial.eventually(unready)
        broker = start_kafka(tmp_path / "broker", broker.port)
        broker.wait_ready()
        await trial.send(range(500, 1000))

        await trial.all_in_sink()
        await trial.all_published()
        await trial.assert_once_and_in_order()
        assert worker.process.poll() is None
        ids = {dict(record.headers)["ce_id"] for record in await trial.published()}
        assert len(ids) == 1000
    finally:
        await trial.close()
        broker.stop(5)
