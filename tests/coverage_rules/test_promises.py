"""What a reviewer would check by hand each time: sources, reason codes, names, and what the pure core may import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from table.reason_codes import ABOUT_DOCUMENTS, ALERTS, DEAD, NEEDS_REMARK

import adapter
from adapter.coverage.registry import RULES, load_rules
from adapter.layers import shipped_mappings

load_rules()
MAPPINGS = shipped_mappings()
ADAPTER = Path(adapter.__file__).parent
FILES = sorted(path for path in (MAPPINGS / "policies").glob("*/*.yaml"))
RULE_FILES = [path for path in FILES if path.stem != "policy"]
REASONS: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((MAPPINGS / "codes" / "reason-codes.yaml").read_text())


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


@dataclass(frozen=True)
class End:
    """One way a rule of a policy can end."""

    file: str
    rule: str
    kind: str
    name: str
    decision: str
    carc: tuple[str, ...]
    rarc: tuple[str, ...]
    fix: str


def _ends() -> Iterator[End]:
    for path in RULE_FILES:
        file = read(path)
        for name, follows in (file.get("outcomes") or {}).items():
            carc, rarc = (tuple(follows.get(each, ())) for each in ("carc", "rarc"))
            yield End(
                named(path), file["rule"], file["kind"], name, follows["decision"], carc, rarc, follows.get("fix", "")
            )


ENDS = tuple(_ends())
each_rule_file = pytest.mark.parametrize("path", RULE_FILES, ids=named)
each_end = pytest.mark.parametrize("end", ENDS, ids=lambda end: f"{end.file}.{end.name}")


# --- files


@each_rule_file
def test_a_file_is_named_as_its_rule(path: Path) -> None:
    assert read(path)["rule"] == path.stem
    assert path.stem in RULES


@pytest.mark.parametrize("path", [each for each in FILES if each.stem == "policy"], ids=named)
def test_a_folder_is_named_as_its_policy(path: Path) -> None:
    assert read(path)["policy"] == path.parent.name


@each_rule_file
def test_every_dated_value_names_its_source_and_its_reason(path: Path) -> None:
    for name, series in read(path).get("values", {}).items():
        assert series["description"].strip(), name
        assert series["dated"], name
        for entry in series["dated"]:
            where = f"{path}: {name} of {entry['effective']}"
            assert entry["reference"]["document"].strip(), where
            assert entry["reference"]["section"].strip(), where
            assert entry["reason"].strip(), where


@each_rule_file
def test_every_rule_file_cites_and_describes(path: Path) -> None:
    file = read(path)
    assert file["reference"]["document"].strip()
    assert file["reference"]["section"].strip()
    assert file["description"].strip()


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_is_switched_on_by_a_policy(rule: str) -> None:
    assert rule in {path.stem for path in RULE_FILES}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_says_in_a_sentence_what_it_asks(rule: str) -> None:
    assert (RULES[rule].check.__doc__ or "").strip().endswith((".", ")"))


# --- reason codes


@each_end
def test_codes_are_in_the_table_and_alive(end: End) -> None:
    for kind, codes in (("carc", end.carc), ("rarc", end.rarc)):
        for code in codes:
            entry = REASONS[kind].get(code)
            assert entry is not None, code
            assert "end" not in entry, code
    assert not DEAD & set(end.carc)


@each_end
def test_a_carc_that_needs_a_remark_has_one_that_is_no_alert(end: End) -> None:
    if NEEDS_REMARK & set(end.carc):
        assert set(end.rarc) - ALERTS - {"MA130"}, "a remark that names the field or the document"


def test_the_table_knows_which_codes_need_remarks_and_which_are_alerts() -> None:
    assert {code for code, entry in REASONS["carc"].items() if entry.get("needs_remark")} == NEEDS_REMARK
    assert {code for code, entry in REASONS["rarc"].items() if entry.get("alert")} == ALERTS
    assert {code for code, entry in REASONS["carc"].items() if "end" in entry} == DEAD
    assert {code for code, entry in REASONS["rarc"].items() if entry.get("document")} == ABOUT_DOCUMENTS


@each_end
def test_carc_16_never_asks_for_a_document(end: End) -> None:
    if "16" in end.carc:
        assert not ABOUT_DOCUMENTS & set(end.rarc)
        assert end.decision == "REJECT"
        assert end.rule not in ("documentation", "evidence_on_file", "session_times", "credential", "prior_assessment")


@each_end
def test_the_codes_of_each_decision(end: End) -> None:
    match end.decision:
        case "PEND":
            assert end.carc == ("252",)
        case "REVIEW":
            assert (end.carc, end.rarc) == (("133",), ())
        case "WARN" | "APPROVE":
            assert end.carc == ()
        case _:
            assert len(end.carc) == 1
            assert not {"133", "252"} & set(end.carc)


@each_end
def test_medical_necessity_is_never_claimed(end: End) -> None:
    """A015 is no treatment guideline (S28): neither not necessary, nor experimental, nor unproven."""
    assert not {"50", "55", "56"} & set(end.carc)


@each_end
def test_a_reader_is_told_what_to_do(end: End) -> None:
    assert end.fix.strip()


@each_end
def test_the_remarks_of_warnings_are_the_two_the_table_names(end: End) -> None:
    if end.decision == "WARN":
        assert end.rarc in ((), ("M69",), ("MA67",)), "rows 67 and 36"


# --- what the pure core may import

PURE = sorted(
    [
        *(ADAPTER / "coverage").rglob("*.py"),
        *(ADAPTER / "session").rglob("*.py"),
        ADAPTER / "policy" / "book.py",
        ADAPTER / "policy" / "codes.py",
        ADAPTER / "policy" / "layering.py",
        ADAPTER / "policy" / "values.py",
    ]
)
SHUT = frozenset(
    [
        "fhir",
        "fhirpathpy",
        "httpx",
        "logging",
        "structlog",
        "requests",
        "socket",
        "time",
        "random",
        "secrets",
        "uuid",
        "os",
        "pathlib",
        "io",
        "subprocess",
        "asyncio",
    ]
)
CLOCKS = frozenset({"now", "today", "utcnow", "time", "monotonic", "perf_counter", "fromtimestamp"})


def modules(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, and every text that names a FHIR model for ``import_module`` to import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module or ''}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("fhir."):
            yield node.value


def _called(node: ast.Call) -> str:
    called = node.func
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def short(path: Path) -> str:
    return str(path.relative_to(ADAPTER))


@pytest.mark.parametrize("path", PURE, ids=short)
def test_the_core_imports_neither_fhir_nor_a_wire_nor_a_clock(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set(modules(tree))
    assert not {each for each in found if each.split(".")[0] in SHUT}
    assert not {each for each in found if each.startswith("adapter.fhir")}
    calls = {_called(node): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    clocks = {
        name
        for name, node in calls.items()
        if name in CLOCKS
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("datetime", "date", "time")
    }
    assert not clocks
    assert "print" not in calls
    assert "open" not in calls


@pytest.mark.parametrize("path", sorted(ADAPTER.rglob("*.py")), ids=short)
def test_only_the_edge_imports_fhir_models(path: Path) -> None:
    found = {each for each in modules(ast.parse(path.read_text(encoding="utf-8"))) if each.startswith("fhir.")}
    assert not found or path.is_relative_to(ADAPTER / "fhir")


def test_the_edge_does_import_them() -> None:
    """The test above would pass of a tree that it reads wrongly."""
    edge = {each for path in (ADAPTER / "fhir").rglob("*.py") for each in modules(ast.parse(path.read_text()))}
    assert any(each.startswith("fhir.resources") for each in edge)


@pytest.mark.parametrize("path", sorted((ADAPTER / "coverage" / "rules").glob("*.py")), ids=short)
def test_rules_know_sessions_and_terms_only(path: Path) -> None:
    ours = {each for each in modules(ast.parse(path.read_text(encoding="utf-8"))) if each.startswith("adapter.")}
    allowed = ("adapter.coverage", "adapter.session", "adapter.policy.terms", "adapter.policy.values")
    assert not {each for each in ours if not each.startswith(allowed)}
