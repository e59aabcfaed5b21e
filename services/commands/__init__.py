"""The verbs of `hadir`: each module is one family of commands, gathers, calls the code that decides, and prints.

Heavy imports stand inside the functions, so that `hadir --help` answers at once.
"""
