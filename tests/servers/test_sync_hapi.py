"""The whole path on a real server: load the clinic, decide, read the answers back, decide again, change a claim."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from adapter.cli.main import app
from adapter.errors import AdapterError

CLINIC = Path(__file__).parents[2] / "fixtures" / "clinic"
EXPECTED = json.loads((CLINIC.parent / "clinic-expected.json").read_text())
IDENTIFIER_SYSTEM = "urn:test:answers"
BATCH = 100
FIRST = [
    "Organization",
    "Location",
    "Practitioner",
    "PractitionerRole",
    "Patient",
    "Coverage",
    "Condition",
    "Encounter",
]
"""HAPI indexes a reference only when its target is there already, so what is referred to is loaded first."""
ONE_CLAIM = ("--claim", "e05-clocks-forward")
Json = dict[str, Any]


class Server:
    """The test server as a person at the keyboard sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=60, headers={"Cache-Control": "no-cache"}, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def load(self, resources: list[Json]) -> None:
        for start in range(0, len(resources), BATCH):
            entries = [
                {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
                for each in resources[start : start + BATCH]
            ]
            reply = self._http.post("", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
            statuses = {each["response"]["status"][:3] for each in reply.raise_for_status().json()["entry"]}
            assert statuses <= {"200", "201"}

    def remove(self, resources: list[Json]) -> None:
        """Take away what ``load`` put there, and the answers to its claims: other tests use the server after these."""
        claims = [f"Claim/{each['id']}" for each in resources if each["resourceType"] == "Claim"]
        found = self._http.get("/ClaimResponse", params={"request": ",".join(claims)}).raise_for_status().json()
        answers = [entry["resource"] for entry in found.get("entry", [])]
        for each in [*answers, *reversed(resources)]:
            self._http.delete(f"/{each['resourceType']}/{each['id']}").raise_for_status()

    def read(self, reference: str) -> Json:
        found: Json = self._http.get(f"/{reference}").raise_for_status().json()
        return found

    def put(self, resource: Json) -> None:
        self._http.put(f"/{resource['resourceType']}/{resource['id']}", json=resource).raise_for_status()

    def answers(self) -> dict[str, list[Json]]:
        """ClaimResponses of ours, by the id of their claim."""
        found: dict[str, list[Json]] = {}
        query = {"identifier": f"{IDENTIFIER_SYSTEM}|", "_count": "1000"}
        for entry in self._http.get("/ClaimResponse", params=query).raise_for_status().json().get("entry", []):
            resource = entry["resource"]
            found.setdefault(resource["request"]["reference"].split("/")[1], []).append(resource)
        return found

    def provenances(self) -> Counter[str]:
        entries = self._http.get("/Provenance", params={"_count": "1000"}).raise_for_status().json().get("entry", [])
        targets = (entry["resource"]["target"][0]["reference"] for entry in entries)
        return Counter(target.split("/_history")[0] for target in targets)


def versions(answers: dict[str, list[Json]]) -> dict[str, str]:
    return {claim: each["meta"]["versionId"] for claim, (each,) in answers.items()}


def resources(folder: Path) -> Iterator[Json]:
    def order(path: Path) -> tuple[int, str]:
        return (FIRST.index(path.stem) if path.stem in FIRST else len(FIRST), path.stem)

    for path in sorted(folder.glob("*.ndjson"), key=order):
        yield from map(json.loads, path.read_text().splitlines())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=True)


@pytest.fixture(scope="module")
def server(hapi_url: str) -> Iterator[Server]:
    server = Server(hapi_url)
    server.load(list(resources(CLINIC)))
    yield server
    server.close()


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("ADAPTER_IDENTIFIER_SYSTEM", IDENTIFIER_SYSTEM)
    monkeypatch.setenv("ADAPTER_LEDGER", str(tmp_path_factory.getbasetemp() / "ledger.sqlite"))


def counts(result: Result) -> Json:
    """The JSON a run printed."""
    found: Json = json.loads(result.stdout)
    return found


# The tests of this module tell one story and run in order: decide, decide again, change something, take it back.


def test_a_dry_run_writes_nothing(server: Server) -> None:
    result = run("sync", server.url, "--dry-run", "--format", "json")
    assert result.exit_code == 0, result.output
    assert counts(result)["written"]["created"] == counts(result)["claims"]["in_scope"]
    assert server.answers() == {}
    assert not Path(os.environ["ADAPTER_LEDGER"]).exists()


def test_every_claim_in_scope_gets_exactly_one_answer(server: Server) -> None:
    result = run("sync", server.url, "--format", "json")
    assert result.exit_code == 0, result.output
    answered = {claim for claim, each in EXPECTED.items() if each["outcome"] in ("complete", "partial", "error")}
    answers = server.answers()
    assert set(answers) == answered
    assert all(len(each) == 1 for each in answers.values())
    assert {claim: each["outcome"] for claim, (each,) in answers.items()} == {
        claim: EXPECTED[claim]["outcome"] for claim in answered
    }


def test_each_answer_has_its_provenance(server: Server) -> None:
    ours = {f"ClaimResponse/{each['id']}" for (each,) in server.answers().values()}
    assert {target: count for target, count in server.provenances().items() if target in ours} == dict.fromkeys(ours, 1)


def test_deciding_again_writes_nothing(server: Server) -> None:
    before, provenances = versions(server.answers()), server.provenances()
    result = run("sync", server.url, "--format", "json")
    assert counts(result)["written"] | {"unchanged": 0} == {"created": 0, "updated": 0, "unchanged": 0, "failed": 0}
    assert versions(server.answers()) == before
    assert server.provenances() == provenances


def test_a_draft_of_a_rule_is_tried_on_the_answers_that_stand(server: Server, tmp_path: Path, draft: Path) -> None:
    """The same difference as between files, and nothing written: not on the server, not in the ledger."""
    before, provenances = versions(server.answers()), server.provenances()
    ledger = Path(os.environ["ADAPTER_LEDGER"])
    kept = ledger.read_bytes()
    on_server = counts(run("sync", server.url, "--dry-run", "--mappings", str(draft), "--format", "json"))
    assert versions(server.answers()) == before
    assert server.provenances() == provenances
    assert ledger.read_bytes() == kept
    golden = json.loads((CLINIC.parents[1] / "tests" / "docs" / "draft.json").read_text())
    assert on_server["totals"] == golden["totals"]
    changed = {each["claim"]: each for each in on_server["changes"] if each["effect"] != "leave"}
    assert changed == {each["claim"]: each for each in golden["changes"]}
    one = counts(run("sync", server.url, "--dry-run", "--mappings", str(draft), "--format", "json", *ONE_CLAIM))
    assert one["changes"] == [changed[ONE_CLAIM[1]]]


def test_a_dry_run_from_a_server_to_a_folder_compares_with_the_folder(server: Server, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    first = counts(run("sync", server.url, "--out", out, "--dry-run", "--format", "json"))
    assert not (tmp_path / "out").exists()
    run("sync", server.url, "--out", out)
    again = counts(run("sync", server.url, "--out", out, "--dry-run", "--format", "json"))
    in_scope, none = first["claims"]["in_scope"], {"create": 0, "change": 0, "leave": 0, "remove": 0, "fail": 0}
    assert first["totals"]["answers"] == none | {"create": in_scope}
    assert again["totals"]["answers"] == none | {"leave": in_scope}


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """The draft of the mapping page."""
    page = (CLINIC.parents[1] / "mappings" / "README.md").read_text()
    ((name, content),) = re.findall(r"```yaml\n# (new-rules/\S+)\n(.*?)```", page, re.DOTALL)
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(content)
    return tmp_path / "new-rules"


def test_files_and_server_give_the_same_answers(server: Server, tmp_path: Path) -> None:
    run("sync", str(CLINIC), "--out", str(tmp_path))
    from_files = {
        each["request"]["reference"].split("/")[1]: _content(each)
        for each in map(json.loads, (tmp_path / "ClaimResponse.ndjson").read_text().splitlines())
    }
    from_server = {claim: _content(each) for claim, (each,) in server.answers().items()}
    assert from_server == from_files


def _content(response: Json) -> Json:
    plain = {name: value for name, value in response.items() if name not in ("id", "meta", "created")}
    return json.loads(json.dumps(plain), parse_float=int)  # type: ignore[no-any-return] # 85.0 is 85 to a server


def test_a_changed_claim_changes_its_answer_and_no_other(server: Server) -> None:
    before = versions(server.answers())
    claim = server.read("Claim/a04-30-minutes")
    claim["item"][0]["modifier"] = [{"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "95"}]}]
    server.put(claim)
    result = run("sync", server.url, "--format", "json")
    assert counts(result)["written"]["updated"] == 1
    after = versions(server.answers())
    assert {claim for claim in after if after[claim] != before[claim]} == {"a04-30-minutes"}
    (answer,) = server.answers()["a04-30-minutes"]
    assert answer["outcome"] == "partial"


def test_new_evidence_resolves_a_pended_claim(server: Server) -> None:
    visit = server.read("Encounter/a05-no-end-enc")
    start = visit["period"]["start"]
    visit["period"]["end"] = f"{start[:11]}{int(start[11:13]) + 1:02}{start[13:]}"
    server.put(visit)
    procedure = server.read("Procedure/a05-no-end-proc")
    procedure["performedPeriod"] = visit["period"]
    server.put(procedure)
    result = run("sync", server.url, "--claim", "a05-no-end", "--format", "json")
    assert counts(result)["written"] == {"created": 0, "updated": 1, "unchanged": 0, "failed": 0}
    (answer,) = server.answers()["a05-no-end"]
    assert answer["outcome"] == "complete"


def test_since_auto_reads_only_what_changed_after_a_complete_run(server: Server) -> None:
    first = counts(run("sync", server.url, "--since", "auto", "--format", "json"))
    assert first["claims"]["unanswered"] == 0
    later = run("sync", server.url, "--since", "2100-01-01T00:00:00Z", "--format", "json")
    assert later.exit_code == 0
    assert counts(later)["claims"] == {"in_scope": 0, "out_of_scope": 0, "unanswered": 0}


def test_explain_reads_one_claim_from_the_server(server: Server) -> None:
    result = run("explain", server.url, "a03-29-minutes")
    assert result.exit_code == 0, result.output
    assert "29 minutes" in result.stdout
    assert "Billing Code Overview" in result.stdout


def test_a_claim_that_is_not_there_is_named(server: Server) -> None:
    result = run("sync", server.url, "--claim", "no-such-claim")
    assert result.exit_code == 3
    assert "no-such-claim" in result.stderr


def test_out_with_a_url_leaves_the_server_alone(server: Server, tmp_path: Path) -> None:
    before = versions(server.answers())
    result = run("sync", server.url, "--out", str(tmp_path), "--now", "2026-01-31T12:00:00Z")
    assert result.exit_code == 0
    assert len((tmp_path / "ClaimResponse.ndjson").read_text().splitlines()) == len(before)
    assert versions(server.answers()) == before


@pytest.mark.parametrize("path", ["/nowhere", "/metadata"])
def test_a_wrong_base_url_is_refused_in_one_line(server: Server, path: str) -> None:
    result = run("sync", server.url + path)
    assert isinstance(result.exception, AdapterError)
    assert result.exception.exit_code == 4
    assert "\n" not in str(result.exception)


def test_a_replacement_cancels_the_answer_to_its_original_once(server: Server) -> None:
    original = server.read("Claim/g01-initial")
    relationship = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship", "code": "prior"}]
    }
    related = [{"relationship": relationship, "claim": {"reference": "Claim/g01-initial"}}]
    number = [{"system": "https://clinic.example/claims", "value": "g01-again"}]
    plain = {name: value for name, value in original.items() if name != "meta"}
    server.put(plain | {"id": "a-replacement", "identifier": number, "related": related})
    written = counts(run("sync", server.url, "--format", "json"))["written"]
    assert (written["created"], written["updated"], written["failed"]) == (1, 1, 0)
    (reversed_answer,) = server.answers()["g01-initial"]
    assert (reversed_answer["status"], reversed_answer["disposition"]) == (
        "cancelled",
        "Reversed: replaced by Claim/a-replacement.",
    )
    again = counts(run("sync", server.url, "--format", "json"))["written"]
    assert (again["created"], again["updated"], again["failed"]) == (0, 0, 0)
    alone = counts(run("sync", server.url, "--claim", "a-replacement", "--format", "json"))["written"]
    assert (alone["created"], alone["updated"], alone["failed"]) == (0, 0, 0)


def test_a_cancelled_claim_voids_its_answer(server: Server) -> None:
    server.put(server.read("Claim/e01-initial") | {"status": "cancelled"})
    assert counts(run("sync", server.url, "--claim", "e01-initial", "--format", "json"))["written"]["updated"] == 1
    (answer,) = server.answers()["e01-initial"]
    assert answer["status"] == "cancelled"


def test_a_coach_with_two_patients_at_one_time_is_seen_across_patients(server: Server) -> None:
    procedure = server.read("Procedure/a02-follow-up-proc")
    plain = {name: value for name, value in procedure.items() if name not in ("meta", "encounter")}
    server.put(plain | {"id": "elsewhere", "subject": {"reference": "Patient/member-b"}})
    counts(run("sync", server.url, "--claim", "a02-follow-up", "--format", "json"))
    (answer,) = server.answers()["a02-follow-up"]
    assert answer["outcome"] == "complete"
    assert any("another patient" in note["text"] for note in answer["processNote"])
    assert "member-b" not in json.dumps(answer)
