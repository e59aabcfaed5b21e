-- Changes of people can be previewed as well: units, weeks, zones, kinds and ends of service (hadir preview employees).
alter table preview drop constraint preview_kind_check;
alter table preview add constraint preview_kind_check check (kind in ('policy', 'calendar', 'roster', 'sites', 'employees'));
alter table preview_order drop constraint preview_order_kind_check;
alter table preview_order add constraint preview_order_kind_check
    check (kind in ('policy', 'calendar', 'roster', 'sites', 'org-units', 'employees'));
