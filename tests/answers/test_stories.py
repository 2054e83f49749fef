"""Each story's stages are what the adapter makes of its input; a changed one shows at which stage it changed.

``python tests/answers/regenerate_stories.py`` writes them anew. A regenerated stage is a decision: review it like code.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from answers.story_stages import STAGES, STORIES, bundle_of, stages

EXPECTED = {
    # (decision, reasons) of each line, written from the coverage facts and the contract; None: an OperationOutcome
    "0591t-20-minutes": [("APPROVE", [])],
    "0592t-29-minutes": [("DENY", ["152", "N163"])],
    "0592t-approved": [("APPROVE", [])],
    "aetna": [("REVIEW", ["133"])],
    "clocks-forward": [("DENY", ["152", "N163"])],
    "draft-claim": None,
    "expired-certificate": [("DENY", ["B7"])],
    "h0038-50-minutes": [("APPROVE", [])],
    "inpatient": [("DENY", ["58", "N428"])],
    "modifier-95": [("REVIEW", ["133"])],
    "no-end-time": [("PEND", ["252", "N443"])],
    "no-note": [("PEND", ["252", "N706"])],
    "over-midnight": [("APPROVE", [])],
    "prediabetes-only": [("DENY", ["167", "N569"])],
    "text-only-code": [("REJECT", ["16", "M51", "MA130"])],
    "two-lines-office-visit": [("APPROVE", []), ("REVIEW", ["133"])],
    "urn-uuid-references": [("APPROVE", [])],
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_every_stage_is_current(story: Path, stage: str) -> None:
    written = json.loads((story / stage).read_text(encoding="utf-8"))
    assert stages(story.name)[stage] == written, "run python tests/answers/regenerate_stories.py and review"


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_every_story_ends_as_the_contract_says(story: Path) -> None:
    expected = EXPECTED[story.name]
    lines = stages(story.name)["2_determination.json"]
    if expected is None:
        assert lines == []
        assert [each["resourceType"] for each in stages(story.name)["3_response.json"]] == ["OperationOutcome"]
    else:
        assert [(each["decision"], each["carc"] + each["rarc"]) for each in lines] == expected


def test_every_story_is_expected() -> None:
    assert {path.name for path in STORIES} == set(EXPECTED)


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_a_session_holds_no_word_about_the_person(story: Path) -> None:
    """What a rule may know has no name of the patient in it, nor of the coach, nor a member number."""
    names = []
    for entry in bundle_of(story.name)["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] in ("Patient", "Practitioner"):
            names += [word for name in resource.get("name", []) for word in (name["family"], *name["given"])]
        names += [resource[element] for element in ("birthDate", "subscriberId") if element in resource]
    assert names
    text = json.dumps(stages(story.name)["1_session.json"])
    assert [name for name in names if name in text] == []
