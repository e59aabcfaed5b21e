"""Ingest: accepts check-ins and work reports over HTTP and answers only after Kafka has them.

Consumes: topics.EMPLOYEE
Produces: topics.CHECK_IN_RECORDED, topics.WORK_REPORT_SUBMITTED, topics.INGEST_AVAILABILITY
Owns:     Postgres schema `ingest` (receipts, employees as far as admission needs them)
Decides:  rules.admission
"""
