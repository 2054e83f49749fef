"""A PostgreSQL server for the tests of this folder; each test has a database of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
import sqlalchemy
from crash.postgres import Postgres, postgres_missing, running_postgres

from adapter.runs.board import Board
from adapter.runs.model import Basis
from adapter.runs.worker import RunWorker


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    missing = postgres_missing()
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)  # a build that silently tests less is worse than a red one
    if missing:
        pytest.skip(missing)
    with running_postgres() as postgres:
        _execute(postgres, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")  # processes die here, no machine
        yield postgres


@pytest.fixture(scope="session")
def template(cluster: Postgres) -> str:
    """The name of a database with the tables of DBOS in it; to make them takes seconds."""
    url = _made(cluster, "template", "template1")
    basis = Basis("program", "mappings", "settings")
    with Board(url, basis) as board:
        worker = RunWorker(url, board, lambda _item: {}, basis, "first/1")
        worker.start()
        worker.stop()
    return url.rpartition("/")[2]


@pytest.fixture
def database(cluster: Postgres, template: str) -> str:
    """The URL of a database of its own, with tables and nothing in them."""
    return _made(cluster, "test", template)


def _made(cluster: Postgres, prefix: str, template: str) -> str:
    name = f"{prefix}_{uuid4().hex[:8]}"
    _execute(cluster, f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"{cluster.url.rpartition('/')[0]}/{name}"


def _execute(postgres: Postgres, *statements: str) -> None:
    engine = sqlalchemy.create_engine(postgres.url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for each in statements:
            connection.execute(sqlalchemy.text(each))
    engine.dispose()
