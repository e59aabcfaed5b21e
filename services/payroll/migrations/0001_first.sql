-- What payroll owns: the first migration, written when every statement was meant to run again and again.

-- One row per employee-month: what is told of it, and in `facts` the priced days, the ledger lines in force and what
-- closed months owe here, compactly, so that one event reads and writes one row. The indexed columns never change but
-- for `closed`, so that an update stays on its page.
create table if not exists month (
    employee_id   uuid    not null,
    month         text    not null check (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    lane          int     not null,
    version       int     not null,
    closed        boolean not null,
    raw_percent   text    not null,
    percent       text    not null,
    amount        bigint,
    supplementary bigint  not null,
    ceiling       bigint,
    days_assessed int     not null,
    days_final    int     not null,
    entries       int     not null,
    streak_after  int     not null,
    facts         json    not null,
    primary key (employee_id, month)
) with (fillfactor = 75);
create index if not exists month_open on month (lane, month) where not closed;

-- The ledger of deductions. An entry is made once and stays: a mistake is taken back by a reversal.
create table if not exists ledger (
    employee_id   uuid   not null,
    month         text   not null,
    number        int    not null check (number >= 1),
    entry_id      uuid   not null,
    date          date,
    code          text   not null,
    origin        text,
    action        text   not null check (action in ('posted', 'reversed')),
    percent       text   not null,
    amount        bigint not null,
    month_version int    not null,
    reverses      int    check (reverses < number),
    policy_id     uuid,
    cause         uuid,
    entered_at    timestamptz not null default clock_timestamp(),
    primary key (employee_id, month, number),
    check ((action = 'reversed') = (reverses is not null))
);
-- `correlation`: the check-in or command with which it all began. `row_hash`: the hash chain of the employee-month, see
-- rules/chain.py. Both are null in entries of databases that are older than they.
alter table ledger add column if not exists correlation uuid;
alter table ledger add column if not exists row_hash text check (row_hash ~ '^[0-9a-f]{64}$');
revoke update, delete, truncate on ledger from current_user;

create or replace function refuse_ledger_change() returns trigger language plpgsql as
$$ begin raise exception 'the ledger is append-only: post a reversal instead'; end $$;

do $$ begin
    if not exists (select from pg_trigger where tgrelid = 'ledger'::regclass and tgname = 'append_only') then
        create trigger append_only before update or delete or truncate on ledger
            for each statement execute function refuse_ledger_change();
    end if;
end $$;

-- TPP ceilings in force, and those accepted by an import but not yet applied to their months.
create table if not exists ceiling (
    employee_id uuid   not null,
    month       text   not null,
    version     int    not null,
    amount      bigint not null check (amount >= 0),
    static_tkd  bigint check (static_tkd >= 0),
    primary key (employee_id, month)
);
create table if not exists due_ceiling (
    lane        int    not null,
    employee_id uuid   not null,
    month       text   not null,
    amount      bigint not null,
    static_tkd  bigint,
    primary key (employee_id, month)
);
create index if not exists due_ceiling_by_lane on due_ceiling (lane);

-- Closed months, lane by lane, for the people who live by a clock ('': real time); the rows of such a month are frozen
-- as they then stood, whenever they are next touched.
create table if not exists closed_month (
    month     text not null check (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    clock     text not null,
    lane      int  not null,
    closed_at timestamptz not null default clock_timestamp(),
    frozen    boolean not null default false,
    primary key (lane, month, clock)
);

-- Reference data as published by schedule.
create table if not exists policy (
    policy_id uuid  primary key,
    version   int   not null,
    name      text  not null,
    content   jsonb not null
);
create table if not exists employee (
    employee_id  uuid primary key,
    version      int  not null,
    nip          text,
    played_clock text not null
);
create index if not exists employee_by_nip on employee (nip);
