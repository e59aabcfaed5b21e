"""Replay: rebuilds a deployment from its topics in an empty database, and proves that both hold the same.

The rebuild gives each service the reference data that it once published (`restoring`), reads the check-ins and work
reports of the topics (`source`), and lets the services' own code do the rest (`rebuilding`): there is no second set of
rules. What a service tells the next one is read from its outbox in the new database; nothing is published. Then both
databases are read down to hashes of what they say about days, violations and money (`digest`).
"""
