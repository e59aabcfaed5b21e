"""Imports of reference data from officers' files: all row errors at once, a preview of the differences, nothing half-applied."""
