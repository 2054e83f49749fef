"""A site's folder laid over the shipped mappings: only what differs is written, and every value knows its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import bundle_of, part, run_resources

from adapter.answers.answer import Answer
from adapter.bootstrap import build, mapping_layers
from adapter.errors import ConfigurationError
from adapter.layers import Layers
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings

Json = dict[str, Any]
Write = Callable[[str, str], None]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def write(site: Path) -> Write:
    def to_file(name: str, text: str) -> None:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")

    return to_file


def built(*folders: Path) -> Adjudicator:
    return build(Settings.model_construct(), mapping_layers(folders))


def faults(*folders: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        built(*folders)
    return [str(each) for each in caught.value.faults]


def answer(bundle: Json, adjudicator: Adjudicator) -> Answer:
    (found,) = run_resources(bundle, adjudicator=adjudicator).answers
    return found


def decided(bundle: Json, adjudicator: Adjudicator) -> tuple[str, list[str]]:
    determination = answer(bundle, adjudicator).determination
    assert determination is not None
    (line,) = determination.lines
    return line.decision.name, [each.rule for each in line.deciding if each.noteworthy]


# --- how files are merged

BELOW = "a: 1\nlist: [1, 2]\ninner: {x: 1, y: 2}\n"


@pytest.mark.parametrize(
    ("above", "merged"),
    [
        pytest.param("a: 2", {"a": 2, "list": [1, 2], "inner": {"x": 1, "y": 2}}, id="a value is replaced"),
        pytest.param("b: 3", {"a": 1, "b": 3, "list": [1, 2], "inner": {"x": 1, "y": 2}}, id="a key is added"),
        pytest.param("inner: {x: 5}", {"a": 1, "list": [1, 2], "inner": {"x": 5, "y": 2}}, id="mappings are merged"),
        pytest.param("list: [3]", {"a": 1, "list": [3], "inner": {"x": 1, "y": 2}}, id="a list is replaced"),
        pytest.param("list+: [3]", {"a": 1, "list": [1, 2, 3], "inner": {"x": 1, "y": 2}}, id="a list is added to"),
        pytest.param("list+: 3", {"a": 1, "list": [1, 2, 3], "inner": {"x": 1, "y": 2}}, id="one value is added"),
        pytest.param("a+: [2]", {"a": [1, 2], "list": [1, 2], "inner": {"x": 1, "y": 2}}, id="to one value too"),
        pytest.param("new+: [2]", {"a": 1, "list": [1, 2], "inner": {"x": 1, "y": 2}, "new": [2]}, id="to nothing"),
        pytest.param("a: null", {"list": [1, 2], "inner": {"x": 1, "y": 2}}, id="a key is taken away"),
        pytest.param("inner: {x: null}", {"a": 1, "list": [1, 2], "inner": {"y": 2}}, id="a key inside too"),
        pytest.param("c: null", {"a": 1, "list": [1, 2], "inner": {"x": 1, "y": 2}, "c": None}, id="null of a new key"),
        pytest.param("", {"a": 1, "list": [1, 2], "inner": {"x": 1, "y": 2}}, id="an empty file changes nothing"),
        pytest.param("inner: 7", {"a": 1, "list": [1, 2], "inner": 7}, id="a mapping by another value"),
    ],
)
def test_an_overlay_is_merged_key_by_key(tmp_path: Path, above: str, merged: Json) -> None:
    for name, text in (("below", BELOW), ("above", above)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.yaml").write_text(text, encoding="utf-8")
    assert Layers.of(tmp_path / "below", tmp_path / "above").lined("file.yaml").data == merged


def test_each_value_keeps_its_file_and_line(tmp_path: Path) -> None:
    for name, text in (("below", "a: 1\nb: 1\n"), ("above", "\n\nb: 2\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.yaml").write_text(text, encoding="utf-8")
    lined = Layers.of(tmp_path / "below", tmp_path / "above").lined("file.yaml")
    assert lined.place(("a",)) == ("below/file.yaml", 1)
    assert lined.place(("b",)) == (f"{tmp_path / 'above'}/file.yaml", 3)


def test_the_last_folder_lies_on_top(write: Write, site: Path, tmp_path: Path) -> None:
    write("payers/cigna.yaml", "names+: [Thimbleton]\n")
    (tmp_path / "second" / "payers").mkdir(parents=True)
    (tmp_path / "second" / "payers" / "cigna.yaml").write_text("title: Thimbleton Mutual\n", encoding="utf-8")
    cigna = built(site, tmp_path / "second").mappings.payers.payers["cigna"]
    assert (cigna.title, "thimbleton" in cigna.names, "cigna" in cigna.names) == ("Thimbleton Mutual", True, True)


# --- what a site changes


def test_a_value_of_a_policy_is_replaced_and_the_answer_says_who_did(write: Write, site: Path) -> None:
    write(
        "policies/common/documentation.yaml",
        """values:
  documentation:
    dated:
      - effective: 2020-01-01
        value: "off"
        reference: {document: Site agreement, section: "4"}
        reason: notes are audited once a year
