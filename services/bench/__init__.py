"""Bench: runs the measuring programs of tests/benchmarks one after the other and writes down what they reached.

Consumes: nothing; each program starts what it measures, on ports of its own, and stops it
Produces: docs/benchmarks.json, what was reached last, and docs/benchmarks.md, the same for people
Owns:     nothing
Decides:  record.Record.verdict: whether a target was reached, and whether the machine was quiet enough to say so
"""
