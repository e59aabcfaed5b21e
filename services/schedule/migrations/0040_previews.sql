-- Previews of changes: what a change would do to people, as it was shown to whoever asked; kept for ever.
-- digest: SHA-256 of the change. found: the whole result as the command printed it.
create table preview (
    preview_id     uuid primary key,
    kind           text not null check (kind in ('policy', 'calendar', 'roster', 'sites')),
    digest         text not null check (digest ~ '^[0-9a-f]{64}$'),
    title          text not null,
    actor          text not null,
    made_at        timestamptz not null,
    first_date     date not null,
    last_date      date not null,
    whole          boolean not null,  -- false: narrowed to some units, so that it answers for no change as a whole
    people_changed integer not null,
    rupiah_more    bigint not null,
    rupiah_less    bigint not null,
    found          jsonb not null
);
create index preview_of_change on preview (digest, made_at);

-- Who said yes to a change beside the one who previewed it and the one who puts it in force.
create table preview_approval (
    preview_id uuid not null references preview,
    actor      text not null,
    reason     text not null check (reason <> ''),
    at         timestamptz not null,
    primary key (preview_id, actor)
);

-- Up to free_people employees a change needs no preview; a preview that changes more than people employees or moves more
-- than rupiah needs a second approver; a preview counts for valid_days days. Defaults of ours; no regulation names any.
create table preview_limit (
    one         boolean primary key default true check (one),
    free_people integer not null check (free_people >= 0),
    people      integer not null check (people >= 0),
    rupiah      bigint not null check (rupiah >= 0),
    valid_days  integer not null check (valid_days between 1 and 90)
);
insert into preview_limit (free_people, people, rupiah, valid_days) values (100, 500, 50000000, 7);
