-- Schema `geofence`: where people may check in, the check-ins as judged, and which of them must be judged again.

-- Offices, activity sites and regions. `code` is the officers' name of a site and never changes hands.
-- `changed` numbers the imports that changed a row, so that a worker loads only what is new to it.
create table if not exists site (
    site_id        uuid primary key,
    code           text not null unique,
    version        int not null,
    changed        bigint not null,
    name           text not null,
    kind           text not null check (kind in ('office', 'activity', 'region')),
    geometry       text not null,
    radius_m       double precision,
    org_unit_ids   uuid[] not null,
    employee_ids   uuid[] not null,
    valid_from     timestamptz,
    valid_to       timestamptz,
    letter         text,
    accuracy_cap_m double precision,
    max_accuracy_m double precision,
    outside_factor double precision
);
create index if not exists site_by_change on site (changed);

-- Copies of reference topics: no more of a person than judging needs. The NIP serves attendee lists of letters.
-- `since_at` is local midnight of each membership's first day in the employee's zone, ascending.
create table if not exists employee (
    employee_id  uuid primary key,
    lane         smallint not null,
    version      int not null,
    nip          text not null,
    timezone     text not null,
    since_at     timestamptz[] not null,
    org_unit_ids uuid[] not null
);
create index if not exists employee_by_nip on employee (nip);

-- Who ever belonged to an org unit: whom a change of its sites concerns.
create table if not exists member (
    org_unit_id uuid not null,
    employee_id uuid not null,
    primary key (org_unit_id, employee_id)
);
create index if not exists member_by_employee on member (employee_id);

create table if not exists org_unit (
    org_unit_id uuid primary key,
    version     int not null,
    code        text not null,
    timezone    text not null
);
create index if not exists org_unit_by_code on org_unit (code);

-- Inbox and newest verdict of every check-in. Coordinates are erased when the promise to judge again ends; the row
-- and its digest stay, so that a late duplicate is still known.
create table if not exists check_in (
    check_in_id     uuid primary key,
    employee_id     uuid not null,
    lane            smallint not null,
    digest          bytea not null,
    event_id        uuid not null,
    correlation_id  uuid not null,
    mark            text not null,
    captured_at     timestamptz not null,
    received_at     timestamptz not null,
    latitude        double precision,
    longitude       double precision,
    accuracy_m      double precision,
    mock            boolean not null,
    evidence        boolean not null,
    reason_given    boolean not null,
    version         int not null,
    site            text not null,
    site_id         uuid,
    site_distance_m bigint,
    activity_site   boolean not null,
    region          text not null,
    region_id       uuid,
    quality         text not null
);
create index if not exists check_in_by_employee on check_in (employee_id, captured_at);
create index if not exists check_in_to_erase on check_in (received_at) where latitude is not null;

-- Check-ins whose sites or memberships changed since they were judged.
create table if not exists due_check_in (
    lane        smallint not null,
    check_in_id uuid not null,
    primary key (lane, check_in_id)
);

-- Newest mark of each person, for signs of spoofing; erased with the coordinates.
create table if not exists trace (
    employee_id uuid primary key,
    captured_at timestamptz not null,
    latitude    double precision not null,
    longitude   double precision not null,
    accuracy_m  double precision,
    day         date not null,
    frozen_days int not null
);

create table if not exists device_use (
    day         date not null,
    device_id   text not null,
    employee_id uuid not null,
    primary key (day, device_id, employee_id)
);

-- Suspicions already told, so that none is told twice.
create table if not exists suspicion (
    suspicion_id uuid primary key,
    employee_id  uuid not null,
    check_in_id  uuid not null,
    signal       text not null,
    seen_at      timestamptz not null
);
create index if not exists suspicion_by_employee on suspicion (employee_id);
