"""Reports for operators and officers: they read the schemas of all services through the read-only audit role, and write nothing.

What is decided here is decided by pure functions over gathered values (`closing`, `receipt`, `slip`); the rest gathers.
"""
