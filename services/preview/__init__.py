"""What a change would do to people: it is played over the last days by the same rules, before it comes into force.

Reads the schemas of schedule, payroll and geofence through the audit role and writes nothing; recording a result is
schedule's command.
"""
