"""Geofence: decides whether a check-in happened at a place where the employee may be on duty.

Consumes: hadir.check-in.recorded.v1; as references hadir.employee.v1, hadir.org-unit.v1
Produces: hadir.check-in.located.v1, hadir.integrity.suspected.v1, hadir.site.v1,
          hadir.geofence.audit.v1, hadir.geofence.dead-letter.v1
Owns:     Postgres schema `geofence` (sites; check-ins with coordinates for as long as re-judging is promised)
Decides:  rules.locate, rules.integrity, rules.shapes, rules.sitefile
"""
