-- The monitor counts what waits for a decision: a few among all leaves and corrections ever made.
create index fact_waiting on fact (kind) where state = 'requested';
