-- Org units know what they are (OPD, UPT), which unit they belong to and whether they work round the clock; people know their
-- job class (kelas jabatan), their last day of service and the NIPs that they had before (PPPK who became PNS).
alter table org_unit add column kind text check (kind in ('OPD', 'UPT'));
alter table org_unit add column parent_id uuid;
alter table org_unit add column round_the_clock boolean not null default false;
alter table employee add column job_class smallint check (job_class between 1 and 17);
alter table employee add column until date;
alter table employee add column former_nips text[] not null default '{}';
