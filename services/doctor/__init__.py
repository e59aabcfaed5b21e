"""Doctor: looks at everything that a stranger would forget before it hurts somebody's pay, and says what to do about each.

It reads only. Each check is a function that yields findings; what it needs of the world it is given (`checks`).
"""
