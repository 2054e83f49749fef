"""Policies that would switch a check off, or cite and emit what nobody knows: each stops the start, file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mapping.spoiling import assert_fault, assert_named, faults, line_with, spoil

from adapter.bootstrap import build, notices
from adapter.coverage.registry import RULES, load_rules
from adapter.errors import ConfigurationError
from adapter.layers import Layers, shipped_mappings
from adapter.mapping.loader import load_mappings
from adapter.mapping.tables import Payers
from adapter.policy.loader import load_policies
from adapter.settings import Settings

COMMON, A015 = "policies/common", "policies/cigna-a015"
LENGTH, TERMS, ASSESSED = (
    f"{COMMON}/session_length.yaml",
    f"{COMMON}/plan_terms.yaml",
    f"{COMMON}/prior_assessment.yaml",
)
MODIFIERS, SETTING, LIMIT = f"{COMMON}/modifiers_meaning.yaml", f"{COMMON}/setting.yaml", f"{COMMON}/benefit_limit.yaml"
DOCUMENTATION, QUANTITY = f"{COMMON}/documentation.yaml", f"{COMMON}/quantity.yaml"
CREDENTIAL, DIAGNOSIS = f"{A015}/credential.yaml", f"{A015}/diagnosis_in_scope.yaml"
LISTED, HEADER, CIGNA = f"{A015}/code_listed.yaml", f"{A015}/policy.yaml", "payers/cigna.yaml"
STATEMENTS, NCCI = "policies/statements.yaml", "codes/ncci.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the shipped mappings, to spoil."""
    return Path(shutil.copytree(shipped_mappings(), tmp_path / "mappings"))


def row(name: str, old: str, new: str, at: str, says: str, *, id: str) -> object:
    """File, what stands there, what stands there instead, a piece of the line to be named, a piece of the message."""
    return pytest.param(name, old, new, at, says, id=id)


WORDS = [
    row(
        LENGTH,
        '{"0592T": 30,',
        '{"0529T": 30,',
        '"0529T"',
        "service code 0529T is in no table",
        id="minimum of no code",
    ),
    row(LENGTH, '"0592T": 30', '"0592T": true', '0592T": true', "must be a whole number", id="true is no minute"),
    row(LENGTH, '"0592T": 30', '"0592T": 0', '0592T": 0', "must be more than 0", id="a minimum of nothing"),
    row(LENGTH, '"0592T": 30', '"0592T": "30"', '0592T": "30"', "must be a whole number", id="a number in quotes"),
    row(LISTED, '"0592T", H0038]', "0592T, H0083]", "H0083", "service code H0083 is in no table", id="a listed code"),
    row(TERMS, "value: []", 'value: ["O592T"]', "O592T", "service code O592T is in no table", id="an excluded code"),
    row(TERMS, "value: false", "value: 0", "value: 0", "must be true or false", id="a number for a truth"),
    row(ASSESSED, 'value: "0591T"', 'value: "0519T"', "0519T", "service code 0519T is in no table", id="initial code"),
    row(
        CREDENTIAL,
        "H0038: [peer]",
        "H0083: [peer]",
        "H0083",
        "service code H0083 is in no table",
        id="coach of no code",
    ),
    row(CREDENTIAL, "H0038: [peer]", "H0038: [pear]", "[pear]", "credential kind pear is in no table", id="credential"),
    row(CREDENTIAL, "[175T00000X]", "[175T0000X]", "175T0000X", "does not have the form", id="a taxonomy too short"),
    row(CREDENTIAL, '["202",', '["",', '["",', "does not have the form", id="a prefix of every taxonomy"),
    row(
        f"{A015}/supervision.yaml",
        "[physician,",
        "[physicans,",
        "physicans",
        "in no table",
        id="a supervisor's licence",
    ),
    row(MODIFIERS, "[reduced,", "[redcued,", "redcued", "must be one of", id="kind of modifier to review"),
    row(
        MODIFIERS, "[telehealth,", "[telehelth,", "telehelth", "must be one of", id="kind of modifier decided elsewhere"
    ),
    row(
        "codes/modifiers.yaml",
        "kind: telehealth",
        "kind: telehelth",
        "telehelth",
        "must be one of",
        id="a modifier's kind",
    ),
    row(SETTING, "VR: telehealth", "VIR: telehealth", "VIR:", "must be one of", id="a class that does not exist"),
    row(SETTING, "VR: telehealth", "VR: tele", "VR: tele", "must be one of", id="a setting that does not exist"),
    row(
        "codes/places-of-service.yaml",
        "class: telehealth,",
        "class: remote,",
        "remote",
        "must be one of",
        id="POS class",
    ),
    row(
        "codes/places-of-service.yaml",
        "class: telehealth,",
        "clas: telehealth,",
        "clas:",
        "not permitted",
        id="POS key",
    ),
    row(DIAGNOSIS, "[F01-F99]", "[F99-F01]", "F99-F01", "no range", id="a range that runs backwards"),
    row(DIAGNOSIS, "[F01-F99]", "[f01-f99]", "f01-f99", "no range", id="a range in lower case"),
    row(DIAGNOSIS, "[O99.34,", "[O9934x,", "O9934x", "how an ICD-10-CM code begins", id="a prefix that no code has"),
    row(f"{COMMON}/currency.yaml", "value: USD", "value: usd", "value: usd", "does not have the form", id="a currency"),
    row(
        f"{COMMON}/policy_in_force.yaml",
        "value: 2025-01-01",
        "value: 2025",
        "value: 2025",
        "must be a date",
        id="a year",
    ),
    row(
        "codes/service-codes.yaml",
        "start: 2020-01-01\n    end: null",
        "start: 2020-01-01\n    end: 2019-01-01",
        "0591T",
        "before it starts",
        id="ends before it starts",
    ),
]

