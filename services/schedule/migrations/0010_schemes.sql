-- WFO/WFA schemes as they are published, and each org unit's roster of a month on its way from draft to publication.

-- scheme_id is derived from the content: content under an id never changes.
create table scheme (
    scheme_id uuid primary key,
    version   integer not null check (version > 0),
    name      text not null,
    content   jsonb not null
);

create table scheme_in_force (
    scheme_id    uuid not null references scheme,
    org_unit_id  uuid,
    since        date not null,
    until        date check (until >= since),
    legal_source text not null,
    unique nulls not distinct (org_unit_id, since)
);

-- One roster of an org unit and month; every step counts its version up, and names the version that it was based on.
create table roster_plan (
    plan_id     uuid primary key,
    org_unit_id uuid not null,
    month       date not null check (extract(day from month) = 1),
    version     integer not null check (version > 0),
    state       text not null check (state in ('draft', 'submitted', 'approved', 'published')),
    unique (org_unit_id, month)
);

-- What the roster asks for: days of one person, in full; days that are not listed follow the week pattern.
create table roster_plan_days (
    plan_id     uuid not null references roster_plan,
    employee_id uuid not null,
    days        jsonb not null,
    primary key (plan_id, employee_id)
);

-- Who did what to a roster, with which reason; never changed.
create table roster_plan_step (
    plan_id uuid not null references roster_plan,
    version integer not null,
    action  text not null,
    state   text not null,
    actor   text not null,
    role    text not null,
    reason  text not null,
    at      timestamptz not null,
    detail  jsonb not null,
    primary key (plan_id, version)
);
