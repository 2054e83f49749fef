"""Mappings and policies that will not load: every fault is named with its file and line, and nothing starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mapping.spoiling import assert_fault, faults, line_with, spoil

from adapter.bootstrap import build
from adapter.errors import ConfigurationError
from adapter.layers import Layers, shipped_mappings
from adapter.settings import Settings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the shipped mappings, to spoil."""
    return Path(shutil.copytree(shipped_mappings(), tmp_path / "mappings"))


def test_the_shipped_mappings_load(root: Path) -> None:
    build(Settings(), Layers.of(root))


ENCOUNTER, CREDENTIAL = "r4/encounter.yaml", "policies/cigna-a015/credential.yaml"
LENGTH, QUANTITY = "policies/common/session_length.yaml", "policies/common/quantity.yaml"
CIGNA, HEADER = "payers/cigna.yaml", "policies/cigna-a015/policy.yaml"


@pytest.mark.parametrize(
    ("name", "old", "new", "at", "says"),
    [
        # (file, what stands there, what stands there instead, a piece of the line to be named, a piece of the message)
        pytest.param(ENCOUNTER, "resource:", "colour: red\nresource:", "colour", "not permitted", id="unknown key"),
        pytest.param(
            ENCOUNTER, "{path: status,", "{path: status, red: 1,", "{path: status,", "red", id="unknown key of a field"
        ),
        pytest.param(ENCOUNTER, "{path: status, as: text}", "{as: text}", "{as: text}", "path", id="missing key"),
        pytest.param(ENCOUNTER, "{path: status, as: text}", "status", "status: status", "status", id="no field at all"),
        pytest.param(
            ENCOUNTER, "table: encounter-classes", "table: no-such", "no-such", "no table", id="unknown table"
        ),
        pytest.param(ENCOUNTER, "as: minutes", "as: fortnights", "fortnights", "minutes", id="unknown type"),
        pytest.param(
            ENCOUNTER,
            "  status:",
            "  class: {path: class, as: coding}\n  status:",
            "table: encounter-classes",
            "stands twice",
            id="duplicate key",
        ),
        pytest.param(ENCOUNTER, "fields:", "fields: @", "fields: @", "not YAML", id="not YAML"),
        pytest.param(
            ENCOUNTER, "resource: Encounter", "- Encounter", "fields:", "not YAML", id="a list, then a mapping"
        ),
        pytest.param(
            ENCOUNTER,
            "{path: status,",
            '{path: "status = \'open",',
            "status = ",
            "FHIRPath",
            id="a quote left open",
        ),
        pytest.param(
            ENCOUNTER,
            "{path: status,",
            '{path: "status.where(",',
            "status.where(",
            "FHIRPath",
            id="bad FHIRPath",
        ),
        pytest.param(
            ENCOUNTER,
            "path: participant\n",
            'path: "participant["\n',
            "participant[",
            "FHIRPath",
            id="bad FHIRPath of a group",
        ),
        pytest.param(
            ENCOUNTER,
            "{path: type.coding, as",
            "{path: type..coding, as",
            "type..coding",
            "FHIRPath",
            id="bad FHIRPath inside a group",
        ),
        pytest.param(ENCOUNTER, "{path: status,", '{path: "",', 'path: "",', "FHIRPath", id="empty FHIRPath"),
        pytest.param(
            ENCOUNTER,
            "{path: status,",
            '{path: "status.frist()",',
            "frist",
            "frist",
            id="unknown function",
        ),
        pytest.param(
            "r4/documentation.yaml",
            "(status = 'active' or",
            "(status = 'active' or or",
            "or or",
            "FHIRPath",
            id="bad FHIRPath of a place",
        ),
        pytest.param(
            "r4/documentation.yaml", "label: barriers", "labels: barriers", "labels:", "labels", id="mistyped label"
        ),
        pytest.param("r4/evidence.yaml", "follow:", "fellow:", "fellow:", "fellow", id="mistyped key of the plan"),
        pytest.param(
            "tables/code-systems.yaml",
            "preferred: http://loinc.org",
            "prefered: http://loinc.org",
            "prefered",
            "prefered",
            id="mistyped key of a code system",
        ),
        pytest.param(
            "tables/care-team-roles.json",
            '"ConceptMap"',
            '"CodeSystem"',
            "CodeSystem",
            "ConceptMap",
            id="no ConceptMap",
        ),
        pytest.param("tables/care-team-roles.json", '"title":', '"title"', '"title"', "not YAML", id="not JSON"),
        pytest.param(
            "codes/credentials.yaml",
            "  peer:",
            "  ches: # again",
            "# again",
            "stands twice",
            id="a kind of credential twice",
        ),
        pytest.param("codes/service-codes.yaml", "checked: ", "checked: soon #", "checked:", "date", id="no date"),
        pytest.param(CIGNA, "title: Cigna", "titel: Cigna", "titel", "titel", id="mistyped key of a payer"),
        pytest.param(CREDENTIAL, "rule: credential", "rule: credentials", "rule:", "no rule", id="unknown rule"),
        pytest.param(CREDENTIAL, "  expired:", "  run_out:", "run_out", "no outcomes.run_out", id="unknown outcome"),
        pytest.param(
            CREDENTIAL, "  expired:", "  run_out:", "outcomes:", "needs outcomes.expired", id="missing outcome"
        ),
        pytest.param(
            CREDENTIAL,
            "accepted_taxonomies:",
            "taxonomies:",
            "values:",
            "needs values.accepted_taxonomies",
            id="missing value",
        ),
        pytest.param(CREDENTIAL, "decision: DENY", "decision: MAYBE", "MAYBE", "DENY", id="unknown decision"),
        pytest.param(CREDENTIAL, '["185"]', '["9185"]', "9185", "CARC 9185 is in no table", id="unknown CARC"),
        pytest.param(CREDENTIAL, "[N95]", "[N9595]", "N9595", "RARC N9595 is in no table", id="unknown RARC"),
        pytest.param(QUANTITY, "[M53, MA130]", "[MA67]", "carc:", "needs a remark code", id="an alert is no remark"),
        pytest.param(
            LENGTH, '"0592T", "0593T"]', '"0592T", "9592T"]', "9592T", "9592T is in no table", id="unknown code"
        ),
        pytest.param(
            LENGTH, "        reference: {", "        referral: {", "referral", "referral", id="mistyped reference"
        ),
        pytest.param(
            LENGTH, "        reference: {", "        referral: {", "- effective:", "reference", id="missing reference"
        ),
        pytest.param(
            LENGTH,
            "section: Billing Code Overview}\nvalues",
            'section: " "}\nvalues',
            "reference: {",
            "section",
            id="an empty reference",
        ),
        pytest.param(HEADER, "extends: common", "extends: commons", "extends:", "commons", id="extends no policy"),
        pytest.param(HEADER, "extends: common", "extends: cigna-a015", "extends:", "no other", id="extends itself"),
        pytest.param(
            HEADER, "effective: 2023-04-15", "effective: spring", "spring", "effective", id="begins in spring"
        ),
        pytest.param(
            CIGNA,
            "policies: [cigna-a015]",
            "policies: [cigna-b016]",
            "policies:",
            "no policy 'cigna-b016'",
            id="a payer's unknown policy",
        ),
    ],
)
def test_each_fault_has_its_file_and_line(root: Path, name: str, old: str, new: str, at: str, says: str) -> None:
    spoil(root, name, old, new)
    assert_fault(root, name, at, says)


