"""All SQL of the schedule service: reference rows, inputs of days, days with their violations, due days.

Functions take a connection inside a transaction of their caller; none commits. JSON goes in and out as text, so that
no codec of the connection matters.
"""