""",
    )
    assert decided(bundle_of("no-note"), built()) == ("PEND", ["documentation"])
    assert decided(bundle_of("no-note"), built(site)) == ("APPROVE", [])
    stated = built(site).book.policies["cigna-a015"].rules["documentation"]
    assert stated.label.endswith(", changed by site")
    assert built().book.policies["cigna-a015"].rules["documentation"].label + ", changed by site" == stated.label


def test_a_later_value_is_added_and_earlier_dates_stay(write: Write, site: Path) -> None:
    write(
        "policies/common/session_length.yaml",
        """values:
  minimum_minutes:
    dated+:
      - effective: 2030-01-01
        value: {"0592T": 45}
        reference: {document: Bulletin, section: "1"}
        reason: longer sessions from then on
""",
    )
    dated = built(site).book.policies["common"].rules["session_length"].file.values["minimum_minutes"].dated
    assert [each.effective.year for each in dated][-1] == 2030
    assert len(dated) == 1 + len(
        built().book.policies["common"].rules["session_length"].file.values["minimum_minutes"].dated
    )


def own_code(bundle: Json, code: str) -> Json:
    coded = {"coding": [{"system": "https://site.example/services", "code": code}]}
    part(bundle, "Claim")["item"][0]["productOrService"] = coded
    part(bundle, "Procedure", "approved-proc")["code"] = coded
    return bundle


def concept_map(code: str, target: str | None) -> str:
    targets = [] if target is None else [{"code": target, "equivalence": "equal"}]
    group = {
        "source": "https://site.example/services",
        "target": "http://www.ama-assn.org/go/cpt",
        "element": [{"code": code, "target": targets}],
    }
    return json.dumps({"resourceType": "ConceptMap", "id": "service-codes", "status": "active", "group": [group]})


def test_a_table_is_added_to(write: Write, site: Path) -> None:
    write("tables/service-codes.json", concept_map("COACH-2", "0592T"))
    assert decided(own_code(bundle_of("0592t-approved"), "COACH-2"), built(site)) == ("APPROVE", [])
    assert decided(bundle_of("0592t-approved"), built(site)) == ("APPROVE", []), "what lies below still counts"


def test_an_entry_without_target_takes_away_what_lies_below(write: Write, site: Path, tmp_path: Path) -> None:
    write("tables/service-codes.json", concept_map("COACH-2", "0592T"))
    (tmp_path / "second" / "tables").mkdir(parents=True)
    (tmp_path / "second" / "tables" / "service-codes.json").write_text(concept_map("COACH-2", None), encoding="utf-8")
    assert ("https://site.example/services", "COACH-2") in built(site).mappings.tables["service-codes"].targets
    later = built(site, tmp_path / "second").mappings.tables["service-codes"].targets
    assert ("https://site.example/services", "COACH-2") not in later


def test_a_field_is_extended(write: Write, site: Path) -> None:
    """The certificate's words may also stand in an extension; what was found before is still found."""
    write(
        "r4/practitioner.yaml",
        """groups:
  qualifications:
    fields:
      texts: {path+: "%title"}
""",
    )
    write("r4/variables.yaml", "variables:\n  title: \"extension.where(url = 'https://site.example/title').value\"\n")
    bundle = bundle_of("0592t-approved")
    qualification = part(bundle, "Practitioner", "coach")["qualification"][0]
    qualification.pop("issuer", None)
    qualification["code"] = {"coding": []}
    assert decided(bundle, built(site)) == ("PEND", ["credential"])
    qualification["extension"] = [{"url": "https://site.example/title", "valueString": "NBC-HWC"}]
    assert decided(bundle, built(site)) == ("APPROVE", [])
    assert decided(bundle_of("0592t-approved"), built(site)) == ("APPROVE", [])


