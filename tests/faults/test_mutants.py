"""Each guarantee switched off in a real service is found out by what it breaks in the whole house, under the fault it is there for."""

import os
import time
from pathlib import Path

import pytest

from tests.faults.mutants import MUTANTS, PROVINCE, STRIKES, Mutant, chosen, low_cap
from tests.faults.rested import Rested, parts, rested
from tests.faults.striking import Unstruck

ONLY = os.environ.get("HADIR_MUTANTS", "")
"""Names of mutants, if not all are to be tried; then the house with every guarantee on is not tried either."""

TRIES = 3


@pytest.mark.timeout(900)
async def test_a_house_without_one_of_its_guarantees_is_found_out_and_with_all_of_them_nothing_is_found(tmp_path: Path) -> None:
    tried = chosen(ONLY)
    with low_cap():
        async with rested(PROVINCE, keep=tmp_path) as house:
            if tried == MUTANTS:
                began = time.monotonic()
                assert await said_of(house, None) == {}
                print(f"every guarantee on: every invariant holds after all {len(STRIKES)} faults ({time.monotonic() - began:.0f} s)")
            unseen = {}
            for mutant in tried:
                began = time.monotonic()
                wrong = await said_of(house, mutant)
                found = next((sentence for sentence in wrong.get(mutant.invariant, ()) if mutant.said in sentence), None)
                print(f"{mutant.name} ({mutant.of}): {mutant.invariant} {found}; in all {sorted(wrong)} ({time.monotonic() - began:.0f} s)")
                if found is None:
                    unseen[mutant.name] = wrong
            assert unseen == {}


async def said_of(house: Rested, mutant: Mutant | None) -> dict[str, list[str]]:
    """What the invariants say after the mutant's fault, or without one after all the faults."""
    strikes = [mutant.strike] if mutant else STRIKES
    for _ in range(TRIES):
        async with house.life(*((mutant.name, mutant.of) if mutant else ())) as life:
            try:
                for strike, part in zip(strikes, parts(PROVINCE, len(strikes)), strict=True):
                    await strike(life, part)
            except Unstruck as reason:
                print(reason)
            else:
                return await life.verdict()
    raise AssertionError(f"{mutant} could not be struck {TRIES} times")
