-- Imports of sites that have not gone through all lanes yet: whom and when they concern, as parallel arrays (null is open).
create table reached (
    changed       bigint primary key,
    unit_ids      uuid[] not null,
    unit_from     timestamptz[] not null,
    unit_to       timestamptz[] not null,
    employee_ids  uuid[] not null,
    employee_from timestamptz[] not null,
    employee_to   timestamptz[] not null,
    all_from      timestamptz[] not null,
    all_to        timestamptz[] not null
);

-- As far as whom their check-ins are due already. `parts_left` of the 256 that ids fall into by their first byte tells that it goes on.
create table reached_lane (
    changed        bigint not null references reached on delete cascade,
    lane           smallint not null,
    after_employee uuid not null default '00000000-0000-0000-0000-000000000000',
    parts_left     int not null generated always as (256 - get_byte(uuid_send(after_employee), 0)) stored,
    primary key (lane, changed)
);
