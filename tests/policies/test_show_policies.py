"""``policies`` and ``policies show``: all a policy owner must see, as a table and as JSON."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from adapter.cli.main import app

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def wide_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "2000")


@cache
def printed(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["policies", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def shown(policy: str, on: str) -> str:
    """The table's text, without its frame and with single spaces."""
    return " ".join(printed("show", policy, "--on", on).replace("│", " ").split())


def described(policy: str, on: str) -> Json:
    found: Json = json.loads(printed("show", policy, "--on", on, "--format", "json"))
    return found


def rule(policy: str, on: str, name: str) -> Json:
    (found,) = (each for each in described(policy, on)["rules"] if each["rule"] == name)
    return dict(found)


@pytest.mark.parametrize(
    ("on", "state", "in_force", "past_review"),
    [
        ("2023-04-14", "NOT in force on 2023-04-14; from 2023-04-15, next review 2024-04-15.", False, False),
        ("2023-04-15", "In force on 2023-04-15; from 2023-04-15, next review 2024-04-15.", True, False),
        ("2024-04-15", "In force on 2024-04-15; from 2023-04-15, next review 2024-04-15.", True, False),
        (
            "2024-04-16",
            "In force on 2024-04-16; from 2023-04-15, past its review date 2024-04-15; it still applies.",
            True,
            True,
        ),
    ],
)
def test_whether_a_policy_is_in_force_and_past_its_review(
    on: str, state: str, in_force: bool, past_review: bool
) -> None:
    assert state in printed("show", "cigna-a015", "--on", on)
    found = described("cigna-a015", on)
    assert (found["in_force"], found["past_review"]) == (in_force, past_review)


@pytest.mark.parametrize("policy", ["cigna-a015", "common", "medicare-ncci"])
def test_the_table_holds_what_the_json_holds(policy: str) -> None:
    text = shown(policy, "2024-08-01")
    for each in described(policy, "2024-08-01")["rules"]:
        for words in (each["rule"], each["description"], each["source"], each["layer_title"], *each["statements"]):
            assert words in text
        for value in each["values"]:
            assert value["words"] in text
            assert f"since {value['effective']}: {value['source']}" in text
        for name, outcome in each["outcomes"].items():
            codes = [*(f"CARC {code}" for code in outcome["carc"]), *(f"RARC {code}" for code in outcome["rarc"])]
            assert f"{name}: {outcome['decision']} {', '.join(codes)}".rstrip() in text


def test_a_rule_names_the_statements_it_accounts_for_and_the_rows_that_test_it() -> None:
    found = rule("cigna-a015", "2023-06-01", "session_length")
    assert found["statements"] == ["S04", "S40"]
    assert found["rows"] == [1, 2, 3, 4, 5, 6, 14, 16, 19, 68]
    assert "accounts for S04, S40" in printed("show", "cigna-a015", "--on", "2023-06-01")


@pytest.mark.parametrize(
    ("on", "words", "since"),
    [
        ("2019-12-31", "no value yet: a person decides", None),
        ("2020-01-01", "0592T: 30 minutes; 0593T: 30 minutes", "2020-01-01"),
    ],
)
def test_a_value_is_that_of_the_day(on: str, words: str, since: str | None) -> None:
    (value,) = rule("common", on, "session_length")["values"]
    assert (value["words"], value["effective"]) == (words, since)
    assert words in printed("show", "common", "--on", on)


def test_medicare_shows_its_pairs_and_limits() -> None:
    found = described("medicare-ncci", "2024-08-01")
    assert {"column_one": "0592T", "column_two": "0591T", "modifier_indicator": 0} in found["same_day_pairs"]
    assert {"column_one": "0592T", "column_two": "99213", "modifier_indicator": 1} in found["same_day_pairs"]
    assert found["unit_limits"] == [
        {"code": code, "units": 1, "counted_by": "day"} for code in ("0591T", "0592T", "0593T")
    ]
    assert found["edits_from"] == "2024-07-01"
    text = shown("medicare-ncci", "2024-08-01")
    assert "90834 0591T, 0592T, 0593T no" in text
    assert "0592T 99202, 99203, 99204, 99205, 99211, 99212, 99213, 99214, 99215 yes" in text
    assert "At most 1 unit of 0592T a day." in text


def test_a_policy_without_the_edits_shows_none() -> None:
    found = described("cigna-a015", "2024-08-01")
    assert (found["same_day_pairs"], found["unit_limits"]) == ([], [])
    assert "Same-day pairs" not in printed("show", "cigna-a015", "--on", "2024-08-01")


def overlay(root: Path, name: str, selector: Json) -> None:
    header = {
        "policy": name,
        "title": f"Terms of {name}",
        "uri": f"https://plans.example.org/{name}",
        "version": "1",
        "effective": "2024-01-01",
        "decides": False,
        "document": "Plan document",
    }
    folder = root / "policies" / name
    folder.mkdir(parents=True)
    header["overlay"] = selector
    (folder / "policy.yaml").write_text(yaml.safe_dump(header))


def test_the_list_names_payers_the_common_rules_and_overlays(tmp_path: Path) -> None:
    overlay(tmp_path, "acme", {"payer": "cigna", "plans": ["ACME"]})
    overlay(tmp_path, "texas", {"states": ["TX"]})
    rows = json.loads(printed("--mappings", str(tmp_path), "--format", "json"))
    assert [(row["title"], row["policy"]) for row in rows] == [
        ("Aetna", None),
        ("Blue Cross Blue Shield", None),
        ("Cigna", "cigna-a015"),
        ("Medicare", "medicare-ncci"),
        ("UnitedHealthcare", None),
        ("Cigna; plan ACME", "acme"),
        ("every payer", "common"),
        ("every payer; state TX", "texas"),
    ]
    text = " ".join(printed("--mappings", str(tmp_path)).replace("│", " ").split())
    for words in ("Cigna; plan ACME acme 1 2024-01-01", "every payer common", "Aetna none published: review"):
        assert words in text