REASONS = [
    row(CREDENTIAL, '["185"]', '["15"]', '["15"]', "CARC 15 is dead since 2018-05-01", id="a dead code"),
    row(CREDENTIAL, '["185"]', '["133"]', "not_accepted:", "DENY without a CARC of its own", id="a denial still open"),
    row(CREDENTIAL, '["185"]', '["185", "96"]', "not_accepted:", "DENY without a CARC of its own", id="two reasons"),
    row(CREDENTIAL, '["185"]', "[]", "not_accepted:", "DENY without a CARC of its own", id="a denial without a reason"),
    row(CREDENTIAL, '["185"]', '["50"]', 'carc: ["50"]', "medical necessity", id="medical necessity"),
    row(CREDENTIAL, '["185"]', '["16"]', 'carc: ["16"]', "CARC 16 rejects", id="16 on a denial"),
    row(
        QUANTITY, "[M53, MA130]", "[N706, MA130]", 'carc: ["16"]', "asks for a document", id="16 asking for a document"
    ),
    row(QUANTITY, "[M53, MA130]", "[MA130]", 'carc: ["16"]', "needs a remark code", id="16 with MA130 alone"),
    row(
        QUANTITY,
        "decision: WARN",
        "decision: WARN\n    rarc: [N570]",
        "absent:",
        "a warning carries",
        id="a warning asks",
    ),
    row(
        LIMIT, 'carc: ["133"]', 'carc: ["133"]\n    rarc: [N570]', "rarc: [N570]", "nobody would see", id="review asks"
    ),
    row(QUANTITY, "fix: Send the number of units.", 'fix: " "', "absent:", "nothing to do", id="nothing to do"),
]

SOURCES = [
    row(
        LIMIT,
        "section: Benefit plan",
        "section: Benefits",
        "section: Benefits",
        "no section 'Benefits'",
        id="a section",
    ),
    row(
        DOCUMENTATION,
        "section: Clinical Context (documentation)",
        "section: 7",
        "section: 7",
        "must be text",
        id="a number",
    ),
    row(DOCUMENTATION, "H0038:", "H0083:", "H0083", "service code H0083 is in no table", id="elsewhere for no code"),
    row(
        DOCUMENTATION,
        "section: Documentation of the session",
        "section: Notes",
        "Notes",
        "no section 'Notes'",
        id="elsewhere",
    ),
    row(LENGTH, "statements: [S04,", "statements: [S99,", "S99", "does not have the form", id="no such statement"),
    row(LENGTH, "rows: [1,", "rows: [999,", "999", "must be at most 96", id="no such row"),
    row(STATEMENTS, "  S47:", "  S48:", "S48", "does not have the form", id="no such statement to account for"),
    row(STATEMENTS, "as: not checked,", "as: forgotten,", "forgotten", "must be one of", id="accounted for in no way"),
    row(STATEMENTS, "\nstatements:", "\nstatments:", "statments:", "not permitted", id="a mistyped key"),
]

