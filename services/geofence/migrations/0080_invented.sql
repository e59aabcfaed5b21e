-- The clock by which somebody lives: empty for everybody real. Lists for those who decide leave out whom nobody pays.
alter table employee add column played_clock text not null default '';
