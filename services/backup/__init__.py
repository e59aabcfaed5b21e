"""Backup: takes a dump that says what it holds, proves that it can be restored, and makes a restored database fit its topics.

A dump and what is said of it are of one snapshot (`dump`, `figures`), so both are taken while everything runs. A database
of an earlier moment stands before topics that know more than it does: `realigning` says what must happen then.
"""