POLICIES = [
    row(
        HEADER,
        "extends: common\n",
        "",
        "policy: cigna",
        "of the rules that bind whoever pays",
        id="extends nothing",
    ),
    row(
        HEADER, "policy: cigna-a015", "policy: cigna-a-015", "policy: cigna-a-015", "in the folder", id="another folder"
    ),
    row(
        HEADER,
        "next_review: 2024",
        "next_review: 2022",
        "next_review",
        "lies before effective",
        id="review before effect",
    ),
    row(HEADER, "next_review: 2024", "end: 2022", "end: 2022", "lies before effective", id="end before effect"),
    row(HEADER, "decides: true", 'decides: "yes"', 'decides: "yes"', "must be true or false", id="yes is no truth"),
    row(
        HEADER,
        'version: "2023-04-15"',
        "version: 2023-04-15",
        "version:",
        "must be text (in quotes",
        id="a bare version",
    ),
    row(
        HEADER, "effective: 2023-04-15", "effective: 20230415", "effective:", "must be a date", id="a number for a day"
    ),
    row(HEADER, "effective: 2023-04-15", "effective: 2023-04-15T10:00:00", "effective:", "must be a date", id="a time"),
    row(HEADER, "extends: common", "overlay: {}", "overlay: {}", "lies on every claim", id="an overlay on everything"),
    row(
        HEADER, "extends: common", "overlay: {payer: cigan}", "overlay:", "no payer 'cigan'", id="an overlay on nobody"
    ),
    row(
        HEADER,
        "extends: common",
        "overlay: {states: [Texas]}",
        "overlay:",
        "does not have the form",
        id="a state's name",
    ),
    row(
        HEADER,
        "extends: common",
        "overlay: {plans: [X], over_plan: true}",
        "overlay:",
        "rules of a state",
        id="over plan",
    ),
    row(
        HEADER,
        "extends: common",
        "extends: common\noverlay: {plans: [X]}",
        "extends:",
        "extends no policy",
        id="overlay extends",
    ),
    row(
        f"{COMMON}/policy.yaml",
        "decides:",
        "end: 2030-01-01\ndecides:",
        "end:",
        "do not end",
        id="an end of the common rules",
    ),
]

EDITS = [
    row(
        NCCI,
        '{column_one: "0592T", column_two: "0591T"',
        '{column_one: "0529T", column_two: "0591T"',
        "0529T",
        "0529T is in no table",
        id="a pair of no code",
    ),
    row(
        NCCI,
        '"0591T": {units: 1, mai: 2}',
        '"0519T": {units: 1, mai: 2}',
        "0519T",
        "0519T is in no table",
        id="a limit of no code",
    ),
    row(
        NCCI,
        '"0591T": {units: 1, mai: 2}',
        '"0591T": {units: 0, mai: 2}',
        "units: 0",
        "must be more than 0",
        id="a limit of nothing",
    ),
    row(
        NCCI,
        '{column_one: "90792", column_two: "0591T", modifier_indicator: 0}',
        '{column_one: "90791", column_two: "0591T", modifier_indicator: 1}',
        "indicator: 1",
        "stands twice",
        id="a pair twice",
    ),
]


@pytest.fixture(scope="module")
def payers() -> Payers:
    return load_mappings(Layers.of(shipped_mappings()), "r4").payers


@pytest.mark.parametrize(("name", "old", "new", "at", "says"), [*WORDS, *REASONS, *SOURCES, *POLICIES, *EDITS])
def test_a_fault_has_its_file_and_line(
    root: Path, payers: Payers, name: str, old: str, new: str, at: str, says: str
) -> None:
    spoil(root, name, old, new)
    with pytest.raises(ConfigurationError) as caught:
        load_policies(Layers.of(root), payers)
    assert_named(caught.value.faults, root, name, at, says)


load_rules()
UNKNOWN = [(name, outcome) for name in sorted(RULES) for outcome in RULES[name].unknown]


@pytest.mark.parametrize("decision", ["APPROVE", "WARN", "DENY", "REJECT"])
@pytest.mark.parametrize(
    ("name", "outcome"),
    [("session_times", "unknown"), ("session_times", "contradictory"), ("session_length", "unknown")],
)
def test_what_is_unknown_decides_nothing(root: Path, payers: Payers, name: str, outcome: str, decision: str) -> None:
    """Contract: unknown never becomes APPROVE or DENY, whatever a policy says."""
    file = f"{COMMON}/{name}.yaml"
    spoil(root, file, f"  {outcome}:\n    decision: PEND", f"  {outcome}:\n    decision: {decision}")
    with pytest.raises(ConfigurationError) as caught:
        load_policies(Layers.of(root), payers)
    assert_named(caught.value.faults, root, file, f"  {outcome}:", "evidence is missing, which decides nothing")


def test_the_outcomes_that_stand_for_the_unknown_are_outcomes() -> None:
    assert {name for name, outcome in UNKNOWN} >= {"session_times", "session_length", "evidence_on_file", "credential"}
    assert [(name, outcome) for name, outcome in UNKNOWN if outcome not in RULES[name].outcomes] == []


