"""Options of ``sync --bulk`` that do not go together are refused before anything is asked."""

from __future__ import annotations

import pytest
from command_line import Command, command

__all__ = ["command"]
URL = "http://127.0.0.1:9/fhir"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("in", "--bulk"), "--bulk asks a server", id="files"),
        pytest.param((URL, "--group", "g1"), "add --bulk", id="a Group without an export"),
        pytest.param((URL, "--bulk", "--claim", "a"), "leave out --bulk", id="single claims"),
        pytest.param((URL, "--bulk", "--group", "../Patient"), "is no id", id="a Group that is a path"),
        pytest.param((URL, "--bulk", "--since", "2026-01-01"), "is neither auto nor an instant", id="a mere date"),
        pytest.param((URL, "--bulk", "--since", "yesterday"), "is neither auto nor an instant", id="a word"),
    ],
)
def test_misuse_is_one_line(command: Command, arguments: tuple[str, ...], said: str) -> None:
    result = command("sync", *arguments)
    assert result.code == 2
    assert said in result.stderr


def test_a_server_that_is_not_there_ends_with_four(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTER_LEDGER", str(command.folder / "state" / "ledger.sqlite"))
    result = command("sync", URL, "--bulk")
    assert result.code == 4
    assert "cannot connect" in result.stderr
