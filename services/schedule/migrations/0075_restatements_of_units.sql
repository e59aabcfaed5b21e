-- A mass change concerns a set of units (null: everybody), so that what holds for a unit and all below it is one change and not thousands.
-- Rows of the former version name one unit, and that version takes a row without one for everybody: it looks at too many, never at too few.
alter table restatement add column org_unit_ids uuid[];
