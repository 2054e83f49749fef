"""The database is the one that the settings name, is not waited for without end, and its password is not told."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from adapter.durable.database import configured_database, database_url
from adapter.errors import UsageError
from adapter.settings import Settings


@pytest.mark.parametrize(
    ("written", "query"),
    [
        ("postgresql://me:p%40ss@db/x", {"connect_timeout": "10"}),
        ("postgresql://me:p%40ss@db/x?connect_timeout=3", {"connect_timeout": "3"}),
        ("postgresql://me:p%40ss@db/x?sslmode=verify-full", {"connect_timeout": "10", "sslmode": "verify-full"}),
    ],
)
def test_a_connection_is_given_up(tmp_path: Path, written: str, query: dict[str, str]) -> None:
    made, asked = make_url(database_url(written, tmp_path)), make_url(written)
    assert dict(made.query) == query
    assert made.set(query={}) == asked.set(query={})


@pytest.mark.parametrize("written", ["postgresql://me:p@db:s3cret/x", "mysql://s3cret"])
def test_a_malformed_one_is_refused_without_its_password(tmp_path: Path, written: str) -> None:
    with pytest.raises(UsageError, match="ADAPTER_DATABASE_URL") as caught:
        database_url(written, tmp_path)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_environment_names_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its cloud, DBOS takes DBOS_SYSTEM_DATABASE_URL in place of ours, and reports to DBOS__CONDUCTOR_URL."""
    monkeypatch.setenv("DBOS__CLOUD", "true")
    with pytest.raises(UsageError, match="DBOS__CLOUD is set"):
        configured_database(Settings())
