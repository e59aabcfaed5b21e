-- To which org unit somebody belongs, by date, as parallel arrays in order of date: who closes a month is told unit by unit who has no
-- TPP ceiling. Known employees get theirs by reading the topic again, which changes nothing else.
alter table employee add column member_since date[] not null default '{}';
alter table employee add column member_unit uuid[] not null default '{}' check (cardinality(member_unit) = cardinality(member_since));
delete from reference_position where topic = 'hadir.employee.v1';

-- How many people had no ceiling when the step was taken although whoever took it had been told; null where nobody had to be.
alter table month_step add column uncovered int check (uncovered > 0);
