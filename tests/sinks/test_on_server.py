"""What counts as the same answer, and as its Provenance."""

from __future__ import annotations

import pytest
from sinks.answering_server import BASE, LATER, NOW, Json

from adapter.sinks.on_server import has_provenance, same_content


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param({"a": 85}, {"a": 85.0}, True, id="85 and 85.0"),
        pytest.param({"a": 85}, {"a": 85.01}, False, id="a cent more"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, id="order of members"),
        pytest.param({"a": [1, 2]}, {"a": [2, 1]}, False, id="order of elements"),
        pytest.param({"id": "x", "meta": {}, "text": {}, "created": NOW}, {"created": LATER}, True, id="not content"),
        pytest.param({"note": [{"text": "x"}]}, {"note": [{"text": "y"}]}, False, id="text further down"),
        pytest.param({"a": {"reference": "X/1/_history/2"}}, {"a": {"reference": "X/1"}}, True, id="version dropped"),
        pytest.param({"a": {"reference": f"{BASE}/X/1"}}, {"a": {"reference": "X/1"}}, True, id="made relative"),
        pytest.param({"a": {"reference": "http://o/X/1"}}, {"a": {"reference": "X/1"}}, False, id="another server"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, False, id="an element more"),
    ],
)
def test_same_content(one: Json, other: Json, same: bool) -> None:
    assert same_content(one, other, BASE) is same
    assert same_content(other, one, BASE) is same


RESPONSE = {"id": "r1", "meta": {"versionId": "2"}, "created": "2026-03-04T10:00:00Z"}


@pytest.mark.parametrize(
    ("target", "recorded", "there"),
    [
        pytest.param("ClaimResponse/r1/_history/2", None, True, id="this version"),
        pytest.param(f"{BASE}/ClaimResponse/r1/_history/2", None, True, id="this version, absolute"),
        pytest.param("ClaimResponse/r1/_history/1", LATER, False, id="an earlier version"),
        pytest.param("ClaimResponse/r2/_history/2", LATER, False, id="another response"),
        pytest.param("ClaimResponse/r1", "2026-03-04T11:00:00+01:00", True, id="no version, same instant"),
        pytest.param("ClaimResponse/r1", "2026-03-04T10:59:59+01:00", False, id="no version, a second before"),
        pytest.param("ClaimResponse/r1", None, True, id="no version, no instant to tell by"),
    ],
)
def test_has_provenance(target: str, recorded: str | None, there: bool) -> None:
    assert has_provenance(RESPONSE, [{"target": [{"reference": target}], "recorded": recorded}]) is there
