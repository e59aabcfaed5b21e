-- Kind, group and job class by date, as parallel arrays in order of date; empty where they never changed, which is everybody
-- who was known before there were dates.
alter table employee add column rank_since date[] not null default '{}';
alter table employee add column rank_kind text[] not null default '{}' check (cardinality(rank_kind) = cardinality(rank_since));
alter table employee add column rank_grp text[] not null default '{}' check (cardinality(rank_grp) = cardinality(rank_since));
alter table employee add column rank_class smallint[] not null default '{}' check (cardinality(rank_class) = cardinality(rank_since));
