"""Counts the answers in a folder anew, without those to claims that are decided once more or stay unanswered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from adapter.answers.operation_outcome import is_nameless
from adapter.coverage.finding import Decision
from adapter.evidence.references import Json, objects
from adapter.sinks.answers_in_files import claim_of_outcome, claim_of_response, resources_in
from adapter.sync.report import Tally


def recounted(folder: Path, tally: Tally, without: Collection[str]) -> Tally:
    """What ``tally`` counts of the answers in a folder, less the claims that are left out.

    The lines and outcomes that are shown one by one are taken over. Elements passed over are not in the files: a claim
    that has any is read from the server and counted there.
    """
    counted = Tally(
        first_lines=[each for each in tally.first_lines if each[0] not in without],
        first_outcomes=[each for each in tally.first_outcomes if each.claim not in without],
    )
    for response in resources_in(folder / "ClaimResponse.ndjson"):
        if claim_of_response(response) not in without:
            counted.claims += 1
            counted.responses[str(response["outcome"])] += 1
    for outcome in resources_in(folder / "OperationOutcome.ndjson"):
        _count_outcome(counted, outcome, without)
    for line in resources_in(folder / "decisions.ndjson"):
        if line["claim"] not in without:
            counted.lines[line["decision"]] += 1
            counted.reasons.setdefault(line["decision"], Counter()).update(_deciding(line))
    return counted


def _count_outcome(tally: Tally, outcome: Json, without: Collection[str]) -> None:
    claim = claim_of_outcome(outcome)
    if claim in without:
        return
    is_of_claim = claim is not None or is_nameless(outcome)
    tally.claims += is_of_claim
    tally.refused += is_of_claim
    tally.unreadable += not is_of_claim
    tally.issues += len(list(objects(outcome.get("issue"))))


def _deciding(line: Json) -> Iterator[str]:
    """The rules of a line that a summary names: as strong as its decision, and no mere approval."""
    if line["decision"] == Decision.APPROVE.name:
        return
    for finding in line["findings"]:
        if not finding["advisory"] and finding["decision"] == line["decision"]:
            yield finding["rule"]
