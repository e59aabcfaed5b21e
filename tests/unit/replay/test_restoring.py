from services.replay.restoring import RESTORED
from shared.topics import AUDIT, DEAD_LETTER, TOPICS

CAME_FROM_OUTSIDE = {topic.name for topic in TOPICS if topic.owner == "ingest"}
TOLD_AGAIN = {
    "hadir.check-in.located.v1", "hadir.integrity.suspected.v1", "hadir.day.assessed.v1", "hadir.violation.v1",
    "hadir.tpp.deduction.v1", "hadir.tpp.month.v1",
}  # fmt: skip


def test_every_topic_is_restored_or_read_or_told_again_by_the_rebuilt_services() -> None:
    accounts = {topic.name for topic in (*AUDIT.values(), *DEAD_LETTER.values())}
    assert {topic.name for topic in TOPICS} == RESTORED | CAME_FROM_OUTSIDE | TOLD_AGAIN | accounts


def test_nothing_is_both_restored_and_told_again() -> None:
    assert not RESTORED & TOLD_AGAIN
