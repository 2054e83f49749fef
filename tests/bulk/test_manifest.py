"""The manifest of an export: what is read of it, and that what is none is named by its elements alone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from adapter.errors import SourceError
from adapter.sources.bulk.manifest import File, parse_manifest

GOOD: dict[str, Any] = {
    "transactionTime": "2026-03-01T12:00:00.250+01:00",
    "request": "http://fhir.test/$export",
    "requiresAccessToken": False,
    "output": [{"type": "Claim", "url": "http://fhir.test/1", "count": 2, "extension": {"x": 1}}],
}


def parsed(content: dict[str, Any]) -> list[File]:
    return list(parse_manifest(httpx.Response(200, json=content), "http://fhir.test").files())


def test_a_manifest_of_an_early_version_has_neither_errors_nor_deletions() -> None:
    (file,) = parsed(GOOD)
    assert (file.role, file.type, file.url, file.count, file.authorized) == (
        "output",
        "Claim",
        "http://fhir.test/1",
        2,
        False,
    )


def test_files_of_errors_and_deletions_hold_what_the_specification_says() -> None:
    listed = [{"type": "Claim", "url": "http://fhir.test/2"}]
    files = parsed(GOOD | {"error": listed, "deleted": listed, "requiresAccessToken": True})
    assert [(each.role, each.type, each.authorized) for each in files] == [
        ("output", "Claim", True),
        ("deleted", "Bundle", True),
        ("error", "OperationOutcome", True),
    ]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"transactionTime": None}, "transactionTime", id="no instant"),
        pytest.param({"transactionTime": "2026-03-01T12:00:00"}, "transactionTime", id="an instant without an offset"),
        pytest.param({"requiresAccessToken": None}, "requiresAccessToken", id="nothing about the token"),
        pytest.param({"output": None}, "output", id="no output"),
        pytest.param({"output": [{"type": "Claim"}]}, "output.0.url", id="a file without an address"),
        pytest.param({"output": [{"type": "../Jane", "url": "u"}]}, "output.0.type", id="a type that is a path"),
        pytest.param({"output": [{"type": "Claim", "url": "u", "count": -1}]}, "output.0.count", id="a count below 0"),
        pytest.param({"error": [{"type": "Claim"}]}, "error.0.url", id="an error without an address"),
    ],
)
def test_what_is_no_manifest_is_refused_by_its_elements(change: dict[str, Any], named: str) -> None:
    with pytest.raises(SourceError) as caught:
        parsed({name: value for name, value in (GOOD | change).items() if value is not None})
    assert f"({named})" in str(caught.value)
    assert "Jane" not in str(caught.value)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(SourceError, match="not JSON"):
        parse_manifest(httpx.Response(200, content=b"<html>"), "http://fhir.test")
