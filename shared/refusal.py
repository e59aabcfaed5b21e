"""The one kind of error that is told to a person as it stands: a sentence that says what is wrong and what to do."""


class Refusal(Exception):
    """Something must not start or go on; the text says why and what to do. Commands print it and exit with 1."""
