"""Monitor: looks at the whole house from outside and tells Prometheus what no service can tell of itself.

Reads every schema through the role `hadir_audit` and the ends of the topics; writes nothing, decides nothing. One
process is enough; queries take `max` over processes, so that two during a rollout count once.
"""
