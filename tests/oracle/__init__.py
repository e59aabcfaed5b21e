"""The batch oracle: what a plain computation over all facts says, with nothing of the product in it.

Slow, simple, and written from the documents alone (domain.md, scenario-format.md): it takes plain dicts and
lists, knows nothing of streams, versions or arrival order, and imports no rule of the product. Whatever the
pipeline says after its last event must be what this says about the same facts, to the rupiah.
"""
