"""The errors that are told to a person as they stand: a sentence that says what is wrong and what to do."""


class Refusal(Exception):
    """Something must not start or go on; the text says why and what to do. Commands print it and exit with 1."""


class Refused(Refusal, ValueError):
    """A command of an officer that would break what others rely on; the text is Indonesian. Over HTTP it is 422 `refused`."""
