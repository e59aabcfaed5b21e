"""Tells the two proofs: every total equals its ledger, and whatever was answered 202 some minutes ago has arrived."""

from typing import Final

from services.payroll.store.balance import balance
from services.reports.flow import CONSUMED, Flow
from shared import metrics

_SETTLED_FOR: Final = "5 minutes"
"""Younger receipts may still be under way."""
_LOOKED_BACK: Final = "2 hours"
"""A receipt is compared many times before it is older than this; the older ones were."""

_MISSING: Final = """
select count(*) from ingest.receipt r
where r.published and r.received_at > now() - $1::text::interval and r.received_at < now() - $2::text::interval
  and not exists (select from geofence.check_in c where c.check_in_id = r.id)
  and not exists (select from schedule.work_report w where w.report_id = r.id)
"""


async def tell_proofs(flow: Flow) -> None:
    """Look once."""
    found = await balance(flow.connection)
    metrics.BALANCE_DIFFERENCES.set(found.different)
    metrics.BALANCE_MONTHS.set(found.months)
    missing = await flow.connection.fetchval(_MISSING, _LOOKED_BACK, _SETTLED_FOR)
    # What waits in front of geofence or schedule is late, not lost. The ends are taken after the receipts were read.
    late = sum([await flow.behind(service, topics) for service, topics in CONSUMED[:2]]) if missing else 0
    metrics.MISSING.set(0 if late else missing)
