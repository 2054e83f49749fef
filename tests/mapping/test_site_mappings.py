"""What a site can change in YAML alone: no line of Python is touched, and the answer changes as it should."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import bundle_of, part, run_resources

from adapter.bootstrap import build
from adapter.layers import Layers, shipped_mappings
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings

Json = dict[str, Any]
CERTIFICATE = "https://site.example/fhir/coach-certificate"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped_mappings(), tmp_path / "mappings"))


def built(root: Path) -> Adjudicator:
    return build(Settings.model_construct(), Layers.of(root))


def change(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text, f"{name} no longer holds {old!r}"
    (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def decided(bundle: Json, adjudicator: Adjudicator | None = None) -> tuple[str, list[str]]:
    """The decision on the only line of the only claim, and the rules that made it."""
    (answer,) = run_resources(bundle, adjudicator=adjudicator).answers
    assert answer.determination is not None
    (line,) = answer.determination.lines
    return line.decision.name, [each.rule for each in line.deciding if each.noteworthy]


def with_certificate_in_an_extension(until: str) -> Json:
    """The coach's certificate stands in an extension of this site's own; there is no Practitioner.qualification."""
    bundle = bundle_of("0592t-approved")
    coach = part(bundle, "Practitioner", "coach")
    del coach["qualification"]
    coach["extension"] = [
        {
            "url": CERTIFICATE,
            "extension": [
                {"url": "title", "valueCodeableConcept": {"text": "NBC-HWC"}},
                {"url": "valid", "valuePeriod": {"start": "2020-01-01", "end": until}},
                {"url": "issuer", "valueReference": {"display": "National Board for Health and Wellness Coaching"}},
            ],
        }
    ]
    return bundle


IN_EXTENSION = f"""resource: Practitioner
fields:
  active: {{path: active, as: boolean}}
groups:
  qualifications:
    path: "extension.where(url = '{CERTIFICATE}')"
    fields:
      codes: {{path: "extension.where(url = 'title').value.coding", as: coding}}
      texts: {{path: "extension.where(url = 'title').value.text", as: text}}
      issuer: {{path: "extension.where(url = 'issuer').value", as: reference}}
      issuer_name: {{path: "extension.where(url = 'issuer').value.display", as: text}}
      period: {{path: "extension.where(url = 'valid').value", as: date}}
"""


def test_a_certificate_in_an_extension_is_not_seen_by_the_shipped_mappings() -> None:
    assert decided(with_certificate_in_an_extension("2029-12-31")) == ("PEND", ["credential"])


@pytest.mark.parametrize(
    ("until", "decision"),
    [("2029-12-31", ("APPROVE", [])), ("2023-06-01", ("APPROVE", [])), ("2023-05-31", ("DENY", ["credential"]))],
)
@pytest.mark.parametrize("member", ["value", "value{type}"])
def test_a_site_can_say_that_certificates_stand_in_an_extension(
    root: Path, until: str, decision: tuple[str, list[str]], member: str
) -> None:
    text = IN_EXTENSION
    if member != "value":
        for url, kind in (("title", "CodeableConcept"), ("issuer", "Reference"), ("valid", "Period")):
            text = text.replace(f"(url = '{url}').value", f"(url = '{url}').value{kind}")
    (root / "r4" / "practitioner.yaml").write_text(text, encoding="utf-8")
    assert decided(with_certificate_in_an_extension(until), built(root)) == decision


def test_a_site_can_accept_another_certificate(root: Path) -> None:
    bundle = bundle_of("0592t-approved")
    part(bundle, "Practitioner", "coach")["qualification"][0] |= {
        "code": {"text": "Certified Thimbleton Coach"},
        "issuer": {"display": "Thimbleton Guild"},
    }
    assert decided(bundle) == ("DENY", ["credential"])
    change(
        root,
        "codes/credentials.yaml",
        "kinds:",
        "kinds:\n  thimble: {title: ours, texts: [certified thimbleton coach]}",
    )
    change(root, "policies/cigna-a015/credential.yaml", '"0592T": [nbc-hwc', '"0592T": [thimble, nbc-hwc')
    assert decided(bundle, built(root)) == ("APPROVE", [])


def test_a_site_can_translate_its_own_service_code(root: Path) -> None:
    bundle = bundle_of("0592t-approved")
    own = {"coding": [{"system": "https://site.example/services", "code": "COACH-2"}]}
    part(bundle, "Claim")["item"][0]["productOrService"] = own
    part(bundle, "Procedure", "approved-proc")["code"] = own
    assert run_resources(bundle).report.out_of_scope == 1
    table = json.loads((root / "tables" / "service-codes.json").read_text(encoding="utf-8"))
    table["group"] = [
        {
            "source": "https://site.example/services",
            "target": "http://www.ama-assn.org/go/cpt",
            "element": [{"code": "COACH-2", "target": [{"code": "0592T", "equivalence": "equal"}]}],
        }
    ]
    (root / "tables" / "service-codes.json").write_text(json.dumps(table), encoding="utf-8")
    assert decided(bundle, built(root)) == ("APPROVE", [])


def test_a_site_can_add_an_affiliate_of_a_payer(root: Path) -> None:
    bundle = bundle_of("0592t-approved")
    part(bundle, "Organization", "payer")["name"] = "Thimbleton Mutual"
    assert decided(bundle)[0] == "REVIEW"
    change(root, "payers/cigna.yaml", "names: [Cigna,", "names: [Thimbleton Mutual, Cigna,")
    assert decided(bundle, built(root)) == ("APPROVE", [])


def test_a_site_can_ask_for_each_element_of_the_documentation(root: Path) -> None:
    assert decided(bundle_of("0592t-approved"))[0] == "APPROVE"
    change(root, "policies/common/documentation.yaml", "value: note_on_file", "value: elements")
    assert decided(bundle_of("0592t-approved"), built(root)) == ("PEND", ["documentation"])


def test_a_site_can_turn_documentation_off(root: Path) -> None:
    assert decided(bundle_of("no-note")) == ("PEND", ["documentation"])
    change(root, "policies/common/documentation.yaml", "value: note_on_file", 'value: "off"')
    assert decided(bundle_of("no-note"), built(root)) == ("APPROVE", [])


def test_off_without_quotes_means_off_too(root: Path) -> None:
    """YAML 1.1 reads a bare off as false: a trap that a policy owner cannot see."""
    change(root, "policies/common/documentation.yaml", "value: note_on_file", "value: off")
    assert decided(bundle_of("no-note"), built(root)) == ("APPROVE", [])
