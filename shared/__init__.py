"""What every service must agree on and none decides: events, topics, the policy model, the runtime.

Nothing in here holds a threshold, a tariff, a service's SQL, or the name of a service in a condition.
"""
