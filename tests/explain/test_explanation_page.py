"""The page of one claim: stands alone, holds every finding in the answer's own words, shows the visit, names nobody."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from answers.story_stages import bundle_of, part
from explain.pages import (
    Explained,
    claims_of_the_clinic,
    clinic,
    clinic_decided,
    decided,
    denied_for_three_reasons,
    explain,
    explain_resources,
    names_in_the_clinic,
    words_of,
)

from adapter.cli.explained import Group
from adapter.coverage.finding import Decision

ALLOWED = frozenset(
    re.findall(
        r"\w+",
        "html head meta title style body main header section article footer h1 h2 h3 h4 p ul ol li dl dt dd div span "
        "code strong a br table thead tbody tr th td",
    )
)
NAMES = names_in_the_clinic()

every_claim = pytest.mark.parametrize("claim", claims_of_the_clinic())
each_kind = pytest.mark.parametrize(
    ("claim", "state"),
    [
        ("a02-follow-up", "approved"),
        ("a03-29-minutes", "denied"),
        ("a05-no-end", "waiting for information"),
        ("a06-modifier-95", "under review by a person"),
        ("a07-quantity-0", "rejected"),
        ("a09-with-office-visit", "lines differ"),
        ("e06-end-before-start", "could not be processed"),
    ],
)


# --- it stands alone


@every_claim
def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing(claim: str) -> None:
    page = clinic(claim).page
    assert {tag for tag, _ in page.elements} <= ALLOWED
    assert page.unclosed == []
    for _, attributes in page.elements:
        assert not {"src", "srcset", "onload", "onclick"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"url\(|@import|@font-face|expression\(", page.markup)


@every_claim
def test_a_page_names_nobody(claim: str) -> None:
    assert words_of(clinic(claim).page.text) & NAMES == set()


def test_a_browser_is_told_to_load_nothing() -> None:
    policies = [
        each["content"]
        for tag, each in clinic("a02-follow-up").page.elements
        if tag == "meta" and each.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


HOSTILE = "<script>alert(1)</script>&\"'"


def test_hostile_text_stays_text() -> None:
    bundle = bundle_of("0592t-approved")
    line = part(bundle, "Claim")["item"][0]
    line["modifier"] = [{"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": HOSTILE}]}]
    page = explain_resources("0592t-approved", bundle).page
    assert HOSTILE in page.text
    assert "<script" not in page.markup
    assert {tag for tag, _ in page.elements} <= ALLOWED


def test_hostile_text_in_what_cannot_be_processed_stays_text() -> None:
    bundle = bundle_of("0592t-approved")
    part(bundle, "Claim")["created"] = HOSTILE
    explained = explain_resources("0592t-approved", bundle)
    assert explained.answer.outcome is not None
    assert "<script" not in explained.page.markup


# --- it holds everything, in the words of the answer


@every_claim
def test_every_finding_of_the_determination_stands_on_the_page(claim: str) -> None:
    explained = clinic(claim)
    text = explained.page.text
    for line in explained.lines:
        for finding in line.line.findings:
            assert finding.rule.replace("_", " ").capitalize() in text
            assert finding.found in text
            if finding.noteworthy:
                assert finding.needed in text
                assert finding.fix in text
            if finding.verdict.value != "not applicable":
                assert f"{finding.citation.document}, {finding.citation.section}" in text
                assert f"[{finding.citation.policy}]" in text
            for used in finding.used:
                assert used.value in text
                assert used.origin is None or used.origin.path in text


@every_claim
def test_the_notes_are_those_of_the_answer(claim: str) -> None:
    explained = clinic(claim)
    for note in (explained.answer.response or {}).get("processNote", []):
        assert note["text"] in explained.page.text


@every_claim
def test_every_reason_code_of_the_answer_stands_there_with_our_words(claim: str) -> None:
    explained = clinic(claim)
    for line in explained.lines:
        for reason in line.reasons():
            assert reason.meaning
            assert f"{reason} {reason.meaning}" in explained.page.text


@each_kind
def test_the_decision_and_the_disposition_come_first(claim: str, state: str) -> None:
    explained = clinic(claim)
    text = explained.page.text
    assert f"Claim {claim} {state}" in text
    if explained.answer.response is not None:
        sentence = explained.answer.response["disposition"]
        assert text.index(f"Claim {claim} {state} {sentence}") < text.index("Line 1:")


@pytest.mark.parametrize("claim", ["a02-follow-up", "a09-with-office-visit"])
def test_the_policy_its_version_and_the_layer_that_spoke_are_named(claim: str) -> None:
    text = clinic(claim).page.text
    assert "Policy Cigna Administrative Policy A015, version 2023-04-15" in text
    assert "https://fhir-coaching-adapter.example/policy/cigna-a015|2023-04-15" in text
    assert "Layer Cigna Administrative Policy A015" in text


def test_three_reasons_stand_before_the_rest() -> None:
    explained = denied_for_three_reasons()
    groups = dict(explained.lines[0].groups())
    assert [each.rule for each in groups[Group.DECIDED]] == ["session_length", "credential", "diagnosis_in_scope"]
    text = explained.page.text
    positions = [text.index(each) for each in ("Reason codes", "What to fix", "What decided (3)", "In order (")]
    assert positions == sorted(positions)
    for code in ("CARC 152", "CARC B7", "CARC 167", "RARC N163", "RARC N569"):
        assert code in text


def test_a_weaker_finding_says_what_outweighs_it_and_its_codes_are_not_sent() -> None:
    bundle = bundle_of("0592t-29-minutes")
    bundle["entry"] = [each for each in bundle["entry"] if each["resource"]["resourceType"] != "DocumentReference"]
    text = explain_resources("0592t-29-minutes", bundle).page.text
    assert "PEND: outweighed by DENY" in text
    assert re.search(r"Codes, not sent CARC 252", text)


def test_nothing_is_asked_of_anybody_when_a_line_is_approved() -> None:
    text = clinic("a02-follow-up").page.text
    assert "Nothing to fix No finding stands against the line." in text
    assert "What to fix and resubmit" not in text


def test_a_line_of_a_rejected_claim_is_not_called_approved() -> None:
    explained = clinic("s25-half-a-unit")
    assert [each.decided for each in explained.lines] == ["not answered", "rejected"]
    assert explained.lines[0].line.decision is Decision.APPROVE
    assert "no answer goes out for this line. By itself: approved." in explained.page.text


def test_advice_says_that_it_decides_nothing() -> None:
    text = clinic("s31-aetna").page.text
    assert "Advice only (" in text
    assert "none: advice only, would be PEND" in text


# --- claims without a determination


def test_what_could_not_be_processed_names_the_element() -> None:
    page = clinic("e06-end-before-start").page
    assert "What to correct" in page.text
    assert "Encounter.period" in page.text
    assert "Line 1" not in page.text


def test_a_voided_claim_says_so() -> None:
    bundle = bundle_of("0592t-approved")
    before = explain_resources("0592t-approved", bundle).answer.response
    assert before is not None
    part(bundle, "Claim")["status"] = "cancelled"
    explained = explain_resources("0592t-approved", bundle, before)
    assert explained.sessions == ()
    assert "Claim 0592t-approved voided Voided: Claim/0592t-approved was cancelled" in explained.page.text


def test_an_answer_reversed_by_a_replacement_says_so_before_what_had_been_decided() -> None:
    explained = clinic("a02-follow-up")
    reversed_by = {"status": "cancelled", "disposition": "Reversed: replaced by Claim/other."}
    response = {**(explained.answer.response or {}), **reversed_by}
    page = Explained(replace(explained.answer, response=response), explained.sessions).page
    assert "Claim a02-follow-up reversed Reversed: replaced by Claim/other. The claim is approved" in page.text


# --- it can be read


@each_kind
def test_headings_have_no_gap_and_tables_have_heads(claim: str, state: str) -> None:
    page = clinic(claim).page
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-4]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    tables, heads = (sum(1 for tag, _ in page.elements if tag == each) for each in ("table", "thead"))
    assert tables == heads > 0
    assert all("scope" in attributes for tag, attributes in page.elements if tag == "th")
    assert ("html", {"lang": "en"}) in page.elements


def test_every_verdict_is_a_word_and_not_only_a_colour() -> None:
    text = denied_for_three_reasons().page.text
    for word in ("denied", "not met", "note", "met"):
        assert re.search(rf"\b{word}\b", text)


THEMES = re.findall(r":root \{(.*?)\}", clinic("a02-follow-up").page.markup, re.DOTALL)


@pytest.mark.parametrize("theme", [each for each in THEMES if "--ink" in each], ids=["light", "dark", "print"])
@pytest.mark.parametrize("name", ["ink", "soft", "green", "red", "amber", "blue", "violet", "grey"])
def test_text_stands_out_from_paper_and_panel(theme: str, name: str) -> None:
    colours = dict(re.findall(r"--(\w+): (#\w+);", theme))
    for ground in ("paper", "panel"):
        assert _contrast(colours[name], colours[ground]) >= 4.5, (name, ground)


def _contrast(first: str, second: str) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio"""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_equal_input_gives_an_equal_page() -> None:
    again = explain(decided(clinic_decided().store), "a09-with-office-visit")
    assert again.page.markup == clinic("a09-with-office-visit").page.markup
