"""Notifications go to our own address, or nowhere."""

from __future__ import annotations

import pytest

from adapter.errors import UsageError
from adapter.subscriptions.endpoint import checked_endpoint, is_below, is_open

OURS = "https://adapter.example.org/hooks"


@pytest.mark.parametrize(
    ("endpoint", "written"),
    [
        pytest.param(None, OURS, id="none named: the public address"),
        pytest.param(OURS, OURS, id="the public address"),
        pytest.param(f"{OURS}/", OURS, id="a slash at the end says nothing"),
        pytest.param(f"{OURS}/main", f"{OURS}/main", id="a path below it"),
        pytest.param(
            "https://ADAPTER.example.org:443/hooks/main", f"{OURS}/main", id="the same host, written otherwise"
        ),
    ],
)
def test_what_lies_below_the_public_address_is_ours(endpoint: str | None, written: str) -> None:
    assert checked_endpoint(endpoint, f"{OURS}/") == written


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        pytest.param("https://evil.example/hooks", "no address of ours", id="another host"),
        pytest.param("https://adapter.example.org.evil.example/hooks", "no address of ours", id="ours as a beginning"),
        pytest.param("http://adapter.example.org/hooks", "no address of ours", id="another scheme"),
        pytest.param("https://adapter.example.org:8443/hooks", "no address of ours", id="another port"),
        pytest.param("https://adapter.example.org/hooks-of-others", "no address of ours", id="a path beside ours"),
        pytest.param(f"{OURS}/../admin", "climb|no address of ours", id="up and out"),
        pytest.param(f"{OURS}/%2e%2e/admin", "climb", id="up and out, escaped"),
        pytest.param("https://adapter.example.org@evil.example/hooks", "no user", id="our host as a user"),
        pytest.param(f"{OURS}?key=1", "no user, query", id="a query"),
        pytest.param(f"{OURS}#here", "fragment", id="a fragment"),
        pytest.param("ftp://adapter.example.org/hooks", "must begin with", id="no web address"),
        pytest.param("/hooks", "must begin with", id="no host"),
        pytest.param("https://adapter:port/hooks", "malformed", id="no address at all"),
    ],
)
def test_what_does_not_is_refused(endpoint: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        checked_endpoint(endpoint, OURS)


def test_without_a_public_address_nothing_is_ours() -> None:
    with pytest.raises(UsageError, match="ADAPTER_PUBLIC_URL is not set"):
        checked_endpoint(OURS, None)


@pytest.mark.parametrize(
    ("endpoint", "below"),
    [(OURS, True), (f"{OURS}/", True), (f"{OURS}/main", True), (f"{OURS}2", False), ("", False)],
)
def test_what_a_server_has_is_compared_as_it_is_written(endpoint: str, below: bool) -> None:
    assert is_below(endpoint, OURS) is below


@pytest.mark.parametrize(
    ("endpoint", "readable"),
    [(OURS, False), ("http://adapter.example.org", True), ("http://127.0.0.1:8000/hooks", False)],
)
def test_plain_http_is_open_unless_it_stays_on_the_machine(endpoint: str, readable: bool) -> None:
    assert is_open(endpoint) is readable
