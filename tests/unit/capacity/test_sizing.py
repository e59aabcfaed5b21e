import pytest

from services.capacity.sizing import KAFKA_PER_CHECK_IN, KEPT_DAYS, TABLES_PER_CHECK_IN, need
from shared.topics import TOPICS


def test_the_committed_bytes_are_of_topics_and_tables_that_exist() -> None:
    assert KAFKA_PER_CHECK_IN.keys() <= {topic.name for topic in TOPICS}
    assert KEPT_DAYS.keys() <= TABLES_PER_CHECK_IN.keys()
    assert {name.partition(".")[0] for name in TABLES_PER_CHECK_IN} == {"ingest", "geofence", "schedule", "payroll"}


@pytest.mark.parametrize("employees", [60_000, 300_000])
def test_twice_as_many_people_need_twice_as_much(employees: int) -> None:
    once, twice = need(employees), need(2 * employees)

    assert twice.peak == pytest.approx(2 * once.peak)
    assert twice.kafka_bytes == pytest.approx(2 * once.kafka_bytes, rel=1e-6)
    assert twice.postgres_bytes == pytest.approx(2 * once.postgres_bytes, rel=1e-6)


def test_a_province_peaks_as_the_architecture_says_and_two_pods_of_each_worker_carry_it() -> None:
    province = need(300_000)

    assert (province.peak, province.check_ins_a_day, province.pods) == (1_000, 600_000, 2)
    assert need(5_000_000).pods in {4, 6, 8, 12, 24}


def test_more_marks_a_day_cost_disk_and_no_higher_peak() -> None:
    assert need(1_000, 4).postgres_bytes > need(1_000, 2).postgres_bytes
    assert need(1_000, 4).kafka_bytes_a_year > need(1_000, 2).kafka_bytes_a_year
    assert need(1_000, 4).peak == need(1_000, 2).peak


def test_what_outlives_its_days_does_not_grow_from_year_to_year() -> None:
    found = need(60_000)
    lasting = sum(size for name, size in TABLES_PER_CHECK_IN.items() if name not in KEPT_DAYS)

    assert found.postgres_bytes_a_year == pytest.approx(1.4 * 60_000 * 2 * 250 * lasting, rel=1e-6)
    assert found.postgres_bytes_a_year < found.postgres_bytes
