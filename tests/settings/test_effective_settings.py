"""``check --settings``: every setting with its origin, and of a secret no character."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Command, command

from adapter.secret_settings import is_secret
from adapter.settings import Settings

__all__ = ["command"]
SECRET = "unmistak4ble-and-long"


def rows(command: Command) -> dict[str, tuple[str | None, str]]:
    done = command("check", "--settings", "--format", "json")
    return {each["name"]: (each["value"], each["origin"]) for each in json.loads(done.stdout)["settings"]}


@pytest.mark.parametrize(
    ("given", "name", "row"),
    [
        pytest.param({}, "TIMEOUT", ("60.0", "default"), id="a default"),
        pytest.param({"TIMEOUT": "60"}, "TIMEOUT", ("60.0", "environment"), id="the default, but set"),
        pytest.param({"TIMEOUT": "5"}, "TIMEOUT", ("5.0", "environment"), id="set"),
        pytest.param({}, "TOKEN", (None, "default"), id="no secret"),
        pytest.param({"TOKEN": SECRET}, "TOKEN", ("set", "environment"), id="a secret"),
        pytest.param({"TOKEN_FILE": "s"}, "TOKEN", ("set", "file s"), id="a secret in a file that is read again"),
        pytest.param({"SUBMIT_SECRET_FILE": "s"}, "SUBMIT_SECRET", ("set", "file s"), id="a secret in a file"),
        pytest.param({}, "SUBSCRIPTION_SECRETS", (None, "default"), id="no secrets"),
        pytest.param(
            {"SUBSCRIPTION_SECRETS": f'{{"claims": "{SECRET}"}}'},
            "SUBSCRIPTION_SECRETS",
            ("set", "environment"),
            id="several secrets",
        ),
        pytest.param(
            {"DATABASE_URL": f"postgresql://me:{SECRET}@db/x"}, "DATABASE_URL", ("set", "environment"), id="a database"
        ),
        pytest.param(
            {"PUBLIC_URL": f"https://we.test/x?key={SECRET}"},
            "PUBLIC_URL",
            ("https://we.test/x?***", "environment"),
            id="a query",
        ),
        pytest.param(
            {"TRACES_URL": f"https://we.test/x?key={SECRET}"},
            "TRACES_URL",
            ("https://we.test/x?***", "environment"),
            id="a query of the spans",
        ),
        pytest.param(
            {"CLIENT_CERTIFICATE_HEADER": f"X-Verify: {SECRET}"},
            "CLIENT_CERTIFICATE_HEADER",
            ("X-Verify: ***", "environment"),
            id="what proves a certificate",
        ),
        pytest.param(
            {"PUBLIC_URL": f"https://me:{SECRET}@we.test/x"},
            "PUBLIC_URL",
            ("https://***@we.test/x", "environment"),
            id="a password where none should be",
        ),
    ],
)
def test_each_setting(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, str],
    name: str,
    row: tuple[str | None, str],
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # or a long name is folded
    Path("s").write_text(SECRET)
    for each, value in given.items():
        monkeypatch.setenv(f"ADAPTER_{each}", value)
    assert rows(command)[f"ADAPTER_{name}"] == row
    done = command("check", "--settings")
    assert done.code == 0
    assert SECRET not in done.stdout + done.stderr
    assert f"ADAPTER_{name} " in done.stdout


def test_all_settings_are_listed(command: Command) -> None:
    assert list(rows(command)) == [f"ADAPTER_{name.upper()}" for name in Settings.model_fields]
    assert [name for name, field in Settings.model_fields.items() if is_secret(field)]


def test_names_that_are_no_settings_are_listed_and_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTER_TOKN", SECRET)
    monkeypatch.setenv("ADAPTER_CONCURENCY", "3")
    done = command("check", "--settings", "--format", "json")
    said = [
        "ADAPTER_CONCURENCY is no setting; do you mean ADAPTER_CONCURRENCY?",
        "ADAPTER_TOKN is no setting; do you mean ADAPTER_TOKEN?",
    ]
    assert (done.code, json.loads(done.stdout)["unknown"]) == (2, said)
    assert all(each in done.stderr for each in said)
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"TOKEN": SECRET, "BASIC_USER": "me", "BASIC_PASSWORD": SECRET}, "different ways to be let in"),
        ({"TOKEN_FILE": "none"}, "the file of ADAPTER_TOKEN_FILE cannot be read"),
        ({"AUDIT_KEY_FILE": "none"}, "the file of ADAPTER_AUDIT_KEY_FILE cannot be read"),
        ({"AUDIT_KEY_FILE": "/dev/zero"}, "the file of ADAPTER_AUDIT_KEY_FILE is no regular file"),
        ({"AUDIT_KEY": "fifteen letters"}, "ADAPTER_AUDIT_KEY: Value should have at least 16 characters"),
        ({"SUBSCRIPTION_SECRETS": f'{{"{SECRET} xx!": "{SECRET}"}}'}, "ADAPTER_SUBSCRIPTION_SECRETS: String"),
        ({"PAGE_SIZE": SECRET}, "ADAPTER_PAGE_SIZE"),
    ],
)
def test_what_is_wrong_with_them_is_told(
    command: Command, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str
) -> None:
    for each, value in given.items():
        monkeypatch.setenv(f"ADAPTER_{each}", value)
    done = command("check", "--settings")
    assert (done.code, said in done.stderr) == (2, True), done.stderr
    assert SECRET.upper() not in (done.stdout + done.stderr).upper()


def test_the_table_is_printed_before_contradictions_are_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADAPTER_TOKEN", SECRET)
    monkeypatch.setenv("ADAPTER_BASIC_USER", "me")
    done = command("check", "--settings")
    assert (done.code, "ADAPTER_TIMEOUT" in done.stdout, "ADAPTER_BASIC_USER needs" in done.stderr) == (2, True, True)


def test_json_is_for_settings_only(command: Command) -> None:
    done = command("check", "--format", "json")
    assert (done.code, "--format goes with --settings" in done.stderr) == (2, True)
