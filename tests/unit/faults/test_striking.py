"""Faults strike what their names say: the poison is bad for the reason that it is placed for, and the controller is the one that leads."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.envelope import decode
from shared.failures import Poison
from shared.topics import Topic
from tests.faults.servers import leader_of
from tests.faults.struck_events import CORPUS, POISONED


@pytest.mark.parametrize("topic", POISONED, ids=lambda topic: topic.name)
@pytest.mark.parametrize("blanks", [0, 7])
@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_each_bad_record_is_bad_for_its_reason_whatever_blanks_tell_it_apart(number: int, blanks: int, topic: Topic[Any]) -> None:
    raw, reason = list(CORPUS.items())[number]
    with pytest.raises(Poison) as refused:
        decode(topic, raw + b" " * blanks)
    assert refused.value.reason == reason


def states(folder: Path, *known: tuple[int, int] | str | None) -> list[Path]:
    """What each member of a quorum has on its disk: (epoch, leader), something else, or nothing."""
    files = [folder / str(number) for number in range(len(known))]
    for file, told in zip(files, known, strict=True):
        if isinstance(told, tuple):
            file.write_text(json.dumps({"leaderId": told[1], "leaderEpoch": told[0], "votedId": -1, "data_version": 1}))
        elif told is not None:
            file.write_text(told)
    return files


def test_the_controller_that_leads_is_the_one_of_the_newest_epoch(tmp_path: Path) -> None:
    assert leader_of(states(tmp_path, (4, 1), (7, 3), (7, -1))) == 3
    assert leader_of(states(tmp_path, (4, 1), "{", (3, 2))) == 1


def test_while_controllers_elect_nobody_leads(tmp_path: Path) -> None:
    assert leader_of(states(tmp_path, (4, 1), (5, -1), (4, 1))) is None
    assert leader_of([tmp_path / "nowhere"]) is None
