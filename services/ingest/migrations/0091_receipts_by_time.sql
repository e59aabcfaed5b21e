-- Old receipts are looked for by their time. Once receipts are deleted new ones fill their pages, and a BRIN index then takes every page
-- for an old one. Writing waits while this is built: where there are many receipts, build it before the upgrade, beside the check-ins, by
--   create index concurrently receipt_by_time on ingest.receipt (received_at);
create index if not exists receipt_by_time on receipt (received_at);
drop index if exists receipt_by_age;  -- the version before asks by time, whichever index there is
