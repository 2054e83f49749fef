"""Every secret may stand in a file instead, as containers are given them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from adapter.errors import UsageError
from adapter.secret_settings import is_secret, secret_names
from adapter.settings import Settings, load_settings

LONG = "a-secret-that-is-long-enough"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("ADAPTER_")]:
        monkeypatch.delenv(name)


def plain(secret: Any) -> Any:
    return (
        {name: each.get_secret_value() for name, each in secret.items()}
        if isinstance(secret, dict)
        else secret.get_secret_value()
    )


@pytest.mark.parametrize("name", secret_names(Settings))
def test_each_secret_is_read_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The line end that an editor leaves is no part of it."""
    several = name.endswith("secrets")
    (tmp_path / "secret").write_text(f'{{"claims": "{LONG}"}}\r\n' if several else f"{LONG}\n")
    monkeypatch.setenv(f"ADAPTER_{name.upper()}_FILE", str(tmp_path / "secret"))
    found = getattr(Settings(), name)
    assert plain(found) == ({"claims": LONG} if several else LONG)
    assert LONG not in repr(found)


def test_every_secret_has_a_file() -> None:
    fields = Settings.model_fields
    secrets = {name for name, field in fields.items() if is_secret(field)}
    assert secrets >= {"token", "basic_password", "client_key_password", "database_url", "submit_secret"}
    assert secrets >= {"subscription_secret", "subscription_secrets"}
    assert not {name for name in fields if name.endswith(("secret", "password", "secrets", "token"))} - secrets
    assert secrets - set(secret_names(Settings)) == {name for name in secrets if f"{name}_file" in fields}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "the file of ADAPTER_SUBMIT_SECRET_FILE cannot be read", id="not there"),
        pytest.param(b"", "the file of ADAPTER_SUBMIT_SECRET_FILE has nothing in it", id="empty"),
        pytest.param(b"\n", "the file of ADAPTER_SUBMIT_SECRET_FILE has nothing in it", id="a line end"),
        pytest.param(b"\xff" * 20, "the file of ADAPTER_SUBMIT_SECRET_FILE is no text in UTF-8", id="no text"),
        pytest.param(b"sixteen-letters", "ADAPTER_SUBMIT_SECRET: ", id="one letter too short"),
        pytest.param(b"sixteen-letters!", None, id="just long enough"),
    ],
)
def test_what_may_stand_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, said: str | None
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("ADAPTER_SUBMIT_SECRET_FILE", str(path))
    if said is None:
        assert load_settings().submit_secret
        return
    with pytest.raises(UsageError, match=said) as caught:
        load_settings()
    assert "sixteen" not in str(caught.value)
    assert "15" not in str(caught.value)  # nor how long it is


def test_both_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text(LONG)
    monkeypatch.setenv("ADAPTER_SUBMIT_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("ADAPTER_SUBMIT_SECRET", LONG)
    with pytest.raises(UsageError, match="ADAPTER_SUBMIT_SECRET and ADAPTER_SUBMIT_SECRET_FILE both give"):
        load_settings()


def test_several_must_be_an_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text(LONG)
    monkeypatch.setenv("ADAPTER_SUBSCRIPTION_SECRETS_FILE", str(tmp_path / "secret"))
    with pytest.raises(UsageError, match="the file of ADAPTER_SUBSCRIPTION_SECRETS_FILE is no JSON object") as caught:
        load_settings()
    assert caught.value.__cause__ is None


def test_a_file_for_what_is_no_secret_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTER_TIMEOUT_FILE", "x")
    with pytest.raises(UsageError, match="ADAPTER_TIMEOUT_FILE is no setting"):
        load_settings()
