"""A marked record in files: decided, explained, broken in every way that is cheap; nothing of it is said or left."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from answers.story_stages import FIXTURES, NOW, shipped
from canary.markers import ID, PHI, Json, assert_silent, files_with, log_lines, marked, markers_in
from command_line import Command, Result, command

from adapter.cli import main
from adapter.logs.digest import Digests
from adapter.sync.files import Way

__all__ = ["command"]
KEY = "0123456789abcdef-canary"
RECORD = marked(json.loads((FIXTURES / "stories" / "0592t-approved" / "0_bundle.json").read_text()))
Spoil = Callable[[Json], bytes]


@pytest.fixture(params=["console", "json"])
def talking(request: pytest.FixtureRequest, command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command at its loudest, in a folder with an empty one for temporary files."""
    monkeypatch.setenv("ADAPTER_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("ADAPTER_LOG_FORMAT", request.param)
    monkeypatch.setenv("ADAPTER_DIGEST_KEY", KEY)
    (command.folder / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(command.folder / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (command.folder / "in").mkdir()
    monkeypatch.setattr("adapter.cli.commands.build", lambda *_, **__: shipped())  # mappings are loaded once
    return command


def put(command: Command, record: Json = RECORD, name: str = "record.json") -> None:
    (command.folder / "in" / name).write_text(json.dumps(record))


def assert_nothing_left(command: Command, result: Result, *meant: str) -> None:
    """Of all files beside the input only those hold a marker that are meant to; stdout and stderr hold none."""
    assert_silent(result.stderr)
    left = {each for each in files_with(command.folder) if not each.startswith("in/")}
    assert left | ({"stdout"} if markers_in(result.stdout) else set()) == set(meant)
    assert list((command.folder / "tmp").iterdir()) == []


def test_a_good_record_is_decided_and_named_by_digest_alone(talking: Command) -> None:
    put(talking)
    result = talking.sync()
    (answer,) = result.resources("ClaimResponse")
    assert (result.code, answer["request"]["reference"]) == (0, f"Claim/{ID}")
    assert_nothing_left(talking, result)
    digests = Digests(KEY.encode())
    lines = "\n".join(log_lines(result.stderr))
    assert all(each in lines for each in (digests.of_claim(ID), digests.of_patient(f"{ID}-member"), "APPROVE"))


def test_of_packed_lines_no_copy_stays(talking: Command) -> None:
    lines = b"".join(json.dumps(each["resource"]).encode() + b"\n" for each in RECORD["entry"])
    (talking.folder / "in" / "record.ndjson.gz").write_bytes(gzip.compress(lines))
    result = talking.sync()
    assert (result.code, len(result.resources("ClaimResponse"))) == (0, 1)
    assert_nothing_left(talking, result)


def test_a_dry_run(talking: Command) -> None:
    put(talking)
    result = talking("sync", "in", "--dry-run", "--now", NOW)
    assert (result.code, ID in result.stdout) == (0, True)
    assert_nothing_left(talking, result)


def test_explain_says_what_it_has_to_on_stdout_alone(talking: Command) -> None:
    put(talking)
    result = talking("explain", "in", ID, "--now", NOW)
    assert (result.code, ID in result.stdout) == (0, True)
    assert_silent(result.stderr)


# --- faults


def _element(kind: str, name: str, value: Any) -> Spoil:
    def spoil(record: Json) -> bytes:
        for each in record["entry"]:
            if each["resource"]["resourceType"] == kind:
                each["resource"][name] = value
        return json.dumps(record).encode()

    return spoil


FAULTS: dict[str, Spoil] = {
    "truncated": lambda record: json.dumps(record).encode()[:-40],
    "NaN before a name": lambda record: json.dumps(record).replace(f'"{PHI}-Family"', "NaN").encode(),
    "a key twice": lambda record: (
        json.dumps(record).replace(f'"family": "{PHI}-Family"', f'"family": "{PHI}", "family": "{PHI}"').encode()
    ),
    "bytes that are no UTF-8": lambda record: (
        json.dumps(record).replace(f"{PHI}-Family", f"{PHI}\0x").encode().replace(b"\\u0000x", b"\xff")
    ),
    "a name that is an object": _element("Patient", "name", {"family": PHI}),
    "a birth date that is a sentence": _element("Patient", "birthDate", f"born {PHI}"),
    "a status that is a name": _element("Claim", "status", f"{PHI}-Family"),
    "a use that is a name": _element("Claim", "use", f"{PHI}-Family"),
    "a reference that is a sentence": _element("Claim", "patient", {"reference": f"see {PHI}"}),
    "a reference to another server": _element(
        "Claim", "patient", {"reference": f"http://{PHI}.example.org/Patient/1?name={PHI}"}
    ),
    "an identifier that leads nowhere": _element(
        "Claim", "patient", {"identifier": {"system": "urn:x", "value": f"{PHI}-number"}}
    ),
    "a conditional reference": _element(
        "Claim", "patient", {"reference": f"Patient?identifier={PHI}-number&birthdate=1901-02-03"}
    ),
    "lines that are a text": _element("Claim", "item", f"0592T for {PHI}"),
    "a code that is a sentence": _element(
        "Claim", "item", [{"sequence": 1, "productOrService": {"text": f"0592T {PHI}"}}]
    ),
    "an amount that is a name": _element("Claim", "total", {"value": PHI, "currency": PHI}),
    "a diagnosis that is a name": _element(
        "Claim",
        "diagnosis",
        [
            {
                "sequence": 1,
                "diagnosisCodeableConcept": {
                    "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": f"{PHI}-Family", "display": PHI}]
                },
            }
        ],
    ),
    "a modifier that is a name": _element("Procedure", "performedString", f"when {PHI} came"),
    "a class that is a sentence": _element("Encounter", "class", f"{PHI}"),
    "a period that is a sentence": _element("Encounter", "period", {"start": f"{PHI}", "end": f"{PHI}"}),
    "a status of the visit that is a name": _element("Encounter", "status", f"{PHI}"),
    "an issuer that is a name": _element("Practitioner", "qualification", [{"code": {"text": f"friend of {PHI}"}}]),
    "an attachment that is no base64": _element("DocumentReference", "content", [{"attachment": {"data": f"<{PHI}>"}}]),
    "an id that is a sentence": _element("Observation", "id", f"{PHI} was here"),
}
RESPONSE, DECISIONS = "out/ClaimResponse.ndjson", "out/decisions.ndjson"
MEANT = {
    "an identifier that leads nowhere": {RESPONSE},
    "a diagnosis that is a name": {RESPONSE, DECISIONS, "stdout"},  # the code that is refused is named
    "a status of the visit that is a name": {DECISIONS},
}
"""Where an answer repeats what stands in an identifier or a code: the value that decided, told to whoever sent it."""


@pytest.mark.parametrize("talking", ["console"], indirect=True)
@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_quotes_the_record(talking: Command, name: str) -> None:
    spoilt = FAULTS[name](json.loads(json.dumps(RECORD)))
    assert PHI.encode() in spoilt
    (talking.folder / "in" / "record.json").write_bytes(spoilt)
    assert_nothing_left(talking, talking.sync(), *MEANT.get(name, ()))


# --- crashes


@pytest.mark.parametrize("processes", [1, 2])
def test_a_rule_that_crashes_with_a_name_in_its_message(
    talking: Command, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """Also in a process of its own, which inherits all that logging is."""

    def broken(*_: object) -> None:
        raise KeyError(f"{PHI}-Family of {ID}")

    monkeypatch.setattr("adapter.reconcile.reconciliation.determine", broken)
    monkeypatch.setattr("adapter.cli.syncing.way_of", lambda _: Way(processes, portion=1))
    put(talking)
    put(talking, json.loads(json.dumps(RECORD).replace(ID, f"{ID}-2")), "second.json")
    result = talking.sync()
    assert result.code == 3
    undecided = [each for each in log_lines(result.stderr) if "claim.undecided" in each]
    assert (len(undecided), all("KeyError at test_files.py" in each for each in undecided)) == (2, True)
    assert_nothing_left(talking, result)


def test_a_crash_of_explain(
    talking: Command, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError(f"{PHI}-Family of {ID}")

    monkeypatch.setattr("adapter.reconcile.reconciliation.determine", broken)
    put(talking)
    monkeypatch.setattr(sys, "argv", ["coaching-adapter", "explain", "in", ID, "--now", NOW])
    with pytest.raises(SystemExit) as ended:
        main.run()
    printed = capfd.readouterr()
    assert (ended.value.code, printed.out) == (3, "")
    assert "KeyError at test_files.py" in printed.err
    assert_silent(printed.err)


def test_answers_that_cannot_be_written(talking: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spools of a run that breaks off hold answers; they go with it."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", f"{PHI}")

    monkeypatch.setattr("adapter.sinks.spool.Spool.flush", full)
    put(talking)
    result = talking.sync()
    assert result.code in (2, 3)
    assert_nothing_left(talking, result)
    assert not list(talking.folder.glob("out/*"))
