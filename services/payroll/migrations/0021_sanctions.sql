-- Cuts of the TPP that a person decided as discipline (hadir.discipline.v1), in their newest version; `withdrawn` ones cost
-- nothing any more, and stay so that their lines can be told.
create table sanction (
    employee_id    uuid not null,
    step           text not null,
    date           date not null,
    version        integer not null check (version > 0),
    first_month    text not null check (first_month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    last_month     text not null check (last_month >= first_month),
    percent        text not null,
    legal_source   text not null,
    document       jsonb,
    decided_by     text,
    withdrawn      boolean not null default false,
    primary key (employee_id, step, date)
);
