"""The contract with other systems: what they may rely on, made from `shared/topics.py` and `shared/events/`.

Decides: whether a change of an event or a topic would break who built on an earlier release.
Owns: `deploy/contract` (AsyncAPI, JSON Schemas, releases) and the page `docs/topics.md`; no topic, no table.
"""
