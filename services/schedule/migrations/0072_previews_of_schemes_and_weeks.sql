-- WFO/WFA schemes, and weeks in force for a unit or for everybody, can be previewed as well (hadir preview scheme | weeks-in-force).
alter table preview drop constraint preview_kind_check;
alter table preview add constraint preview_kind_check
    check (kind in ('policy', 'calendar', 'roster', 'sites', 'employees', 'scheme', 'weeks'));
alter table preview_order drop constraint preview_order_kind_check;
alter table preview_order add constraint preview_order_kind_check
    check (kind in ('policy', 'calendar', 'roster', 'sites', 'org-units', 'employees', 'scheme', 'weeks-in-force'));
