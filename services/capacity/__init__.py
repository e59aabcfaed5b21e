"""Capacity: measures what people cost in bytes on a running local stack, and reckons from a committed table what a deployment needs."""
