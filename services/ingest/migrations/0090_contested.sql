-- Another statement came under this id, and the audit topic was told so: that happens once for an id, in the same transaction.

alter table receipt add column if not exists contested boolean;  -- null as long as none came: nothing is rewritten
