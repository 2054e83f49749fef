"""A database that is away at the start is one line that says what to do, and exit code 4."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hapi_server import free_port

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("worker", "--once"), "the database of runs cannot be read", id="worker"),
        pytest.param(("serve", "http://127.0.0.1:9"), "the database of notifications cannot be reached", id="serve"),
    ],
)
def test_one_line(tmp_path: Path, arguments: Sequence[str], said: str) -> None:
    known = {name: value for name, value in os.environ.items() if not name.startswith("ADAPTER_")}
    settings = {
        "PYTHONPATH": str(ROOT),
        "ADAPTER_DATABASE_URL": f"postgresql://jane:very-secret@127.0.0.1:{free_port()}/x",
        "ADAPTER_SUBSCRIPTION_SECRET": "0123456789abcdef",
        "ADAPTER_LEDGER": str(tmp_path / "ledger.sqlite"),
    }
    port = ("--port", str(free_port())) if arguments[0] == "serve" else ()
    command = [sys.executable, "-m", "adapter", *arguments, *port]
    ended = subprocess.run(command, env={**known, **settings}, capture_output=True, text=True, check=False)
    (line,) = ended.stderr.splitlines()
    assert (ended.returncode, line.startswith(f"coaching-adapter: {said}")) == (4, True), line
