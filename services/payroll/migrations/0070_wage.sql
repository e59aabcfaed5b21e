-- The month's wage beside the TPP ceiling, for whom a rule pack charges a percent of it (PPPK paruh waktu), and what is taken from it.
alter table ceiling add column wage bigint check (wage >= 0);
alter table due_ceiling add column wage bigint;
alter table month add column of_wage bigint not null default 0;