def test_a_value_set_keeps_the_codes_it_lists(write: Write, site: Path) -> None:
    write("r4/condition.yaml", "fields:\n  codes: {table: accepted-diagnoses}\n")
    write(
        "tables/accepted-diagnoses.json",
        json.dumps(
            {
                "resourceType": "ValueSet",
                "id": "accepted-diagnoses",
                "compose": {
                    "include": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "concept": [{"code": "E66.9"}]}]
                },
            }
        ),
    )
    mapping = built(site).mappings
    table = mapping.tables["accepted-diagnoses"]
    assert (table.listed_only, [code for _, code in table.targets]) == (True, ["E66.9"])
    (codes,) = (each for each in mapping.resources["Condition"].fields if each.name == "codes")
    assert codes.listed_only


# --- what a site does wrong

EVIDENCE, DOCUMENTS = "r4/evidence.yaml", "r4/documentation.yaml"
MINUTES = "minutes:\n  - {{resource: {resource}, where: 'true', value: value, linked_by: [encounter]}}\n"
CREDENTIALS, SYSTEMS = "codes/credentials.yaml", "tables/code-systems.yaml"


@pytest.mark.parametrize(
    ("name", "text", "line", "says"),
    [
        # (file of the overlay, what it holds, the line to be named, a piece of the message)
        ("r4/encounter.yaml", "fields:\n  stauts: {path: status, as: text}\n", 2, "do you mean 'status'?"),
        ("r4/encounter.yaml", "fields:\n  period: {path: perod}\n", 2, "Encounter has no element 'perod'"),
        ("r4/encounter.yaml", "fields:\n  length: {path: period}\n", 2, "Period cannot be read as minutes"),
        ("r4/encounter.yaml", "fields:\n  class: {path: type}\n", 2, "add .coding"),
        ("r4/encounter.yaml", "fields:\n  period: null\n", 1, "field 'period' of Encounter is not mapped"),
        ("r4/encounter.yaml", "\n\nfields:\n  period: {path: 'period['}\n", 4, "is not FHIRPath: column"),
        ("r4/encounter.yaml", "fields:\n  period: {path: '%perod'}\n", 2, "there is no variable %perod"),
        ("r4/encounter.yaml", "fields:\n  class: {table: classes}\n", 2, "no table 'classes'"),
        ("r4/encounters.yaml", "resource: Encounters\nfields: {}\n", 1, "there is no resource 'Encounters'"),
        ("r4/encounter.yml", "fields: {}\n", 1, "nothing reads this file (do you mean r4/encounter.yaml?)"),
        ("mappings/r4/encounter.yaml", "fields: {}\n", 1, "nothing reads this file"),
        ("payers/other.yaml", "payer: other\ntitle: Other\nnames: [Cigna]\n", 3, "'cigna' would be other and cigna"),
        ("payers/cigna.yaml", "names+: [Aetna Life]\n", 1, "'aetna life' would be cigna and aetna"),
        ("tables/service-codes.json", concept_map("COACH-2", "0999T"), 1, "'0999T' is no code of CPT"),
        ("policies/common/duplicate.yaml", "outcomes:\n  open: {decision: PEND}\n", 2, "PEND with another CARC"),
        (CREDENTIALS, 'kinds: {nbc-hwc: {texts+: [""]}}\n', 1, "holds no letter or digit"),
        (CREDENTIALS, 'kinds: {nbc-hwc: {issuers+: ["--"]}}\n', 1, "holds no letter or digit"),
        (
            CREDENTIALS,
            'kinds:\n  nbc-hwc: {codes+: ["V2-360|X"]}\n',
            2,
            "no code system 'V2-360' (do you mean V2-0360?)",
        ),
        (CREDENTIALS, 'kinds:\n  nbc-hwc: {codes+: ["?|X"]}\n', 2, "no code system '?' (keys: CPT, "),
        (CREDENTIALS, "kinds:\n  nbc-hwc: {codes+: [NOSYS]}\n", 2, "does not have the form"),
        ("payers/cigna.yaml", 'names+: [""]\n', 1, "holds no letter from a to z and no digit"),
        ("payers/cigna.yaml", 'name_parts+: ["--"]\n', 1, "holds no letter from a to z and no digit"),
        (SYSTEMS, "systems:\n  OURS: {preferred: 'http://loinc.org'}\n", 2, "LOINC and OURS are both written"),
        ("r4/claim.yaml", "fields:\n  total: {table: service-codes}\n", 2, "a table translates coding or text"),
        ("r4/claim.yaml", "fields:\n  use: {listed_only: true}\n", 2, "listed_only without a table"),
        (EVIDENCE, "follow:\n  Encounter+: [participnt.individual]\n", 2, "do you mean 'participant'?"),
        (EVIDENCE, "follow:\n  Encounter+: [actualPeriod]\n", 2, "Encounter has no element 'actualPeriod'"),
        (EVIDENCE, "follow:\n  Encounter+: [period]\n", 2, "'period': Period is no Reference"),
        (EVIDENCE, "follow:\n  Encounter+: ['participant[0]']\n", 2, "not a path of member names and extension(URL)"),
        (EVIDENCE, "follow:\n  Claim+: [supportingInfo.value]\n", 2, "write its type too, as in 'valueReference'"),
        (EVIDENCE, "follow:\n  Claim+: [extension(http://x.example).valu]\n", 2, "Extension has no element 'valu'"),
        (EVIDENCE, "follow:\n  Encountr: [subject]\n", 2, "'Encountr' (do you mean 'Encounter'?)"),
        (EVIDENCE, "search: {Observatoin: patient}\n", 1, "there is no resource 'Observatoin'"),
        (EVIDENCE, "by_practitioner: {Period: practitioner}\n", 1, "there is no resource 'Period'"),
        (EVIDENCE, "identified_as:\n  x: [Patient]\n", 2, "no path that is followed ends in 'x'"),
        (EVIDENCE, "identified_as:\n  subjct: [Patient]\n", 2, "do you mean 'subject'?"),
        (EVIDENCE, "identified_as:\n  subject: [Nope]\n", 2, "there is no resource 'Nope'"),
        (DOCUMENTS, "note+:\n  - {resource: Observatoin, where: code.exists()}\n", 2, "no resource 'Observatoin'"),
        (DOCUMENTS, "note+:\n  - {resource: Observation, where: code.coding.code}\n", 2, "which is never true"),
        (DOCUMENTS, MINUTES.format(resource="Observatoin"), 2, "no resource 'Observatoin'"),
        (DOCUMENTS, "elements:\n  madeup: {label: x, found_in: []}\n", 2, "no policy asks for 'madeup'"),
        (DOCUMENTS, "elements:\n  bariers: {label: x, found_in: []}\n", 2, "do you mean 'barriers'?"),
        (DOCUMENTS, "elements:\n  topics: null\n", 1, "policies ask for 'topics'"),
        ("r4/variables.yaml", 'variables: {a: "%a"}\n', 1, "%a names itself"),
        ("r4/variables.yaml", 'variables:\n  a: "%b"\n  b: "%a"\n', 2, "%a names itself"),
        ("r4/variables.yaml", 'variables: {a: "%c"}\n', 1, "there is no variable %c"),
        ("r4/variables.yaml", "variables:\n  b-c: status\n", 2, "no path can name %b-c"),
        ("r4/variables.yaml", "variables:\n  resource: status\n", 2, "%resource is FHIRPath's own"),
    ],
)
def test_a_fault_names_the_file_of_the_overlay(
    write: Write, site: Path, name: str, text: str, line: int, says: str
) -> None:
    write(name, text)
    found = faults(site)
    assert any(each.startswith(f"{site}/{name}:{line}:") and says in each for each in found), found


def test_a_folder_that_is_not_there_is_bad_usage(site: Path) -> None:
    with pytest.raises(Exception, match="no folder with mappings"):
        built(site)


@pytest.mark.parametrize(
    "followed",
    ["participant.individual", "extension(http://x.example).valueReference", "diagnosis.condition", "partOf"],
)
def test_paths_that_lead_to_references_are_taken(write: Write, site: Path, followed: str) -> None:
    write("r4/evidence.yaml", f"follow:\n  Encounter+: [{followed}]\n")
    assert built(site).mappings.plan.follow["Encounter"][-1] == followed


@pytest.mark.parametrize("where", ["active", "active = true", "name.exists() or telecom.exists()", "'x'.contains('y')"])
def test_a_condition_may_be_whatever_is_true_or_false(write: Write, site: Path, where: str) -> None:
    write("r4/documentation.yaml", f'note+:\n  - {{resource: Patient, where: "{where}"}}\n')
    assert built(site).mappings.documentation.note[-1].where == where
