"""What employees send and where it was judged to be: check-ins, work reports, signs of spoofing, ingest's own minutes."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.events.base import (
    BusinessDate,
    Code,
    Count,
    Event,
    Latitude,
    Longitude,
    Mark,
    Metres,
    Moment,
    Text,
    Verdict,
    Version,
)


class Evidence(Event):
    """Where the photo is kept and its SHA-256; the photo itself never travels on a topic."""

    reference: Text
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CheckInRecorded(Event):
    """A check-in was accepted (ingest → geofence). Restricted: holds coordinates; short retention."""

    check_in_id: UUID
    employee_id: UUID
    mark: Mark
    captured_at: Moment
    received_at: Moment
    latitude: Latitude
    longitude: Longitude
    accuracy_m: Metres | None = None
    position_source: Literal["device", "map_link"] = "device"
    device_id: Code
    source_app: Code
    mock: bool = False
    evidence: Evidence | None = None
    reason: Text | None = None


class WorkReportSubmitted(Event):
    """A daily work report (laporan kinerja harian) was accepted (ingest → schedule)."""

    report_id: UUID
    employee_id: UUID
    work_date: BusinessDate
    submitted_at: Moment
    received_at: Moment
    reference: Text | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class AvailabilityCounted(Event):
    """How one process of ingest did in one minute (ingest → schedule); a minute that none tells of is one in which it was down.

    `refused` were the client's fault (4xx), `unavailable` ours (5xx); items of a batch are counted one by one.
    """

    instance: UUID
    minute: Moment
    accepted: Count
    refused: Count
    unavailable: Count


class CheckInLocated(Event):
    """A check-in was judged (geofence → schedule); version 2 and up are re-judgements. No coordinates."""

    check_in_id: UUID
    employee_id: UUID
    version: Version
    mark: Mark
    captured_at: Moment
    received_at: Moment
    site: Verdict
    site_id: UUID | None = None
    site_distance_m: Annotated[int, Field(ge=0, le=20_100_000)] | None = None
    activity_site: bool = False
    region: Verdict
    region_id: UUID | None = None
    quality: Literal["good", "bad_fix"] = "good"
    mock: bool = False
    evidence: bool = False
    reason_given: bool = False


class IntegritySuspected(Event):
    """Signs of a spoofed position were seen (geofence → a person). Evidence, never a penalty."""

    suspicion_id: UUID
    employee_id: UUID
    check_in_id: UUID
    signal: Code
    detail: Text
    seen_at: AwareDatetime
