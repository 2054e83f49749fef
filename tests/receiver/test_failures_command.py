"""``coaching-adapter failures``: what was given up is shown, taken up again, or forgotten."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from command_line import Command, command

from adapter.durable import pauses
from adapter.durable.database import database_url
from adapter.logs.digest import Digests
from adapter.receiver.work import worker as worker_module
from adapter.receiver.work.inbox import Inbox
from adapter.receiver.work.worker import Worker

__all__ = ["command"]


@pytest.fixture
def state(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADAPTER_LEDGER", str(tmp_path / "state" / "ledger.sqlite"))
    return tmp_path / "state"


@pytest.fixture
def inbox(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """An inbox in which two claims were given up, and nobody works any more."""
    monkeypatch.setattr(worker_module, "MOST_ATTEMPTS", 1)
    monkeypatch.setattr(pauses, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(worker_module, "GRACE_SECONDS", 0)
    url = database_url(None, state)
    with Inbox(url) as inbox:
        worker = Worker(url, inbox, _all_fail, lambda _heard: None, "local")
        worker.start()
        inbox.put(["Claim/1", "Claim/2"])
        end = time.monotonic() + 30
        while len(inbox.failures()) < 2:
            assert time.monotonic() < end, "nothing was given up"
            time.sleep(0.05)
        worker.stop()
        yield inbox


def _all_fail(hints: Sequence[str]) -> dict[str, str]:
    return dict.fromkeys(hints, "the server answered 500")


def hints(inbox: Inbox) -> list[str]:
    return sorted(each.hint for each in inbox.failures())


def test_list_show_retry_and_drop(command: Command, inbox: Inbox) -> None:
    listed = json.loads(command("failures", "list", "--format", "json").stdout)
    told = sorted((each["changed"], each["attempts"], each["reason"]) for each in listed)
    assert told == [("Claim/1", 1, "the server answered 500"), ("Claim/2", 1, "the server answered 500")]
    assert "Claim/2" not in command("failures", "show", "Claim/1").stdout
    assert command("failures", "drop", "Claim/1").code == 0
    assert hints(inbox) == ["Claim/2"]
    assert command("failures", "retry", "Claim/2").code == 0
    assert hints(inbox) == []
    assert [group.hints for group in inbox.waiting().values()] == [["Claim/2"]]
    assert "Nothing was given up." in command("failures", "list").stdout


def test_all_are_taken_up_again(command: Command, inbox: Inbox) -> None:
    assert command("failures", "retry", "--all").code == 0
    assert sorted(hint for group in inbox.waiting().values() for hint in group.hints) == ["Claim/1", "Claim/2"]


@pytest.mark.usefixtures("inbox")
def test_find_goes_from_a_claim_to_its_digest_and_back(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "0123456789abcdef"
    monkeypatch.setenv("ADAPTER_DIGEST_KEY", key)
    digests = Digests(key.encode())
    for wanted in ("1", "Claim/1", digests.of_claim("1")):
        found = json.loads(command("failures", "find", wanted, "--format", "json").stdout)
        told = (found["digest"], found["kept"], [each["changed"] for each in found["failures"]])
        assert told == (digests.of_claim("1"), True, ["Claim/1"])
    nothing = command("failures", "find", "3")
    assert (nothing.code, digests.of_claim("3") in nothing.stdout) == (0, True)
    assert "Nothing of it was given up." in nothing.stdout


@pytest.mark.parametrize("there", [False, True], ids=["no file", "a file that nobody prepared"])
def test_find_where_nobody_ever_served_tells_the_digest_and_that_nothing_is_kept(
    command: Command, state: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setenv("ADAPTER_DIGEST_KEY", "0123456789abcdef")
    if there:
        database_url(None, state)
    found, digest = command("failures", "find", "1"), Digests(b"0123456789abcdef").of_claim("1")
    assert (found.code, found.stderr) == (0, "")
    assert found.stdout.startswith(f"In logs: {digest}\nNothing is kept here: `serve` never ran")
    told = json.loads(command("failures", "find", "1", "--format", "json").stdout)
    assert told == {"digest": digest, "kept": False, "failures": []}
    assert state.exists() is there, "looking makes no file"


@pytest.mark.parametrize("fault", ["no database", "nobody there"])
def test_find_in_a_database_that_cannot_be_read_is_a_fault(
    command: Command, state: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("ADAPTER_DIGEST_KEY", "0123456789abcdef")
    if fault == "nobody there":
        monkeypatch.setenv("ADAPTER_DATABASE_URL", "postgresql://u@127.0.0.1:1/x")
    else:
        state.mkdir()
        (state / "notifications.sqlite").write_bytes(b"no database at all, but some bytes" * 40)
    result = command("failures", "find", "1")
    assert (result.code, "the database of notifications cannot be read" in result.stderr) == (4, True)
    assert "Nothing is kept" not in result.stdout


@pytest.mark.usefixtures("state")
def test_find_without_a_key_says_that_digests_do_not_last(command: Command) -> None:
    result = command("failures", "find", "1")
    assert (result.code, "ADAPTER_DIGEST_KEY is not set" in result.stderr) == (2, True)


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("show", "Claim/3"), "there is no such failure", id="show one that is none"),
        pytest.param(("retry", "Claim/3"), "there is no such failure", id="retry one that is none"),
        pytest.param(("drop", "Claim/3"), "there is no such failure", id="drop one that is none"),
        pytest.param(("retry",), "or give --all", id="retry nothing"),
        pytest.param(("retry", "Claim/1", "--all"), "or give --all", id="retry one and all"),
    ],
)
def test_what_is_not_there_is_said(command: Command, arguments: Sequence[str], said: str) -> None:
    result = command("failures", *arguments)
    assert (result.code, said in result.stderr) == (2, True)


@pytest.mark.usefixtures("state")
def test_a_database_that_nobody_ever_served_from_is_said(command: Command) -> None:
    result = command("failures", "list")
    assert (result.code, "Was serve ever started" in result.stderr) == (4, True)
