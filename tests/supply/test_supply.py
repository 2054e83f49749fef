"""What we depend on: pinned by hash, all of it needed, all of it declared, under licences that were looked at."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from supply import advisories, sbom
from supply.dependencies import LOCK, ROOT, closure, imported, licence, locked, project, providers

ALLOWED = re.compile(
    r"(MIT|MIT-0|(3-Clause )?BSD|0BSD|ISC|Apache|PSF|Python Software Foundation|MPL|Mozilla Public|Unlicense"
    r"|CNRI-Python)",
    re.IGNORECASE,
)
LOOKED_AT = {
    "fhirpathpy": "MIT, by its licence file; its metadata says nothing",
    "psycopg": "LGPL-3.0: used as a library, unchanged, and replaceable by the user",
    "psycopg-binary": "LGPL-3.0: as psycopg; it comes with dbos",
}
"""Packages whose metadata is not enough, each with what a person found."""
NOT_IMPORTED = {
    "fhir-resources": ("adapter/fhir/validation.py", "fhir.resources"),
    "simple-icd-10-cm": ("adapter/terminology/icd10cm.py", "simple_icd_10_cm"),
    "tzdata": ("adapter/settings.py", "zoneinfo"),
}
"""Packages that are found by name, or that Python itself looks for: the file that does, and the word."""
LOCKED_AUDIT = ROOT / "tests" / "supply" / "audit.lock"
PIN = f"a==1 --hash=sha256:{'0' * 64}"


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


# --- the lock file


@pytest.mark.parametrize("path", [LOCK, LOCKED_AUDIT], ids=lambda path: path.name)
def test_everything_is_pinned_by_hash(path: Path) -> None:
    """A line that is anything else, such as another index, is no package and is refused."""
    assert len(locked(path.read_text())) > 20


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        (PIN, True),
        (PIN.replace(" --", " ; sys_platform == 'win32' --"), True),
        (PIN.replace("a==", "a>="), False),
        ("a==1", False),
        (PIN.replace("sha256", "md5"), False),
        ("https://example.org/a.whl", False),
        ("-e .", False),
    ],
)
def test_what_counts_as_pinned(line: str, *, fits: bool) -> None:
    if fits:
        assert [each.name for each in locked(line)] == ["a"]
    else:
        with pytest.raises(ValueError, match="not pinned"):
            locked(line)


def test_the_lock_file_is_what_the_project_needs_and_no_more() -> None:
    """What is needed elsewhere only, as on Windows, bears a marker."""
    needed = closure(each for group in project().values() for each in group)
    elsewhere = {canonicalize_name(each) for each in re.findall(r"^([\w.-]+)==\S+ *;", LOCK.read_text(), re.MULTILINE)}
    pinned = {each.name: each.version for each in locked()}
    assert set(needed) - set(pinned) == set()
    assert set(pinned) - set(needed) - elsewhere == set()
    assert {name: package.version for name, package in needed.items()} == {name: pinned[name] for name in needed}


@pytest.mark.parametrize("group", sorted(project()))
def test_what_is_locked_is_what_was_asked_for(group: str) -> None:
    pinned = {each.name: each.version for each in locked()}
    for asked in map(Requirement, project()[group]):
        assert pinned[canonicalize_name(asked.name)] in asked.specifier, asked


@pytest.mark.parametrize("name", ["README.md", ".ci/run"])
def test_whoever_installs_installs_what_is_locked(name: str) -> None:
    """With hashes in the file pip asks for one of every package; our own wheel brings no other in."""
    installs = re.findall(r'\bpip"? install\b[^&\n`]*', (ROOT / name).read_text())
    assert name != "README.md" or installs
    for each in installs:
        assert re.search(r"-r (requirements|tests/supply/audit)\.lock\b", each) or "--no-deps ." in each, each


# --- the imports of the package


def test_what_the_package_imports_is_declared() -> None:
    declared = set().union(*(names(each) for group, each in project().items() if group != "dev"))
    undeclared = {each: providers(each) for each in imported(ROOT / "adapter") if not providers(each) & declared}
    assert undeclared == {}


def test_what_is_declared_is_used() -> None:
    used = {name for each in imported(ROOT / "adapter") for name in providers(each)}
    assert names(project()["run"]) - used - set(NOT_IMPORTED) == set()


@pytest.mark.parametrize("name", sorted(NOT_IMPORTED))
def test_what_is_not_imported_is_found_by_name(name: str) -> None:
    file, word = NOT_IMPORTED[name]
    assert name in names(project()["run"])
    assert word in (ROOT / file).read_text()


# --- licences


def test_licences_are_among_those_that_were_looked_at() -> None:
    needed = closure(each for group in project().values() for each in group)
    unknown = {name: licence(package) for name, package in needed.items() if not ALLOWED.match(licence(package))}
    assert {name: told for name, told in unknown.items() if name not in LOOKED_AT} == {}


@pytest.mark.parametrize(
    ("text", "fits"), [("MIT License", True), ("BSD-3-Clause", True), ("GPL-3.0-only", False), ("LGPL-3.0-only", False),
                       ("AGPL", False), ("", False), ("Proprietary", False)]
)  # fmt: skip
def test_the_licences(text: str, *, fits: bool) -> None:
    assert bool(ALLOWED.match(text)) is fits


# --- the bill of materials


@cache
def bill() -> dict[str, Any]:
    return sbom.bill()


def test_the_bill_is_cyclonedx() -> None:
    import json

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill())) is None


def test_the_bill_names_what_is_locked_and_the_project() -> None:
    components = {each["name"]: each for each in bill()["components"]}
    pinned = {each.name: each for each in locked()}
    assert set(components) <= set(pinned)
    assert bill()["metadata"]["component"]["name"] == "fhir-coaching-adapter"
    for name, each in components.items():
        hashes = each["externalReferences"][0]["hashes"]
        assert [one["content"] for one in hashes] == list(pinned[name].hashes)
        assert each["licenses"][0]["license"]["name"]
    scopes = {name: components[name]["scope"] for name in ("httpx", "h11", "pytest")}
    assert scopes == {"httpx": "required", "h11": "required", "pytest": "excluded"}


def test_the_bill_says_who_needs_whom() -> None:
    graph = {each["ref"].partition("==")[0]: each["dependsOn"] for each in bill()["dependencies"]}
    assert any(each.startswith("httpcore==") for each in graph["httpx"])
    assert any(each.startswith("httpx==") for each in graph[sbom.WHOLE])


# --- known vulnerabilities

_CLEAN = '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}'
_HOLE = '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1"}]}, {"name": "b", "skip_reason": "x"}]}'


@pytest.mark.parametrize(
    ("printed", "code", "said"),
    [
        pytest.param(_CLEAN, advisories.CLEAN, "1 packages checked", id="all checked, nothing found"),
        pytest.param(_HOLE, advisories.FOUND, "a 1: X-1", id="something found, and not all checked"),
        pytest.param(
            _HOLE.replace('{"id": "X-1"}', ""), advisories.NOT_CHECKED, "NOT CHECKED", id="one was passed over"
        ),
        pytest.param('{"dependencies": []}', advisories.NOT_CHECKED, "NOT CHECKED", id="nothing was looked at"),
        pytest.param("", advisories.NOT_CHECKED, "NOT CHECKED", id="nobody answers"),
        pytest.param("[]", advisories.NOT_CHECKED, "NOT CHECKED", id="something else is answered"),
    ],
)
def test_what_was_not_checked_is_no_pass(printed: str, code: int, said: str) -> None:
    found, text = advisories.verdict(advisories.read(printed))
    assert found == code
    assert said in text


def test_one_question_comes_before_all() -> None:
    assert advisories.first_of("# made by x\na==1 \\\n    --hash=sha256:0\nb==2\n") == "a==1 \\\n    --hash=sha256:0\n"
