"""Settings of every process, each with a default that works on one machine; environment prefix `HADIR_`."""

import os
from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a process may be told from outside; `masked()` is what may be printed."""

    model_config = SettingsConfigDict(env_prefix="HADIR_", frozen=True, extra="ignore")

    kafka: str = Field("127.0.0.1:8892", description="bootstrap servers, host:port, comma separated")
    kafka_user: str = Field("", description="name for SCRAM-SHA-512 on those servers; empty: no login")
    kafka_password: SecretStr = Field(SecretStr(""), description="password of that name")
    kafka_ca: str = Field(
        "", description="file of the CA that signed the servers' certificates, or `system`; empty: no TLS"
    )
    database: str = Field(
        "postgresql://postgres@127.0.0.1:8832/hadir",
        description="PostgreSQL URL of a login that may act as the services' roles",
    )
    audit_database: str = Field(
        "", description="PostgreSQL URL of a login that may act as hadir_audit, for previews and their gate; empty: HADIR_DATABASE")
    home: Path = Field(Path(".hadir"), description="where the local stack keeps its data, logs and downloads")
    kafka_port: int = Field(8892, ge=0, le=65535, description="port of the Kafka that `hadir run` starts; 0 takes a free one")
    database_port: int = Field(8832, ge=0, le=65535, description="port of the PostgreSQL that `hadir run` starts; 0 takes a free one")
    host: str = Field("127.0.0.1", description="address that HTTP servers of this process bind")
    ingest_port: int = Field(8801, ge=0, le=65535, description="HTTP API of ingest; its metrics and health are there too")
    geofence_port: int = Field(8802, ge=0, le=65535, description="metrics and health of the geofence worker")
    schedule_port: int = Field(8803, ge=0, le=65535, description="metrics and health of the schedule worker")
    payroll_port: int = Field(8804, ge=0, le=65535, description="metrics and health of the payroll worker")
    geofence_api_port: int = Field(8812, ge=0, le=65535, description="HTTP API of geofence: sites, verdicts, suspicions")
    schedule_api_port: int = Field(8813, ge=0, le=65535, description="HTTP API of schedule: people, duties, days, corrections")
    payroll_api_port: int = Field(8814, ge=0, le=65535, description="HTTP API of payroll: months, ledger, ceilings")
    reports_api_port: int = Field(8815, ge=0, le=65535, description="HTTP API of the reports: receipts; reads all, writes nothing")
    monitor_port: int = Field(8805, ge=0, le=65535, description="figures of the whole house, seen from outside: metrics and health")
    canaries_port: int = Field(8806, ge=0, le=65535, description="metrics and health of the canaries")
    ingest_url: str = Field("", description="where canaries reach ingest; empty: HADIR_INGEST_PORT on this machine")
    prometheus_port: int = Field(
        8890, ge=0, le=65535, description="port of the Prometheus that `hadir run` starts if it has one; 0 takes a free one"
    )
    replication: int = Field(1, description="replication factor that `hadir topics apply` asks for")
    group: str = Field("hadir", description="prefix of the Kafka consumer groups' names")
    session_timeout_s: float = Field(
        10.0, description="Kafka group session timeout; a killed worker's lanes move after it"
    )
    batch_size: int = Field(500, description="most events in one database transaction")
    batch_within_s: float = Field(0.02, gt=0, description="how long a batch may wait to fill, and a round of ingest behind another")
    max_body_bytes: int = Field(262_144, description="largest accepted request body; a bigger one is answered 413")
    max_batch_body_bytes: int = Field(786_432, description="largest accepted body of a batch of check-ins")
    ingest_queue: int = Field(5_000, description="most check-ins that ingest holds at once, under a second of work; beyond it 503 at once")
    ingest_answer_within_s: float = Field(8.0, description="ingest answers 503 when Kafka has not acknowledged in time")
    receipt_days: int = Field(400, description="how long ingest recognises a repeated id; older receipts are deleted")
    dead_letter_days: int = Field(400, ge=1, description="how long messages that nobody could process lie in the table dead_letter")
    minute_days: int = Field(90, ge=7, description="how long schedule keeps ingest's minutes, from which outages are proposed")
    preview_days: int = Field(400, ge=90, description="how long previews are kept that no second person consented to")
    log_level: str = Field("INFO", description="level of the JSON logs")

    def masked(self) -> dict[str, str]:
        """Settings as text, with the password of the database URL hidden."""
        shown = {name: str(value) for name, value in self.model_dump().items()}
        head, at, tail = shown["database"].rpartition("@")
        if at:
            scheme, _, login = head.partition("://")
            shown["database"] = f"{scheme}://{login.split(':')[0]}:***@{tail}"
        return shown


def running_file(home: Path) -> Path:
    """Where `hadir run` writes the addresses of what it started, as HADIR_... lines, for commands in other shells."""
    return home / "running.env"


@cache
def settings() -> Settings:
    """Settings of this process, read once: the environment first, then what `hadir run` started, then the defaults."""
    home = Path(os.environ.get("HADIR_HOME", Settings.model_fields["home"].default))
    return Settings(_env_file=running_file(home))
