"""The form of every answer to the clinic and to the stories: what the contract promises of a ClaimResponse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from answers.story_stages import CLINIC, STORIES, bundle_of, clinic, part, run_resources, story
from fhir.resources.R4B import get_fhir_model_class

from adapter.answers.answer import Answer
from adapter.answers.decisions import line_json
from adapter.coverage.finding import Decision, Finding, LineDetermination

Json = dict[str, Any]

CARC = "https://x12.org/codes/claim-adjustment-reason-codes"
RARC = "https://x12.org/codes/remittance-advice-remark-codes"
ADJUDICATION = "http://terminology.hl7.org/CodeSystem/adjudication"
DISCRIMINATOR = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator"
DECISION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ClaimResponse.decision"
REVIEW_OUTCOME = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ClaimResponse.item.reviewOutcome"
CLAIM_DECISION = "http://hl7.org/fhir/claim-decision"
WORD = {"APPROVE": "approved", "DENY": "denied", "PEND": "pending", "REVIEW": "pending"}


@cache
def answers() -> dict[str, Answer]:
    """Every answer of the clinic and the stories, by claim."""
    runs = [clinic(), *(story(path.name) for path in STORIES)]
    return {str(answer.claim): answer for run in runs for answer in run.answers}


@cache
def claims() -> dict[str, Json]:
    lines = (CLINIC / "Claim.ndjson").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    found += [part(bundle_of(path.name), "Claim") for path in STORIES]
    return {claim["id"]: claim for claim in found}


def decided() -> tuple[Answer, ...]:
    return tuple(each for each in answers().values() if each.response is not None)


def each_answer() -> list[Any]:
    return [pytest.param(each, id=str(each.claim)) for each in decided()]


def response_of(answer: Answer) -> Json:
    assert answer.response is not None
    return answer.response


def lines_of(answer: Answer) -> list[LineDetermination]:
    assert answer.determination is not None
    return list(answer.determination.lines)


def binding(line: LineDetermination) -> list[Finding]:
    return [each for each in line.findings if not each.advisory]


def reasons(item: Json, system: str) -> list[str]:
    return [
        coding["code"]
        for each in item["adjudication"]
        for coding in each.get("reason", {}).get("coding", [])
        if coding["system"] == system
    ]


def of_category(item: Json, code: str) -> list[Json]:
    return [each for each in item["adjudication"] if each["category"]["coding"][0]["code"] == code]


def test_there_is_an_answer_of_every_kind() -> None:
    assert {response_of(each)["outcome"] for each in decided()} == {"complete", "partial", "error"}
    assert {line.decision.name for each in decided() for line in lines_of(each)} == {*WORD, "REJECT"}


@pytest.mark.parametrize("answer", each_answer())
def test_it_is_valid_base_fhir(answer: Answer) -> None:
    get_fhir_model_class("ClaimResponse").model_validate(response_of(answer))


@pytest.mark.parametrize("answer", each_answer())
def test_the_head_comes_from_the_claim(answer: Answer) -> None:
    response, claim = response_of(answer), claims()[str(answer.claim)]
    assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", response["id"])
    assert response["status"] == "active"
    for element in ("type", "use"):
        assert response[element] == claim[element]
    for element, source in (("patient", "patient"), ("insurer", "insurer"), ("requestor", "provider")):
        assert response[element] == claim[source] or claim[source]["reference"].startswith("urn:")
        assert not str(response[element].get("reference", "")).startswith("urn:")
    assert response["request"] == {"reference": f"Claim/{claim['id']}"}
    assert response["created"] == "2026-01-31T12:00:00-05:00"
    (identifier,) = response["identifier"]
    assert identifier["system"]
    assert claim["id"] in identifier["value"]
    assert response["disposition"].endswith(".")
    assert "\n" not in response["disposition"]


@pytest.mark.parametrize("answer", each_answer())
def test_outcome_and_decision_follow_from_the_lines(answer: Answer) -> None:
    response = response_of(answer)
    found = {line.decision.name for line in lines_of(answer)}
    extensions = [each for each in response.get("extension", []) if each["url"] == DECISION]
    if "REJECT" in found:
        assert (response["outcome"], extensions) == ("error", [])
        return
    open_ = found & {"PEND", "REVIEW"}
    assert response["outcome"] == ("partial" if open_ else "complete")
    word = "pending" if open_ else WORD[found.pop()] if len(found) == 1 else "partial"
    assert [each["valueCodeableConcept"]["coding"] for each in extensions] == [
        [{"system": CLAIM_DECISION, "code": word}]
    ]


@pytest.mark.parametrize("answer", each_answer())
def test_there_is_one_item_per_line_in_the_claims_order_or_errors(answer: Answer) -> None:
    response, claim = response_of(answer), claims()[str(answer.claim)]
    if response["outcome"] == "error":
        assert response["error"]
        assert "item" not in response
        return
    assert "error" not in response
    assert [each["itemSequence"] for each in response["item"]] == [each["sequence"] for each in claim["item"]]
    for item, line in zip(response["item"], lines_of(answer), strict=True):
        (extension,) = [each for each in item["extension"] if each["url"] == REVIEW_OUTCOME]
        (inner,) = extension["extension"]
        assert inner["url"] == "decision"
        coding = {"system": CLAIM_DECISION, "code": WORD[line.decision.name]}
        assert inner["valueCodeableConcept"]["coding"] == [coding]


@pytest.mark.parametrize("answer", each_answer())
def test_no_amount_is_invented(answer: Answer) -> None:
    response, claim = response_of(answer), claims()[str(answer.claim)]
    for item, billed in zip(response.get("item", []), claim["item"], strict=False):
        (submitted,) = of_category(item, "submitted")
        assert submitted["category"]["coding"][0]["system"] == ADJUDICATION
        assert submitted.get("amount") == billed.get("net")
        denied = item["extension"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "denied"
        assert [each["amount"]["value"] for each in of_category(item, "benefit")] == ([0] if denied else [])
        others = [each for each in item["adjudication"] if "amount" in each]
        assert len(others) == sum(1 for each in (billed.get("net"), denied) if each)
    assert {"total", "payment", "addItem", "adjudication"} & set(response) == set()
    assert '"eligible"' not in json.dumps(response)


@pytest.mark.parametrize("answer", each_answer())
def test_every_reason_has_its_own_entry(answer: Answer) -> None:
    for item in response_of(answer).get("item", []):
        for each in of_category(item, "adjustmentreason"):
            assert each["category"]["coding"][0]["system"] == DISCRIMINATOR
            (coding,) = each["reason"]["coding"]
            assert coding["system"] in (CARC, RARC)
            assert "amount" not in each
        assert all("reason" not in each for each in of_category(item, "submitted") + of_category(item, "benefit"))


@pytest.mark.parametrize("answer", each_answer())
def test_the_reasons_are_those_of_the_decision(answer: Answer) -> None:
    for item, line in zip(response_of(answer).get("item", []), lines_of(answer), strict=False):
        carc, rarc = reasons(item, CARC), reasons(item, RARC)
        assert len(carc + rarc) == len(set(carc + rarc))
        deciding = [each for each in binding(line) if each.decision is line.decision]
        if line.decision is Decision.APPROVE:
            assert carc == []
            assert set(rarc) <= {"M69", "MA67"}
            continue
        assert set(rarc) == {code for each in deciding for code in each.rarc}
        assert set(carc) == {code for each in deciding for code in each.carc}
        if line.decision is Decision.PEND:
            assert set(carc) == {"252"}
            assert rarc
        if line.decision is Decision.REVIEW:
            assert carc == ["133"]


@pytest.mark.parametrize("answer", each_answer())
def test_errors_are_the_rejecting_findings(answer: Answer) -> None:
    response, claim = response_of(answer), claims()[str(answer.claim)]
    rejecting = [
        (line.sequence, each) for line in lines_of(answer) for each in binding(line) if each.decision is Decision.REJECT
    ]
    assert bool(rejecting) == ("error" in response)
    sequences = {each["sequence"] for each in claim["item"]}
    found = set()
    for error in response.get("error", []):
        codings = error["code"]["coding"]
        assert [each["system"] for each in codings].count(CARC) == 1
        assert {each["system"] for each in codings} <= {CARC, RARC}
        assert "itemSequence" not in error or error["itemSequence"] in sequences
        found.add((error.get("itemSequence"), *(each["code"] for each in codings)))
    wanted = {(None if each.about_claim else line, *each.carc, *each.rarc) for line, each in rejecting}
    assert found == wanted


@pytest.mark.parametrize("answer", each_answer())
def test_every_finding_that_matters_has_its_note_and_every_number_leads_to_one(answer: Answer) -> None:
    response = response_of(answer)
    notes = {each["number"]: each["text"] for each in response.get("processNote", [])}
    assert len(notes) == len(response.get("processNote", []))
    used = set()
    for item, line in zip(response.get("item", []), lines_of(answer), strict=False):
        numbers = item.get("noteNumber", [])
        assert set(numbers) <= set(notes)
        used |= set(numbers)
        for finding in line.findings:
            if finding.noteworthy:
                assert any(f"({finding.rule}" in notes[number] for number in numbers), finding.rule
    if response["outcome"] != "error":
        assert used == set(notes)
    for line in lines_of(answer):
        for finding in line.findings:
            if finding.noteworthy:
                (text,) = {each for each in notes.values() if f"({finding.rule}" in each and finding.found in each}
                for needed in (finding.found, finding.needed, finding.fix, finding.citation.document):
                    assert needed in text
                assert finding.citation.section in text
                assert finding.citation.policy in text
                assert all(code in text for code in (*finding.carc, *finding.rarc))


@pytest.mark.parametrize("answer", each_answer())
def test_notes_read_as_sentences(answer: Answer) -> None:
    for each in response_of(answer).get("processNote", []):
        assert re.match(r"(Note|Review|Pend|Deny|Reject|Advice) \(\w+[;)]", each["text"])
        assert each["text"].endswith((".", "]"))
        assert "None" not in each["text"]
        assert "  " not in each["text"]


def test_no_sentence_ends_twice() -> None:
    texts = [each["text"] for answer in decided() for each in response_of(answer).get("processNote", [])]
    assert [text for text in texts if ".." in text] == []


@pytest.mark.parametrize("answer", each_answer())
def test_every_finding_says_what_it_rests_on(answer: Answer) -> None:
    for line in lines_of(answer):
        assert line.findings
        for finding in line_json(line, str(answer.claim))["findings"]:
            assert all(finding["citation"].values())
            assert finding["found"]


def values_used() -> Iterator[tuple[str, Json]]:
    for answer in decided():
        for line in lines_of(answer):
            for finding in line_json(line, str(answer.claim))["findings"]:
                yield from ((finding["rule"], value) for value in finding["values"])


def test_every_value_a_finding_used_says_where_it_was_read() -> None:
    """What the policy says (a rounding rule) was not read in a resource; everything else was."""
    unsourced = {(rule, value["name"]) for rule, value in values_used() if not (value["resource"] and value["path"])}
    assert unsourced - {("timed_units", "rounding")} == set()


def test_a_path_is_one_line() -> None:
    assert [value["path"] for _, value in values_used() if "\n" in (value["path"] or "")] == []


def test_a_supervisor_is_called_one() -> None:
    names = {value["name"] for rule, value in values_used() if rule == "supervision"}
    assert names
    assert "rendering person" not in names


# --- one rejected line rejects the claim; a mixed claim


def two_lines(first: Json, second: Json) -> Answer:
    """The approved story with two lines, changed; the second line is a copy of the first."""
    bundle = bundle_of("0592t-approved")
    claim = part(bundle, "Claim")
    line = claim["item"][0]
    claim["item"] = [line | first, line | {"sequence": 2} | second]
    (answer,) = run_resources(bundle).answers
    return answer


def test_one_rejected_line_rejects_the_whole_claim() -> None:
    response = response_of(two_lines({}, {"quantity": {"value": 0}}))
    assert response["outcome"] == "error"
    assert "item" not in response
    assert {each.get("itemSequence") for each in response["error"]} == {2}


@pytest.mark.parametrize("sequences", [(2, 1), (7, 3)])
def test_items_keep_the_order_of_the_claim_and_not_of_the_numbers(sequences: tuple[int, int]) -> None:
    response = response_of(two_lines({"sequence": sequences[0]}, {"sequence": sequences[1]}))
    assert [each["itemSequence"] for each in response["item"]] == list(sequences)


def test_a_line_without_an_amount_has_submitted_without_one() -> None:
    bundle = bundle_of("0592t-approved")
    del part(bundle, "Claim")["item"][0]["net"]
    (answer,) = run_resources(bundle).answers
    (submitted,) = of_category(response_of(answer)["item"][0], "submitted")
    assert "amount" not in submitted


def test_a_denied_line_carries_the_codes_of_every_denial_and_of_nothing_weaker() -> None:
    bundle = bundle_of("inpatient")
    encounter, procedure = part(bundle, "Encounter", "inpatient-enc"), part(bundle, "Procedure", "inpatient-proc")
    for resource, element in ((encounter, "period"), (procedure, "performedPeriod")):
        resource[element]["end"] = resource[element]["start"].replace("10:00", "10:29")
    bundle["entry"] = [each for each in bundle["entry"] if each["resource"]["resourceType"] != "DocumentReference"]
    (answer,) = run_resources(bundle).answers
    (item,) = response_of(answer)["item"]
    assert (set(reasons(item, CARC)), set(reasons(item, RARC))) == ({"58", "152"}, {"N428", "N163"})
    assert any("(documentation; CARC 252" in each["text"] for each in response_of(answer)["processNote"])


# --- ids


def long_ids(*ids: str) -> tuple[Answer, ...]:
    bundles = []
    for id in ids:
        bundle = bundle_of("0592t-approved")
        part(bundle, "Claim")["id"] = id
        bundles.append(bundle)
    return run_resources(*bundles).answers


@pytest.mark.parametrize("length", [1, 54, 55, 56, 63, 64])
def test_ids_stay_within_64_characters_and_apart(length: int) -> None:
    first, second = long_ids("a" * (length - 1) + "1", "a" * (length - 1) + "2")
    ids = [response_of(each)["id"] for each in (first, second)]
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", each) for each in ids)


@pytest.mark.parametrize(
    "length",
    [
        1,
        44,
        pytest.param(
            55,
        ),
        56,
        64,
    ],
)
def test_ids_of_provenances_stay_apart_too(length: int) -> None:
    ids = [
        each.provenance["id"]
        for each in long_ids("a" * (length - 1) + "1", "a" * (length - 1) + "2")
        if each.provenance is not None
    ]
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", each) for each in ids)


# --- nothing about the person


def free_text(resource: Json) -> Iterator[str]:
    """Names, narratives and displays of a Patient; free text of anything else."""
    for name in resource.get("name", []) if isinstance(resource.get("name"), list) else []:
        yield from (each for each in (name.get("family"), name.get("text"), *name.get("given", [])) if each)
    yield from texts(resource, patient=resource["resourceType"] == "Patient")


def texts(element: Any, patient: bool, key: str = "") -> Iterator[str]:
    if isinstance(element, dict):
        for name, value in element.items():
            yield from texts(value, patient, name)
    elif isinstance(element, list):
        for value in element:
            yield from texts(value, patient, key)
    elif isinstance(element, str) and (
        key in ("div", "valueString", "title")
        or (key == "text" and len(element) > 12)
        or (patient and key == "display")
    ):
        yield element


def inputs() -> Iterator[Json]:
    for path in CLINIC.glob("*.ndjson"):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())
    for path in STORIES:
        yield from (each["resource"] for each in bundle_of(path.name)["entry"])


def test_no_answer_holds_a_name_or_a_word_of_free_text() -> None:
    """Our own service title may stand in both; it is no word about anybody."""
    words = {word for resource in inputs() for word in free_text(resource)} - {"Health coaching session"}
    assert len(words) > 30
    given = [
        each for answer in answers().values() for each in (answer.response, answer.outcome, answer.provenance) if each
    ]
    lines = [line_json(line, "") for each in decided() for line in lines_of(each)]
    written = json.dumps([given, lines], ensure_ascii=False)
    assert sorted(word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", written)) == []


def written_about(change: Json) -> str:
    bundle = bundle_of("0592t-29-minutes")
    part(bundle, "Claim").update(change)
    (answer,) = run_resources(bundle).answers
    assert answer.response is not None
    return json.dumps([answer.response, answer.provenance])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {"patient": {"reference": "Patient/0592t-29-minutes-member", "display": "Amaryllis Quibblethorn"}},
            id="the display of the patient",
        ),
        pytest.param(
            {
                "patient": {"reference": "#member"},
                "contained": [{"resourceType": "Patient", "id": "member", "name": [{"family": "Quibblethorn"}]}],
            },
            id="a contained patient",
        ),
        pytest.param({"text": {"status": "additional", "div": "<div>Quibblethorn</div>"}}, id="the narrative"),
        pytest.param({"fundsReserve": {"text": "Quibblethorn"}}, id="an element nobody reads"),
        pytest.param(
            {"supportingInfo": [{"sequence": 1, "category": {"text": "info"}, "valueString": "Quibblethorn"}]},
            id="supporting information",
        ),
    ],
)
def test_a_name_does_not_get_into_an_answer(change: Json) -> None:
    assert "Quibblethorn" not in written_about(change)


@pytest.mark.parametrize(
    ("kind", "ends", "change"),
    [
        ("Encounter", "minutes-enc", {"reasonCode": [{"text": "Quibblethorn is anxious"}]}),
        ("Procedure", "minutes-proc", {"note": [{"text": "Quibblethorn is anxious"}]}),
        ("Practitioner", "coach", {"qualification": [{"code": {"text": "Quibblethorn Diploma"}}]}),
        ("Organization", "payer", {"name": "Quibblethorn Trust"}),
        ("Coverage", "", {"subscriberId": "Quibblethorn"}),
    ],
)
def test_a_word_of_the_record_does_not_get_into_an_answer(kind: str, ends: str, change: Json) -> None:
    bundle = bundle_of("0592t-29-minutes")
    part(bundle, kind, ends).update(change)
    (answer,) = run_resources(bundle).answers
    lines = [line_json(line, "") for line in lines_of(answer)]
    assert "Quibblethorn" not in json.dumps([answer.response, answer.provenance, lines])
