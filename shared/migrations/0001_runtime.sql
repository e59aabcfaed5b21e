-- Tables that the streaming runtime keeps in every service's schema (search_path is set by the applier).
-- `:lanes` is replaced by the number of lanes (shared.topics.LANES).

-- Whoever writes facts of an employee first locks the row of that employee's lane. out_seq numbers what the lane
-- publishes; it moves under the lock, so the order of the sequence is the order of the commits.
create table if not exists lane (
    lane    int primary key,
    out_seq bigint not null default 0
);
insert into lane (lane) select generate_series(0, :lanes - 1) on conflict do nothing;

-- Where the service stands in what it consumes. Moves in the transaction that writes the results, and only there.
-- Claiming a partition raises the epoch: an owner with an older one is fenced.
create table if not exists position (
    topic       text   not null,
    lane        int    not null,
    epoch       bigint not null default 0,
    next_offset bigint not null default 0,
    primary key (topic, lane)
) with (fillfactor = 50);

-- What is to be published, append-only; a day's partition is dropped once all of it is sent and it is days old.
create table if not exists outbox (
    lane      int    not null,
    seq       bigint not null,
    topic     text   not null,
    partition int    not null,
    key       bytea,
    headers   jsonb  not null,
    value     bytea  not null,
    made_on   date   not null default current_date,
    primary key (lane, seq, made_on)
) partition by range (made_on);

create table if not exists relay_cursor (
    lane     int primary key,
    sent_seq bigint not null default 0
);
insert into relay_cursor (lane) select generate_series(0, :lanes - 1) on conflict do nothing;

-- Messages that nobody could process, with their bytes as they came.
create table if not exists dead_letter (
    topic     text   not null,
    partition int    not null,
    "offset"  bigint not null,
    reason    text   not null,
    detail    text   not null,
    key       bytea,
    value     bytea,
    buried_at timestamptz not null default clock_timestamp(),
    primary key (topic, partition, "offset")
);
create index if not exists dead_letter_by_time on dead_letter (buried_at);

-- Offsets [first_offset, next_offset) that the broker no longer had when the service came to them: an alarm.
create table if not exists gap (
    topic        text   not null,
    partition    int    not null,
    first_offset bigint not null,
    next_offset  bigint not null,
    found_at     timestamptz not null default clock_timestamp(),
    primary key (topic, partition, first_offset)
);

-- How far the reference loader has read each compacted topic.
create table if not exists reference_position (
    topic       text   not null,
    partition   int    not null,
    next_offset bigint not null,
    primary key (topic, partition)
);
