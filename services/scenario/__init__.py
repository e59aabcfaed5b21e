"""Scenarios: stories of arrivals and what must come of them, run through the pure rules or the live pipeline."""