def test_two_policies_of_one_payer_from_the_same_day_are_a_fault(root: Path) -> None:
    spoil(root, CIGNA, "policies: [cigna-a015]", "policies: [cigna-a015, cigna-a015]")
    assert_fault(root, CIGNA, "policies:", "cigna-a015 and cigna-a015 both begin on 2023-04-15")


# --- what stands in another file than the one to be named


def test_a_policy_that_no_payer_names_is_a_fault(root: Path) -> None:
    spoil(root, CIGNA, "policies: [cigna-a015]\n", "")
    assert_fault(root, HEADER, "policy: cigna-a015", "nothing uses the policy 'cigna-a015'")


def test_a_payer_cannot_name_an_overlay(root: Path) -> None:
    spoil(root, HEADER, "extends: common", "overlay: {plans: [X]}")
    assert_fault(root, CIGNA, "policies:", "'cigna-a015' is an overlay")


def test_two_files_of_one_rule_are_a_fault(root: Path) -> None:
    shutil.copy(root / LENGTH, root / COMMON / "session_length_again.yaml")
    assert_fault(root, f"{COMMON}/session_length_again.yaml", "rule:", "stands in a file of another name")


def test_without_common_rules_nothing_starts(root: Path) -> None:
    shutil.rmtree(root / COMMON)
    assert "extends 'common', which is no other policy" in {each.problem for each in faults(root)}


def test_the_rules_of_a_payer_may_all_be_its_own(root: Path) -> None:
    """Not extending the common policy is no fault where every rule of it is stated."""
    for path in (root / COMMON).glob("*.yaml"):
        if not (root / A015 / path.name).exists():
            shutil.copy(path, root / A015 / path.name)
    spoil(root, HEADER, "extends: common\n", "")
    assert build(Settings(), Layers.of(root)).book.policies["cigna-a015"].rules.keys() >= {"setting", "duplicate"}


def test_a_rule_that_no_policy_states_is_a_fault(root: Path) -> None:
    (root / A015 / "supervision.yaml").unlink()
    assert [(each.file, each.problem) for each in faults(root)] == [
        (f"mappings/{COMMON}/supervision.yaml", "no policy states the rule supervision")
    ]


def test_a_document_that_no_policy_names_is_worth_a_look(root: Path) -> None:
    layers = Layers.of(root)
    assert notices(layers, build(Settings(), layers)) == []
    spoil(root, LENGTH, "document: Overview of CPT 0592T", "document: Overview of CPT O592T")
    (notice,) = notices(layers, build(Settings(), layers))
    assert (notice.file, notice.line) == (f"mappings/{LENGTH}", line_with(root, LENGTH, "O592T"))
    assert "no policy names the document 'Overview of CPT O592T'" in notice.problem


def test_a_fault_that_mappings_and_policies_both_find_is_told_once(root: Path) -> None:
    spoil(root, "codes/credentials.yaml", "  peer:", "  peer:\n    colour: red")
    assert [each.problem for each in faults(root)].count(
        "kinds.peer.colour: is not permitted here: nothing reads this key"
    ) == 1


# --- the words of a fault are ours


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        pytest.param(LENGTH, "statements: [S04, S40]", "statements: S04", "statements: must be a list", id="no list"),
        pytest.param(LENGTH, "values:", "values: 5\nold:", "values: must be a mapping", id="no mapping"),
        pytest.param(LENGTH, "unit: minute", "unit: 1", "unit: must be text", id="no text"),
        pytest.param(LENGTH, "kind: coverage", "binding: 1", "kind: is missing", id="a key that is missing"),
        pytest.param(LENGTH, "    dated:", "    dated: []\n    old:", "dated: must not be empty", id="an empty list"),
        pytest.param(LENGTH, "kind: coverage", "kind: cover", "kind: must be one of 'form', ", id="no such choice"),
        pytest.param(LENGTH, "rule: session_length", "- session_length", "not YAML", id="no file of a rule"),
        pytest.param(QUANTITY, "rows: [70, 71]", "rows: [0]", "rows.0: must be at least 1", id="a row too low"),
        pytest.param("r4/encounter.yaml", "path: status,", "path: 3,", "fields.status.path: must be text", id="a path"),
    ],
)
def test_a_fault_is_said_in_our_words(root: Path, name: str, old: str, new: str, says: str) -> None:
    spoil(root, name, old, new)
    said = [each.problem for each in faults(root)]
    assert any(says in each for each in said), said


def test_a_file_that_is_a_list_is_told_what_it_should_be(root: Path) -> None:
    (root / QUANTITY).write_text("[quantity]", encoding="utf-8")
    assert "must be a mapping, with a key: value on each line" in {each.problem for each in faults(root)}
