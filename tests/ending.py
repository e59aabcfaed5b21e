"""Being told to end: as by Ctrl-C, so that servers, houses and mounted disks are taken down in order."""

import signal


def end_in_order() -> None:
    """From now on SIGTERM interrupts this program as Ctrl-C does, once.

    `timeout` and make both send it, and the second would break into the tidying.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts us in the background has it ignored
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.raise_signal(signal.SIGINT)
