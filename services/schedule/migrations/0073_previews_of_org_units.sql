-- A preview of org units is told apart from one of a calendar: it may also be of the units above them.
alter table preview drop constraint preview_kind_check;
alter table preview add constraint preview_kind_check
    check (kind in ('policy', 'calendar', 'roster', 'sites', 'org-units', 'employees', 'scheme', 'weeks'));
