"""Claims that are readable and meant to do harm: refused by name, or decided all the same; never obeyed."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import bundle_of, part
from command_line import STORY, Command, Result

Json = dict[str, Any]
OTHER = "0592t-29-minutes"
CODE = "Claim.item[0].productOrService.coding[0].code"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def put(folder: Path, bundle: Json | str, name: str = "bad.json") -> None:
    text = bundle if isinstance(bundle, str) else json.dumps(bundle)
    (folder / name).write_text(text, encoding="utf-8")


def visit_of(bundle: Json, kind: str) -> Json:
    """The one resource of a type; of the Encounters the one that is billed."""
    return part(bundle, kind, "29-minutes-enc" if kind == "Encounter" else "")


def outcomes(result: Result) -> dict[str, list[str]]:
    """By id of the OperationOutcome: the expressions of its issues."""
    return {
        each["id"]: [expression for issue in each["issue"] for expression in issue.get("expression", [])]
        for each in result.resources("OperationOutcome")
    }


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


# --- ids


@pytest.mark.parametrize(
    "id",
    [
        pytest.param("../../etc/passwd", id="a path"),
        pytest.param("/etc/passwd", id="an absolute path"),
        pytest.param("..\\..\\x", id="a path of Windows"),
        pytest.param("x" * 65, id="one sign too long"),
        pytest.param("x" * 1_000_000, id="a million signs"),
        pytest.param("\x1b[2J\x1b[31mred", id="it clears the screen"),
        pytest.param("\x9b31m", id="it colours by one byte"),
        pytest.param("\u202egnp.exe", id="it turns the text round"),
        pytest.param("[/bold]", id="markup that closes nothing"),
        pytest.param("[red]x", id="markup"),
        pytest.param(":bomb:", id="a picture's name"),
        pytest.param("<script>alert(1)</script>", id="a script"),
        pytest.param("a\nb", id="two lines"),
        pytest.param("Jane Doe", id="a name"),
    ],
)
@pytest.mark.parametrize("kind", ["Claim", "Encounter"])
def test_an_id_that_is_none_is_refused_and_nothing_is_named_by_it(
    command: Command, folder: Path, kind: str, id: str
) -> None:
    bundle = bundle_of(OTHER)
    for entry in bundle["entry"]:
        entry.pop("fullUrl")
    visit_of(bundle, "Encounter")["identifier"] = [{"value": "visit"}]
    part(bundle, "Claim")["item"][0]["encounter"] = [{"identifier": {"value": "visit"}}]
    visit_of(bundle, kind)["id"] = id
    put(folder, bundle)
    before = files_below(folder.parent)
    result = command.sync()
    assert result.code == 0
    assert [each for name in outcomes(result).values() for each in name] == [f"{kind}.id"]
    assert id[:100] not in result.stdout + result.stderr
    assert not STEERING.search(result.stdout + result.stderr)
    written = {f"out/{name}" for name in ("OperationOutcome.ndjson", "ClaimResponse.ndjson", "Provenance.ndjson")}
    assert files_below(folder.parent) - before == written | {"out", "out/decisions.ndjson", "out/summary.json"}
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", each) for each in outcomes(result))


@pytest.mark.parametrize("code", ["0592T\x1b[31m", "[/red]", "[link=http://x]0592T[/link]", "0592T\u202e"])
@pytest.mark.parametrize("arguments", [("sync",), ("explain",), ("sync", "--format", "json")])
def test_a_code_cannot_steer_the_terminal(
    command: Command, folder: Path, code: str, arguments: tuple[str, ...]
) -> None:
    bundle = bundle_of(OTHER)
    item = part(bundle, "Claim")["item"][0]
    item["modifier"] = [{"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": code}]}]
    item["productOrService"]["coding"].append({"system": "http://local.example/", "code": code})
    put(folder, bundle)
    name, *options = arguments
    result = command.sync(*options) if name == "sync" else command("explain", "in", OTHER, *options)
    assert result.code == 0
    assert not STEERING.search(result.stdout.replace("\n", "") + result.stderr)


def test_a_file_name_cannot_steer_the_terminal(command: Command, folder: Path) -> None:
    (folder / "\x1b[31m[bold]x.json").write_text("{", encoding="utf-8")
    result = command.sync()
    assert r"\x1b[31m[bold]x.json, line 1" in result.stdout
    assert "\x1b" not in result.stdout


# --- size


def with_lines(count: int) -> Json:
    bundle = bundle_of(OTHER)
    claim = part(bundle, "Claim")
    claim["item"] = [{**claim["item"][0], "sequence": number + 1} for number in range(count)]
    claim.pop("total", None)
    return bundle


def test_ten_thousand_lines_are_refused_at_once(command: Command, folder: Path) -> None:
    put(folder, with_lines(10_000))
    started = time.monotonic()
    result = command.sync()
    assert time.monotonic() - started < 20
    (issue,) = result.issues()
    assert outcomes(result) == {OTHER: ["Claim.item"]}
    assert (issue["code"], issue["details"]["text"]) == (
        "too-long",
        "the claim has 10000 lines, over the limit of 1000 (ADAPTER_MAX_CLAIM_LINES)",
    )


@pytest.mark.parametrize(("limit", "refused"), [("30", False), ("29", True)])
def test_the_limit_of_lines_is_a_setting(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str, *, refused: bool
) -> None:
    monkeypatch.setenv("ADAPTER_MAX_CLAIM_LINES", limit)
    put(folder, with_lines(30))
    assert list(outcomes(command.sync())) == ([OTHER] if refused else [])


def nested(levels: int) -> Json:
    extension: Json = {"url": "http://x.example", "valueString": "x"}
    for _ in range((levels - 3) // 2):
        extension = {"url": "http://x.example", "extension": [extension]}
    return extension


@pytest.mark.parametrize(("levels", "refused"), [(99, False), (101, True), (201, True)])
@pytest.mark.parametrize("kind", ["Claim", "Encounter", "Coverage"])
def test_what_is_nested_too_deep_is_refused(
    command: Command, folder: Path, kind: str, levels: int, *, refused: bool
) -> None:
    bundle = bundle_of(OTHER)
    visit_of(bundle, kind)["extension"] = [nested(levels)]
    put(folder, bundle)
    result = command.sync()
    assert outcomes(result) == ({OTHER: [kind]} if refused else {})
    assert all("ADAPTER_MAX_DEPTH" in each["details"]["text"] for each in result.issues())


def test_a_very_long_text_is_no_fault(command: Command, folder: Path) -> None:
    bundle = bundle_of(OTHER)
    part(bundle, "Claim")["item"][0]["productOrService"]["text"] = "coaching " * 500_000
    put(folder, bundle)
    result = command.sync()
    assert outcomes(result) == {}
    assert all(len(json.dumps(each)) < 20_000 for each in result.resources("ClaimResponse"))


@pytest.mark.parametrize("value", ["1e300", "-1e300", "1e-300", "99999999999999999999999999", "0.1" + "1" * 5000])
def test_a_number_of_any_size_is_decided_or_refused(command: Command, folder: Path, value: str) -> None:
    bundle = bundle_of(OTHER)
    item = part(bundle, "Claim")["item"][0]
    for amount in ("unitPrice", "net"):
        item[amount] = {"value": 4711, "currency": "USD"}
    item["quantity"] = {"value": 4711}
    put(folder, json.dumps(bundle).replace("4711", value))
    result = command.sync()
    answered = [each["id"] for kind in ("ClaimResponse", "OperationOutcome") for each in result.resources(kind)]
    assert sorted(answered) == sorted([f"{STORY}-response", *(each for each in answered if each.startswith(OTHER))])
    assert len(answered) == 2


# --- keys that stand twice


@pytest.mark.parametrize(
    ("found", "twice", "expression"),
    [
        pytest.param('"status": "active"', '"status": "active", "status": "draft"', "Claim.status", id="the status"),
        pytest.param(
            '"code": "0592T"', '"code": "0592T", "code": "99213"', CODE, id="the code, out of scope by the last"
        ),
        pytest.param('"item": [', '"item": [], "item": [', "Claim.item", id="the lines"),
    ],
)
def test_a_claim_in_which_a_key_stands_twice_is_refused(
    command: Command, folder: Path, found: str, twice: str, expression: str
) -> None:
    text = json.dumps(part(bundle_of(OTHER), "Claim"))
    assert found in text
    put(folder, text.replace(found, twice, 1))
    told = outcomes(command.sync())
    assert list(told) == [OTHER]
    assert expression in told[OTHER]


@pytest.mark.parametrize(
    ("key", "twice", "element", "line", "faults"),
    [
        pytest.param('"status": "active"', '\n"status": "active", "status": "active"', "status", 2, 1, id="a value"),
        pytest.param('"item": [', '\n"item": [], "item": [', "item", 2, 1, id="a list"),
        # That no element has such a name does not follow from its standing there twice.
        pytest.param('"status": "active"', '"status": "active", "\\u001b": 1, "\\u001b": 1', "", 1, 2, id="no element"),
    ],
)
def test_the_answer_to_a_claim_says_that_a_key_stands_twice(
    command: Command, folder: Path, key: str, twice: str, element: str, line: int, faults: int
) -> None:
    put(folder, json.dumps(part(bundle_of(OTHER), "Claim")).replace(key, twice, 1))
    (told,) = [each for each in command.sync().resources("OperationOutcome") if each["id"] == OTHER]
    path = f"Claim.{element}" if element else "Claim"
    found = [each for each in told["issue"] if each["expression"][0].partition("[")[0] == path]
    assert len(found) == faults
    assert (
        found[0]["details"]["text"] == f"{path}: a key that stands twice, so that nobody can tell which value is meant"
    )
    assert found[0]["diagnostics"].endswith(f", line {line}")


def test_evidence_in_which_a_key_stands_twice_refuses_the_claim_and_is_named(command: Command, folder: Path) -> None:
    encounter = '"resourceType": "Encounter", "id": "0592t-29-minutes-enc"'
    put(folder, json.dumps(bundle_of(OTHER)).replace(encounter, f'"language": "en", "language": "de", {encounter}'))
    told = outcomes(command.sync())
    assert told.pop(OTHER) == ["Encounter.language"]
    ((expression,),) = told.values()
    assert re.fullmatch(r"Bundle\.entry\[\d+\]\.resource\.language", expression)


# --- references that go round in circles


def in_circles() -> Json:
    bundle = bundle_of(OTHER)
    claim, encounter = part(bundle, "Claim"), visit_of(bundle, "Encounter")
    encounter["partOf"] = {"reference": f"Encounter/{encounter['id']}"}
    claim["related"] = [
        {"claim": {"reference": f"Claim/{claim['id']}"}, "relationship": {"coding": [{"code": "prior"}]}}
    ]
    claim["contained"] = [
        {"resourceType": "Organization", "id": "a", "partOf": {"reference": "#b"}},
        {"resourceType": "Organization", "id": "b", "partOf": {"reference": "#a"}},
    ]
    claim["insurer"] = {"reference": "#a"}
    return bundle


def test_references_in_circles_end(command: Command, folder: Path) -> None:
    put(folder, in_circles())
    result = command.sync()
    assert result.code == 0
    answered = [each["id"] for kind in ("ClaimResponse", "OperationOutcome") for each in result.resources(kind)]
    assert len(answered) == 2


def test_claims_that_replace_each_other_end(command: Command, folder: Path) -> None:
    prior = "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship"
    for one, other in ((OTHER, STORY), (STORY, OTHER)):
        bundle = bundle_of(one)
        part(bundle, "Claim")["related"] = [
            {"claim": {"reference": f"Claim/{other}"}, "relationship": {"coding": [{"system": prior, "code": "prior"}]}}
        ]
        put(folder, bundle, "good.json" if one == STORY else "bad.json")
    assert command.sync().code == 0
