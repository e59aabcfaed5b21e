-- Rule packs that a worker waits for: days were judged under them, and their content has not arrived. Nobody is charged
-- or spared meanwhile; the row goes when the pack comes.
create table waiting_pack (
    policy_id uuid primary key,
    since     timestamptz not null default clock_timestamp(),
    seen_at   timestamptz not null
);
