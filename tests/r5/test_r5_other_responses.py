"""How somebody else's answer on file is read: by the decision, R5's element or R4's extension, before the outcome."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from adapter.evidence.other_claims import settlement
from adapter.evidence.store import Located
from adapter.layers import Layers, shipped_mappings
from adapter.mapping.loader import load_mappings
from adapter.mapping.mapper import Mapper
from adapter.session.model import Settlement

Json = dict[str, Any]
EXTENSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ClaimResponse.decision"


@cache
def mapper(version: str) -> Mapper:
    mappings = load_mappings(Layers.of(shipped_mappings()), version)
    return Mapper(mappings.resources, mappings.systems)


def decided(version: str, code: str) -> Json:
    concept = {"coding": [{"system": "http://hl7.org/fhir/claim-decision", "code": code}]}
    return (
        {"decision": concept}
        if version == "r5"
        else {"extension": [{"url": EXTENSION, "valueCodeableConcept": concept}]}
    )


@pytest.mark.parametrize("version", ["r4", "r5"])
@pytest.mark.parametrize(
    ("outcome", "decision", "expected"),
    [
        pytest.param("complete", "approved", Settlement.FINAL, id="approved"),
        pytest.param("complete", "denied", Settlement.FINAL, id="denied"),
        pytest.param("complete", "pending", Settlement.OPEN, id="pended, though the outcome is complete"),
        pytest.param("complete", None, Settlement.FINAL, id="the outcome alone"),
        pytest.param("queued", None, Settlement.OPEN, id="queued"),
        pytest.param("partial", "pending", Settlement.OPEN, id="partial"),
        pytest.param("error", None, Settlement.REJECTED, id="rejected"),
        pytest.param("error", "pending", Settlement.REJECTED, id="rejected, whatever the decision"),
        pytest.param("finished", None, Settlement.UNKNOWN, id="an outcome that FHIR does not know"),
    ],
)
def test_how_far_it_brings_its_claim(version: str, outcome: str, decision: str | None, expected: Settlement) -> None:
    response = {"resourceType": "ClaimResponse", "id": "theirs", "status": "active", "outcome": outcome}
    response |= decided(version, decision) if decision else {}
    assert settlement(mapper(version).record(Located(response))) is expected
