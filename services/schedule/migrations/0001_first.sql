-- Schema `schedule`: what was due (people, units, weeks, rosters, calendars, rule packs), what is known (marks, reports,
-- corrections), what was concluded (assessments, violations), and when to look again (due days, clocks).
-- The first migration, written when every statement was meant to run again and again.

create table if not exists org_unit (
    org_unit_id    uuid primary key,
    version        integer not null check (version > 0),
    code           text not null unique,
    name           text not null,
    timezone       text not null,
    calendar       text not null,
    public_service boolean not null
);

-- hours: {"mon": ["07:30", "16:00"], ...}; a weekday that is not listed is OFF.
create table if not exists week_pattern (
    code    text primary key,
    version integer not null check (version > 0),
    name    text not null,
    hours   jsonb not null,
    source  text not null
);

-- Memberships and week assignments as parallel arrays in order of date: an assessment reads one row per person.
create table if not exists employee (
    employee_id  uuid primary key,
    lane         smallint not null,
    version      integer not null check (version > 0),
    nip          text not null check (nip ~ '^[0-9]{18}$'),
    name         text not null,
    kind         text not null,
    grp          text not null,
    timezone     text not null,
    active       boolean not null,
    played_clock text not null default '',
    member_since date[] not null check (cardinality(member_since) > 0),
    member_unit  uuid[] not null check (cardinality(member_unit) = cardinality(member_since)),
    week_since   date[] not null,
    week_code    text[] not null check (cardinality(week_code) = cardinality(week_since))
);
create index if not exists employee_by_lane on employee (lane, employee_id);
create index if not exists employee_by_unit on employee using gin (member_unit);

-- Several NIPs may belong to one person (PPPK who became PNS).
create table if not exists nip (
    nip         text primary key,
    employee_id uuid not null references employee on delete cascade
);

create table if not exists roster (
    employee_id uuid not null,
    month       date not null check (extract(day from month) = 1),
    version     integer not null check (version > 0),
    days        jsonb not null,
    primary key (employee_id, month)
);

create table if not exists calendar (
    calendar text not null,
    year     integer not null,
    version  integer not null check (version > 0),
    days     jsonb not null,
    primary key (calendar, year)
);

-- policy_id is derived from the content: content under an id never changes.
create table if not exists policy (
    policy_id uuid primary key,
    version   integer not null check (version > 0),
    name      text not null,
    content   jsonb not null
);

create table if not exists policy_in_force (
    policy_id   uuid not null references policy,
    org_unit_id uuid,
    since       date not null,
    unique nulls not distinct (org_unit_id, since)
);

-- One row, counted up by whatever changes units, weeks, calendars or rule packs: processes compare it with what they remember.
create table if not exists reference_state (
    one     boolean primary key default true check (one),
    changes bigint not null
);
insert into reference_state (changes) values (0) on conflict do nothing;

-- The newest judgement of each check-in.
create table if not exists mark (
    check_in_id   uuid primary key,
    employee_id   uuid not null,
    version       integer not null check (version > 0),
    mark          text not null,
    captured_at   timestamptz not null,
    received_at   timestamptz not null,
    site          text not null,
    region        text not null,
    activity_site boolean not null,
    quality       text not null,
    mock          boolean not null,
    evidence      boolean not null,
    reason_given  boolean not null
);
create index if not exists mark_by_time on mark (employee_id, captured_at);

create table if not exists work_report (
    report_id   uuid primary key,
    employee_id uuid not null,
    work_date   date not null,
    submitted_at timestamptz not null
);
create index if not exists work_report_by_day on work_report (employee_id, work_date);

-- Corrections in their newest version: about one employee, one unit, or (both null) everybody.
create table if not exists fact (
    correction_id uuid primary key,
    version       integer not null check (version > 0),
    kind          text not null,
    state         text not null check (state in ('requested', 'approved', 'rejected')),
    employee_id   uuid,
    org_unit_id   uuid,
    from_date     date not null,
    until_date    date not null check (until_date >= from_date),
    actor         text not null,
    decided_at    timestamptz not null,
    body          jsonb not null,
    check (employee_id is null or org_unit_id is null)
);
create index if not exists fact_of_employee on fact (employee_id, until_date) where employee_id is not null;
create index if not exists fact_of_many on fact (until_date) where employee_id is null;

