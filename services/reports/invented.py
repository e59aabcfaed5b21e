"""Who is invented, and so left out of money: everybody who lives by a clock that is moved by hand.

`played_clock` of an employee is that mark: it is on hadir.employee.v1, in every schema that keeps people, and real
people have none. Canaries are the invented people who live beside real ones in production; besides, they have no TPP
ceiling, so that nothing of theirs ever is a rupiah.
"""

from typing import Final

REAL: Final = ""
"""The clock of everybody real, as the schemas keep it."""

CANARY_CLOCKS: Final = "kenari-"
"""What the names of the canaries' clocks begin with."""
