"""The Parquet sink: keeps every fact in files that a warehouse can read, each record exactly once by the file's name.

Consumes: fact topics (not compacted), by default those that are pseudonymous. Produces: nothing. Owns: its folder of files,
whose names are its position. Decides: nothing.
"""
