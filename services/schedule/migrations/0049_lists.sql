-- What the HTTP API lists in order of date.
create index fact_by_date on fact (from_date, correction_id);
