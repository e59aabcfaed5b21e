"""What `hadir run` and the tests start on one machine: a real Kafka, a real PostgreSQL, the services.

Owns processes, ports and folders; decides nothing about attendance.
"""