UNREADABLE_YAML = [
    pytest.param("effective: 2023-02-30", id="a day that does not exist"),
    pytest.param("effective: !!python/object:os.system ls", id="a tag that means code"),
    pytest.param("effective: !policy spring", id="a tag nobody knows"),
    pytest.param("effective: {[a, b]: c}", id="a list for a key"),
    pytest.param("effective: \x07", id="a control character"),
    pytest.param("effective: *nowhere", id="an alias to nothing"),
    pytest.param("effective: &itself {x: *itself}", id="an alias to itself"),
    pytest.param("effective: &day 2023-04-15\nend: *day", id="an alias of a value"),
    pytest.param(f"effective: {'[' * 2000}", id="nested without end"),
    pytest.param(f"effective: {'[' * 60}{']' * 60}", id="nested deeply"),
]
BOMB = "\n".join(f"level{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10))


@pytest.mark.parametrize("spoilt", UNREADABLE_YAML)
def test_yaml_that_cannot_be_built_is_a_fault_and_no_crash(root: Path, spoilt: str) -> None:
    spoil(root, HEADER, "effective: 2023-04-15", spoilt)
    line = line_with(root, HEADER, "*day" if "*day" in spoilt else "effective: ")
    assert (f"mappings/{HEADER}", line) in [(each.file, each.line) for each in faults(root)]


def test_aliases_that_multiply_are_a_fault_at_the_first(root: Path) -> None:
    (root / "r4" / "variables.yaml").write_text(f"level0: &l0 [a]\n{BOMB}\n", encoding="utf-8")
    (found,) = (each for each in faults(root) if each.file == "mappings/r4/variables.yaml")
    assert (found.line, found.problem) == (2, "an alias; write out what it stands for")


@pytest.mark.parametrize("title", [r"Roles \ud83d\ude00", r"a path \\ud83d", "Roles \U0001f600"])
def test_json_may_escape_what_it_says(root: Path, title: str) -> None:
    spoil(root, "tables/care-team-roles.json", '"title": "', f'"title": "{title} ')
    build(Settings(), Layers.of(root))


def test_half_a_character_is_no_text(root: Path) -> None:
    spoil(root, "tables/care-team-roles.json", '"title": "', r'"title": "\ud83d ')
    assert_fault(root, "tables/care-team-roles.json", '"title"', "not YAML")


def test_a_file_that_is_no_utf8_is_named(root: Path) -> None:
    (root / CIGNA).write_bytes(b"payer: \xff")
    assert [each.file for each in faults(root)][:1] == [f"mappings/{CIGNA}"]


def test_dates_out_of_order_are_named_at_the_later_one(root: Path) -> None:
    again = """      - effective: 2019-01-01
        value: {"0592T": 20}
        reference: {document: Invented bulletin, section: "3"}
        reason: to be out of order
outcomes:"""
    spoil(root, LENGTH, "outcomes:", again)
    (fault,) = faults(root)
    assert (fault.file, fault.line) == (f"mappings/{LENGTH}", line_with(root, LENGTH, "2019-01-01"))
    assert "does not come after" in fault.problem


def test_the_same_date_twice_is_out_of_order_too(root: Path) -> None:
    text = (root / LENGTH).read_text(encoding="utf-8")
    first = text[text.index("      - effective:") : text.index("outcomes:")]
    spoil(root, LENGTH, "outcomes:", f"{first}outcomes:")
    assert "does not come after" in faults(root)[0].problem


NEEDED = sorted(
    str(path.relative_to(shipped_mappings()))
    for path in [
        *shipped_mappings().glob("r4/*.yaml"),
        *shipped_mappings().glob("tables/*"),
        *shipped_mappings().glob("codes/*.yaml"),
    ]
    if path.stem != "icd-10-cm"
)


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_that_is_not_there_stops_the_start(root: Path, name: str) -> None:
    (root / name).unlink()
    assert faults(root)


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("r4/encounter.yaml", "  period: {path: period, as: period}\n"),
        ("r4/claim.yaml", "  patient: {path: patient, as: reference}\n"),
        ("r4/practitioner.yaml", "      period: {path: period, as: date}\n"),
    ],
)
def test_a_field_that_is_not_there_stops_the_start(root: Path, name: str, gone: str) -> None:
    spoil(root, name, gone, "")
    assert faults(root)


