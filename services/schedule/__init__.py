"""Schedule: decides what an employee owed on a business date, what came of it, and what is a violation.

Consumes: hadir.check-in.located.v1, hadir.work-report.submitted.v1
Produces: hadir.day.assessed.v1, hadir.violation.v1, hadir.correction.v1, hadir.employee.v1, hadir.org-unit.v1,
          hadir.policy.v1, hadir.roster.v1, hadir.calendar.v1, hadir.schedule.audit.v1, hadir.schedule.dead-letter.v1
Owns:     Postgres schema `schedule` (reference data, marks, corrections, assessed days, violations, due days, clocks)
Decides:  rules.assess, rules.diff_violations, rules.duty_on
"""
