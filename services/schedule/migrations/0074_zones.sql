-- Time zones by date, as parallel arrays in order of date; empty where somebody never moved from one to another. `timezone` is the last.
alter table employee add column zone_since date[] not null default '{}';
alter table employee add column zone_name text[] not null default '{}' check (cardinality(zone_name) = cardinality(zone_since));

-- The zone of a business date, from these three columns: of the first change also before it.
create function zone_on(zone_since date[], zone_name text[], newest text, date date) returns text
language sql immutable parallel safe as $$
    select coalesce(
        (select held.name from unnest(zone_since, zone_name) as held (since, name) where held.since <= date order by held.since desc limit 1),
        zone_name[1], newest)
$$;
