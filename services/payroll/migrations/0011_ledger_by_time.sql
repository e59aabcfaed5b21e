-- The monitor looks at the newest entries; the ledger is written in the order of time, so a few pages suffice.
create index ledger_by_time on ledger using brin (entered_at) with (autosummarize = on);
