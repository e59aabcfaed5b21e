-- Previews asked for over HTTP: played one after the other by the process that may read all schemas, and kept as previews.
-- content: the file as an import takes it; asked: what the import is told beside it. seen_at: when the player last said that
-- it is at work; an order of which nothing was heard for long is played anew.
create table preview_order (
    preview_id  uuid primary key,
    kind        text not null check (kind in ('policy', 'calendar', 'roster', 'sites', 'org-units')),
    content     text not null,
    asked       jsonb not null,
    first_date  date not null,
    last_date   date not null,
    actor       text not null,
    ordered_at  timestamptz not null,
    state       text not null default 'waiting' check (state in ('waiting', 'playing', 'done', 'failed')),
    seen_at     timestamptz,
    done        integer not null default 0,
    everybody   integer,
    problem     text
);
create index preview_order_open on preview_order (ordered_at) where state in ('waiting', 'playing');
create index preview_in_order on preview (made_at desc, preview_id);
