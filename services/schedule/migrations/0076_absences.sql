-- The discipline ladder looks for a person's absences at each new one; they are few, and the days between them are not read.
create index assessment_absent on assessment (employee_id, date) where status = 'ABSENT';
