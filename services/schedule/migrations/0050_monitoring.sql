-- The monitor looks at the newest dates of everybody; days are written in the order of their dates, so a few pages suffice.
create index assessment_by_date on assessment using brin (date) with (autosummarize = on);
create index violation_by_date on violation using brin (date) with (autosummarize = on);
