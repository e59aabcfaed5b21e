-- How a month goes from OPEN over REVIEW and its signatures to SIGNED and PAID: every step by whom, in which role, why, over
-- which figures (SHA-256 of them all). The last step of a month and clock is where it stands; a month without a step is OPEN.
create table month_step (
    month      text   not null check (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    clock      text   not null,
    number     int    not null check (number >= 1),
    command_id uuid   not null unique,
    action     text   not null check (action in ('review', 'return', 'sign', 'close', 'pay')),
    state      text   not null check (state in ('OPEN', 'REVIEW', 'SIGNED', 'PAID')),
    level      int    check (level >= 1),
    actor      text   not null,
    role       text   not null,
    reason     text   not null,
    reference  text,
    people     int,
    rupiah     bigint,
    figures    text   check (figures ~ '^[0-9a-f]{64}$'),
    at         timestamptz not null,
    primary key (month, clock, number),
    check ((action = 'sign') = (level is not null)),
    check ((action = 'pay') = (reference is not null))
);

-- Months that were closed before there were steps.
insert into month_step (month, clock, number, command_id, action, state, actor, role, reason, at)
select month, clock, 1, gen_random_uuid(), 'close', 'SIGNED', 'operator', '', '', min(closed_at) from closed_month group by month, clock;

revoke update, delete, truncate on month_step from current_user;
create function refuse_step_change() returns trigger language plpgsql as
$$ begin raise exception 'steps of a month are append-only: return the month instead'; end $$;
create trigger append_only before update or delete or truncate on month_step
    for each statement execute function refuse_step_change();

-- Who signs a month, in order; no rows: one signature, of whatever role. Each level is signed by another person.
create table signing_level (
    level int  primary key check (level between 1 and 9),
    name  text not null,
    role  text not null
);
