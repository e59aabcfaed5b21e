-- Corrections that people ask for: requests with their levels of approval, the trail of what was done, deputies, the
-- province's own approval rules; what ingest told of its minutes; and who decided a step of the ladder on what paper.

-- A request as it stands. Its fact, which the rules judge by, is the row of `fact` under the same id. `levels` are those
-- that held when it was made: a later change of the rules does not touch it.
create table correction_request (
    request_id     uuid primary key,
    kind           text not null,
    employee_id    uuid,
    org_unit_id    uuid,
    state          text not null check (state in ('requested', 'approved', 'rejected', 'withdrawn')),
    requester      text not null,
    levels         jsonb not null,
    barred         text[] not null default '{}',
    body           jsonb not null,
    from_date      date not null,
    until_date     date not null check (until_date >= from_date),
    due_by         date,
    late           boolean not null default false,
    requested_at   timestamptz not null,
    changed_at     timestamptz not null,
    check (employee_id is null or org_unit_id is null)
);
create index correction_request_of_employee on correction_request (employee_id, from_date) where employee_id is not null;
create index correction_request_waiting on correction_request (requested_at, request_id) where state = 'requested';

-- What was done with a request, by whom, in which role, for whom, why and on what paper. Nothing of it is ever changed.
create table correction_trail (
    request_id uuid not null references correction_request,
    number     integer not null check (number >= 1),
    action     text not null,
    level      text,
    actor      text not null,
    role       text not null,
    deputy_of  text,
    at         timestamptz not null,
    reason     text not null,
    document   jsonb,
    primary key (request_id, number)
);

create function refuse_trail_change() returns trigger language plpgsql as
$$ begin raise exception 'the trail is append-only'; end $$;
create trigger append_only before update or delete or truncate on correction_trail
    for each statement execute function refuse_trail_change();

-- Who stands in for an approver in a period. `units` null: wherever the role reaches.
create table deputy (
    deputy_id    uuid primary key,
    principal    text not null,
    deputy       text not null check (deputy <> principal),
    role         text not null,
    units        uuid[],
    since        date not null,
    until        date not null check (until >= since),
    reason       text not null,
    appointed_by text not null,
    appointed_at timestamptz not null,
    ended_at     timestamptz
);
create index deputy_by_name on deputy (deputy, until);

-- The province's approval rules; the newest counts, none: those that are shipped (services/schedule/policies/approvals.yaml).
create table approval_rules (
    version integer primary key check (version >= 1),
    content jsonb not null,
    actor   text not null,
    reason  text not null,
    made_at timestamptz not null
);

-- What each process of ingest did in a minute; a minute that nobody told of is one in which ingest was down.
create table ingest_minute (
    minute      timestamptz not null,
    instance    uuid not null,
    accepted    integer not null,
    refused     integer not null,
    unavailable integer not null,
    primary key (minute, instance)
);

-- Who decided a step, or took it back. `by_person`: a person's word stands, whatever the days say later.
alter table discipline_step
    add column by_person      boolean not null default false,
    add column actor          text,
    add column decided_at     timestamptz,
    add column document       jsonb,
    add column effective_from text,
    add column cut_percent    text,
    add column cut_months     integer,
    add column reason         text;
