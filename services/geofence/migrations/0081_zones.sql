-- Time zones of whoever moved from one to another: from which instant on (local midnight there) which one holds; else empty.
alter table employee add column zone_at timestamptz[] not null default '{}';
alter table employee add column zone_name text[] not null default '{}';
