"""How `hadir run` takes the signals that end it."""

import contextlib
import signal

import pytest

from services.commands.run import _ends_on_signal

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("first", ENDING)
@pytest.mark.parametrize("second", ENDING)
def test_the_first_signal_interrupts_a_run_and_the_next_does_not_interrupt_what_ends_it(
    first: signal.Signals, second: signal.Signals
) -> None:
    before = {signum: signal.getsignal(signum) for signum in ENDING}
    with _ends_on_signal() as ended_by:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(first)
            pytest.fail("It went on.")
        signal.raise_signal(second)
    assert ended_by == [first, second]
    assert {signum: signal.getsignal(signum) for signum in ENDING} == before
