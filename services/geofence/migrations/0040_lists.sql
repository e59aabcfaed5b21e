-- What the HTTP API lists in order of time.
create index suspicion_by_time on suspicion (seen_at, suspicion_id);
