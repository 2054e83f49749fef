"""Settings are checked before the first request: a mistyped one stops the start, and no message shows a value."""

from __future__ import annotations

import pytest

from adapter.errors import UsageError
from adapter.logs.settings import LogLevel, load_log_settings
from adapter.settings import load_settings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("ADAPTER_CONCURENCY", "3", "do you mean ADAPTER_CONCURRENCY", id="a misspelt name"),
        pytest.param("ADAPTER_NO_SUCH_THING", "3", "is no setting", id="a name nobody knows"),
        pytest.param("ADAPTER_CONCURRENCY", "many", "ADAPTER_CONCURRENCY", id="a word for a number"),
        pytest.param("ADAPTER_PAGE_SIZE", "0", "ADAPTER_PAGE_SIZE", id="below the least"),
        pytest.param("ADAPTER_PAGE_SIZE", "1001", "ADAPTER_PAGE_SIZE", id="above the most"),
        pytest.param("ADAPTER_LOG_LEVEL", "LOUD", "ADAPTER_LOG_LEVEL", id="a level that is none"),
        pytest.param("ADAPTER_LOG_FORMAT", "xml", "ADAPTER_LOG_FORMAT", id="a form that is none"),
        pytest.param("ADAPTER_DIGEST_KEY", "0123456789abcde", "ADAPTER_DIGEST_KEY", id="a key too short"),
        pytest.param("ADAPTER_SITE_TIMEZONE", "Mars/Olympus", "IANA time zone", id="a zone that is none"),
    ],
)
def test_a_wrong_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=said) as raised:
        load_settings()
    assert raised.value.exit_code == 2
    assert value not in str(raised.value) or len(value) < 5


def test_the_level_is_taken_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTER_LOG_LEVEL", "debug")
    assert load_log_settings().log_level is LogLevel.DEBUG


def test_a_secret_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTER_TOKEN", "very-secret")
    settings = load_settings()
    assert "very-secret" not in f"{settings} {settings!r}"
    assert settings.token is not None
    assert settings.token.get_secret_value() == "very-secret"
