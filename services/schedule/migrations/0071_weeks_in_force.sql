-- Week patterns that hold for a unit, or (null) for everybody, in a period: Ramadan hours are one row, not one for each person.
create table week_in_force (
    week        text not null references week_pattern,
    org_unit_id uuid,
    since       date not null,
    until       date check (until >= since),
    unique nulls not distinct (org_unit_id, since)
);
