"""What a nemesis is given."""

import asyncio
import random
from dataclasses import dataclass

from tests.faults.house import House
from tests.faults.invariants import Poison


class Unstruck(Exception):
    """Nothing was struck, or nobody can tell: each nemesis proves what it did, and a strike without proof is not counted."""


@dataclass
class Strike:
    """What a nemesis needs: the house, chance, and where it writes down the poison that it placed."""

    house: House
    chance: random.Random
    poison: Poison

    async def pause(self, low: float, high: float) -> None:
        """A random while."""
        await asyncio.sleep(self.chance.uniform(low, high))
