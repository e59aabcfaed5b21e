-- What ingest owns. Idempotency is decided by `receipt`; `employee` is what admission needs of hadir.employee.v1.

create table if not exists receipt (
    id          uuid primary key,                                   -- check_in_id or report_id, made by the client
    digest      bytea not null check (octet_length(digest) = 32),   -- SHA-256 of the normalised statement
    received_at timestamptz not null,                               -- of the first request; events repeat it
    published   boolean not null default false                      -- Kafka has acknowledged the event
) with (fillfactor = 80);  -- room on the page for the one update that sets `published`

create index if not exists receipt_by_age on receipt using brin (received_at);

create table if not exists employee (
    employee_id uuid primary key,
    version     bigint not null,
    active      boolean not null,
    played      boolean not null,   -- invented: its clock is moved by hand
    memberships jsonb not null      -- [[since, org_unit_id], ...]
);
