"""How a process logs in to Kafka: nothing on one machine, SCRAM over TLS in a cluster, a sentence when half of it is missing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import faust
import pytest

from shared import pump
from shared.kafka import security
from shared.refusal import Refusal
from shared.settings import settings

Setting = Callable[..., None]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Setting]:
    """Sets HADIR_ variables for this test; the process's settings are read anew."""
    monkeypatch.setenv("HADIR_HOME", str(tmp_path))

    def set_them(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"HADIR_{name.upper()}", value)
        settings.cache_clear()

    yield set_them
    settings.cache_clear()


def test_without_settings_there_is_neither_login_nor_tls(given: Setting) -> None:
    given()

    assert security() == {"security_protocol": "PLAINTEXT"}
    assert pump._credentials() is None


def test_a_name_a_password_and_a_ca_make_scram_over_tls_for_every_client(given: Setting) -> None:
    given(kafka_user="hadir-geofence", kafka_password="seratus", kafka_ca="system")

    login, credentials = security(), pump._credentials()

    assert {key: login[key] for key in login if key != "ssl_context"} == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "hadir-geofence",
        "sasl_plain_password": "seratus",
    }
    assert login["ssl_context"].check_hostname
    assert isinstance(credentials, faust.SASLCredentials)
    assert (credentials.protocol.value, credentials.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-512")


def test_a_ca_alone_makes_tls_without_login(given: Setting) -> None:
    given(kafka_ca="system")

    assert security()["security_protocol"] == "SSL"
    assert isinstance(pump._credentials(), faust.SSLCredentials)


@pytest.mark.parametrize("half", [{"kafka_user": "hadir-geofence"}, {"kafka_password": "seratus"}])
def test_half_a_login_is_refused_and_both_settings_are_named(given: Setting, half: dict[str, str]) -> None:
    given(**half)

    with pytest.raises(Refusal, match="HADIR_KAFKA_USER and HADIR_KAFKA_PASSWORD belong together"):
        security()


def test_a_ca_that_is_not_there_is_named_with_its_setting(given: Setting, tmp_path: Path) -> None:
    given(kafka_ca=str(tmp_path / "nowhere.crt"))

    with pytest.raises(Refusal, match=r"nowhere\.crt \(HADIR_KAFKA_CA\) cannot be used: No such file"):
        security()


def test_the_password_is_not_among_what_may_be_printed(given: Setting) -> None:
    given(kafka_user="hadir-geofence", kafka_password="seratus")

    assert "seratus" not in str(settings().masked()) + repr(settings())
