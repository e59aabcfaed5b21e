"""Schedule: decides what an employee owed on a business date, what came of it, and what is a violation.

Consumes: topics.CHECK_IN_LOCATED, topics.WORK_REPORT_SUBMITTED, topics.INGEST_AVAILABILITY
Produces: topics.DAY_ASSESSED, topics.VIOLATION, topics.DISCIPLINE, topics.CORRECTION, topics.EMPLOYEE, topics.ORG_UNIT,
          topics.POLICY, topics.ROSTER, topics.CALENDAR, topics.WEEK_PATTERN, topics.SCHEME
Owns:     Postgres schema `schedule` (reference data, marks, corrections, assessed days, violations, due days, clocks)
Decides:  rules.assess, rules.diff_violations, rules.duty_on
"""
