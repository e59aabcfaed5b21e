"""Geofence: decides whether a check-in happened at a place where the employee may be on duty.

Consumes: topics.CHECK_IN_RECORDED, topics.EMPLOYEE, topics.ORG_UNIT
Produces: topics.CHECK_IN_LOCATED, topics.INTEGRITY_SUSPECTED, topics.SITE
Owns:     Postgres schema `geofence` (sites; check-ins with coordinates for as long as re-judging is promised)
Decides:  rules.locate, rules.integrity, rules.shapes, rules.sitefile
"""
