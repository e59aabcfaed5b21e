-- Commands that came over HTTP, by the key that their sender gave them: the same key again gets the same answer.
-- The row is written in the transaction that carries the command out; the answer follows when it is known.
create table command (
    actor   text        not null,
    key     text        not null,
    digest  bytea       not null,  -- SHA-256 of verb, address and body
    status  smallint,
    answer  bytea,
    made_at timestamptz not null default clock_timestamp(),
    primary key (actor, key)
);
create index command_by_age on command (made_at);
