"""How every HTTP API of Hadir is made: one app factory, problems, actors, pages, and commands that are safe to repeat.

Pure pieces (`shared.faults`, `shared.roles`) stand outside. `docs/api.md` tells how to add a router.
"""