@pytest.mark.parametrize(
    ("name", "value", "mistyped"),
    [
        ("policies/common/documentation.yaml", "value: note_on_file", "value: note_on_fiel"),
        ("policies/common/face_to_face.yaml", "value: silent", "value: silence"),
        ("policies/common/prior_assessment.yaml", "value: pend", "value: pending"),
        ("policies/common/timed_units.yaml", "value: undecided", "value: undecidable"),
        ("policies/cigna-a015/supervision.yaml", "value: warn", "value: wran"),
        (LENGTH, '"0592T": 30', '"0592T": thirty'),
    ],
)
def test_a_mistyped_choice_stops_the_start(root: Path, name: str, value: str, mistyped: str) -> None:
    spoil(root, name, value, mistyped)
    (fault,) = faults(root)
    assert (fault.file, fault.line) == (f"mappings/{name}", line_with(root, name, mistyped))


def test_every_fault_of_every_file_is_reported_in_order(root: Path) -> None:
    spoil(root, ENCOUNTER, "as: minutes", "as: fortnights")
    spoil(root, CIGNA, "title: Cigna", "titel: Cigna")
    spoil(root, CREDENTIAL, "rule: credential", "rule: credentials")
    spoil(root, LENGTH, "decision: DENY", "decision: MAYBE")
    spoil(root, LENGTH, 'carc: ["252"]', 'carc: ["252"]\n    colour: red')
    found = [each.file.removeprefix("mappings/") for each in faults(root)]
    assert set(found) >= {ENCOUNTER, CIGNA, CREDENTIAL, LENGTH}
    assert found.count(LENGTH) == 2
    assert found == sorted(found)


def test_a_folder_for_a_release_nobody_wrote_is_a_fault(root: Path) -> None:
    shutil.rmtree(root / "r4")
    assert any("no mappings for FHIR R4" in str(each) for each in faults(root))


PRACTITIONER = "resource: Practitioner\nfields: {active: {path: active, as: boolean}}\n"


@pytest.mark.parametrize(
    ("name", "text", "line", "says"),
    [
        pytest.param("r4/zz-practitioner.yaml", PRACTITIONER, 1, "of another name", id="a second file of a resource"),
        pytest.param("r4/claim.yaml", "\nresource: Encounter\n", 2, "of another name", id="another resource's file"),
        pytest.param("r4/Encounter.yaml", "fields: {length: {path+: text}}\n", 1, "with capitals", id="capitals"),
    ],
)
def test_a_resource_has_one_file_of_its_name(root: Path, name: str, text: str, line: int, says: str) -> None:
    site = root.parent / "site"
    (site / name).parent.mkdir(parents=True)
    (site / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        build(Settings(), Layers.of(root, site))
    (fault,) = caught.value.faults
    assert (fault.file, fault.line) == (f"{site}/{name}", line)
    assert says in fault.problem