-- The current version of each day; earlier ones are on hadir.day.assessed.v1.
create table if not exists assessment (
    employee_id uuid not null,
    date        date not null,
    version     integer not null check (version > 0),
    state       text not null,
    status      text not null,
    content     jsonb not null,
    primary key (employee_id, date)
) with (fillfactor = 80);

create table if not exists violation (
    violation_id       uuid primary key,
    employee_id        uuid not null,
    date               date not null,
    version            integer not null check (version > 0),
    action             text not null check (action in ('raised', 'retracted')),
    kind               text not null,
    code               text not null,
    minutes            integer,
    assessment_version integer not null
);
create index if not exists violation_by_day on violation (employee_id, date);

-- Steps of the discipline ladder as last told; a step is proposed and withdrawn, only a person decides it.
create table if not exists discipline_step (
    employee_id    uuid not null,
    step           text not null,
    date           date not null,
    version        integer not null check (version > 0),
    action         text not null check (action in ('proposed', 'withdrawn', 'decided')),
    unexcused_days integer not null,
    legal_source   text not null,
    primary key (employee_id, step, date)
);

-- Clocks moved by hand, for invented employees only; the real clock has no row and the name ''.
create table if not exists clock (
    name text primary key check (name <> ''),
    at   timestamptz not null
);

-- When a day must be looked at again. due_at = 'epoch' means at once. priority: see store/due.py.
create table if not exists due_day (
    employee_id    uuid not null,
    date           date not null,
    lane           smallint not null,
    clock          text not null,
    priority       smallint not null,
    due_at         timestamptz not null,
    cause_id       uuid,
    correlation_id uuid,
    primary key (employee_id, date)
) with (fillfactor = 80);
create index if not exists due_day_real on due_day (lane, priority, due_at) where clock = '';
create index if not exists due_day_played on due_day (clock, due_at) where clock <> '';

-- Up to which date the days of an employee have been opened, and from which.
create table if not exists opening (
    employee_id  uuid primary key,
    lane         smallint not null,
    clock        text not null,
    timezone     text not null,
    from_date    date not null,
    opened_until date not null
);
create index if not exists opening_by_date on opening (clock, timezone, lane, opened_until);

-- Changes that concern many people: spread over the lanes in pieces by a chore, so that nothing is lost in between.
create table if not exists restatement (
    restatement_id uuid primary key,
    org_unit_id    uuid,
    from_date      date not null,
    until_date     date not null,
    priority       smallint not null,
    cause_id       uuid,
    correlation_id uuid,
    made_at        timestamptz not null
);
create table if not exists restatement_lane (
    restatement_id uuid not null references restatement on delete cascade,
    lane           smallint not null,
    after_employee uuid not null default '00000000-0000-0000-0000-000000000000',
    primary key (lane, restatement_id)
);

insert into week_pattern (code, version, name, hours, source) values
    ('lima-hari', 1, 'Lima hari kerja',
     '{"mon": ["07:30", "16:00"], "tue": ["07:30", "16:00"], "wed": ["07:30", "16:00"], "thu": ["07:30", "16:00"], "fri": ["07:30", "16:30"]}',
     'Perpres 21/2023 Pasal 3 dan 4(1), 4(3), 4(5); Keppres 68/1995 Pasal 1(2)'),
    ('lima-hari-ramadan', 1, 'Lima hari kerja, bulan Ramadan',
     '{"mon": ["08:00", "15:00"], "tue": ["08:00", "15:00"], "wed": ["08:00", "15:00"], "thu": ["08:00", "15:00"], "fri": ["08:00", "15:30"]}',
     'Perpres 21/2023 Pasal 4(2), 4(4), 4(6); SE MenPANRB 6/2023'),
    ('enam-hari-ramadan', 1, 'Enam hari kerja, bulan Ramadan',
     '{"mon": ["08:00", "14:00"], "tue": ["08:00", "14:00"], "wed": ["08:00", "14:00"], "thu": ["08:00", "14:00"], "fri": ["08:00", "14:30"], "sat": ["08:00", "14:00"]}',
     'Perpres 21/2023 Pasal 4(2), 4(4), 4(6); SE MenPANRB 6/2023')
on conflict (code) do nothing;
