"""When granted scopes are enough: versions, letters, types, contexts, and queries that narrow them."""

from __future__ import annotations

import pytest

from adapter.auth.scopes import covers, missing, parse_scope


@pytest.mark.parametrize(
    ("granted", "asked", "enough"),
    [
        ("system/Claim.read", "system/Claim.read", True),
        ("system/*.read", "system/Claim.read", True),
        ("system/Claim.read", "system/*.read", False),
        ("system/Claim.read", "system/Patient.read", False),
        ("system/Claim.rs", "system/Claim.read", True),
        ("system/Claim.r", "system/Claim.read", False),
        ("system/Claim.r system/Claim.s", "system/Claim.read", True),
        ("system/Claim.read", "system/Claim.rs", True),
        ("system/Claim.*", "system/Claim.cruds", True),
        ("system/*.*", "system/Claim.write", True),
        ("system/Claim.write", "system/Claim.cu", True),
        ("system/Claim.write", "system/Claim.cud", True),
        ("system/Claim.cu", "system/Claim.write", False),
        ("system/Claim.write", "system/Claim.r", False),
        ("user/Claim.read", "system/Claim.read", False),
        ("patient/*.read", "system/Claim.read", False),
        ("system/Claim.rs?status=active", "system/Claim.rs", False),
        ("system/Claim.rs", "system/Claim.rs?status=active", True),
        ("system/Claim.rs?status=active", "system/Claim.rs?status=active", True),
        ("system/Claim.rs?status=draft", "system/Claim.rs?status=active", False),
        ("system/Claim.rs?status=active", "system/Claim.r?status=active", True),
        ("system/Claim.sr", "system/Claim.r", False),
        ("launch", "launch", True),
        ("system/*.$export", "system/*.$export", True),
        ("system/*.cruds", "system/*.$export", False),
        ("SYSTEM/*.read", "system/Claim.read", False),
        ("", "system/Claim.read", False),
    ],
)
def test_covers(granted: str, asked: str, enough: bool) -> None:
    assert covers(granted.split(), asked) is enough


@pytest.mark.parametrize(
    "text", ["system/Claim.", "system/.read", "system/Claim", "system/Claim.rr", "Claim.read", "a b"]
)
def test_what_is_no_scope_on_resources(text: str) -> None:
    assert parse_scope(text) is None


def test_what_is_missing_is_listed_in_the_order_it_was_asked_for() -> None:
    assert missing(["system/B.read"], ["system/C.read", "system/B.read", "system/A.read"]) == [
        "system/C.read",
        "system/A.read",
    ]
