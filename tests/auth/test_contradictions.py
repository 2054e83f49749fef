"""Settings that name two ways in, or half of one, are refused by name at the start."""

from __future__ import annotations

import itertools

import pytest

from adapter.auth.settings import AccessSettings
from adapter.errors import UsageError
from adapter.settings import load_settings

WAYS = {
    "TOKEN": {"TOKEN": "s3cret"},
    "TOKEN_FILE": {"TOKEN_FILE": "t"},
    "BASIC_USER": {"BASIC_USER": "me", "BASIC_PASSWORD": "s3cret"},
    "CLIENT_ID": {"CLIENT_ID": "us", "PRIVATE_KEY_FILE": "k"},
}


def load(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> AccessSettings:
    for name, value in given.items():
        monkeypatch.setenv(f"ADAPTER_{name}", value)
    return load_settings()


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(WAYS, 2)))
def test_two_ways_are_refused(monkeypatch: pytest.MonkeyPatch, one: str, other: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(monkeypatch, WAYS[one] | WAYS[other])
    assert str(caught.value) == f"ADAPTER_{one} and ADAPTER_{other} are different ways to be let in: set only one"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("way", WAYS)
def test_one_way_is_fine_also_with_a_certificate(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    certificate = {"CLIENT_CERTIFICATE_FILE": "c", "CLIENT_KEY_FILE": "k", "CLIENT_KEY_PASSWORD": "s3cret"}
    assert load(monkeypatch, WAYS[way] | certificate).client_certificate_file


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"BASIC_USER": "me"}, "ADAPTER_BASIC_USER needs ADAPTER_BASIC_PASSWORD or ADAPTER_BASIC_PASSWORD_FILE"),
        ({"BASIC_PASSWORD": "s3cret"}, "ADAPTER_BASIC_PASSWORD needs ADAPTER_BASIC_USER"),
        ({"BASIC_PASSWORD_FILE": "p"}, "ADAPTER_BASIC_PASSWORD_FILE needs ADAPTER_BASIC_USER"),
        (
            {"BASIC_USER": "me", "BASIC_PASSWORD": "s3cret", "BASIC_PASSWORD_FILE": "p"},
            "ADAPTER_BASIC_PASSWORD and ADAPTER_BASIC_PASSWORD_FILE both give the password: set only one",
        ),
        ({"CLIENT_ID": "us"}, "ADAPTER_CLIENT_ID needs ADAPTER_PRIVATE_KEY_FILE"),
        ({"PRIVATE_KEY_FILE": "k"}, "ADAPTER_PRIVATE_KEY_FILE needs ADAPTER_CLIENT_ID"),
        (
            {"TOKEN": "s3cret", "PRIVATE_KEY_ID": "k"},
            "ADAPTER_PRIVATE_KEY_ID needs ADAPTER_PRIVATE_KEY_FILE",
        ),
        ({"TOKEN": "s3cret", "SCOPES": "system/*.read"}, "ADAPTER_SCOPES needs ADAPTER_CLIENT_ID"),
        ({"CLIENT_KEY_FILE": "k"}, "ADAPTER_CLIENT_KEY_FILE needs ADAPTER_CLIENT_CERTIFICATE_FILE"),
        ({"CLIENT_KEY_PASSWORD": "s3cret"}, "ADAPTER_CLIENT_KEY_PASSWORD needs ADAPTER_CLIENT_CERTIFICATE_FILE"),
    ],
)
def test_half_a_way_is_refused(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(monkeypatch, given)
    assert str(caught.value) == said


def test_every_fault_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError) as caught:
        load(monkeypatch, {"TOKEN": "s3cret", "TOKEN_FILE": "t", "CLIENT_KEY_FILE": "k"})
    assert str(caught.value).count("; ") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASIC_USER", "a:b"),
        ("BASIC_USER", "a\nb"),
        ("BASIC_USER", ""),
        ("CLIENT_ID", ""),
        ("PRIVATE_KEY_ID", ""),
        ("SCOPES", ""),
        ("SCOPES", "system/*.read\nx"),
        ("SCOPES", 'system/"*".read'),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"^ADAPTER_{name}: "):
        load(monkeypatch, {name: value})


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"BASIC_USER": "me", "BASIC_PASSWORD": "s3cret", "CLIENT_CERTIFICATE_FILE": "c"}
    settings = load(monkeypatch, given | {"CLIENT_KEY_PASSWORD": "s3cret"})
    assert "s3cret" not in f"{settings} {settings!r}"
