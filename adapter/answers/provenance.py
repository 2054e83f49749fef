"""The Provenance of an answer: who decided, when, by which policy, on which evidence.

https://hl7.org/fhir/R4/provenance.html; the elements used are the same in R5.
"""

from __future__ import annotations

from collections.abc import Iterable

from adapter import __version__
from adapter.answers import systems
from adapter.answers.claim_response import derived_id
from adapter.evidence.references import Json


def provenance(response: Json, policy_uris: Iterable[str], evidence: Iterable[str], instant: str) -> Json:
    """Provenance of one written ClaimResponse.

    Args:
        policy_uris: URI and version (``uri|version``) of every policy that decided a line, its overlays behind it.
        evidence: versioned references of every resource the decision rests on.
        instant: when it was decided; a FHIR instant.
    """
    trail: Json = {
        "resourceType": "Provenance",
        "id": derived_id(str(response["id"]), "provenance"),
        "target": [{"reference": f"ClaimResponse/{response['id']}"}],
        "recorded": instant,
        "policy": list(policy_uris),
        "agent": [
            {
                "type": {"coding": [{"system": systems.PROVENANCE_AGENT, "code": "assembler"}]},
                "who": {
                    "type": "Device",
                    "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:fhir-coaching-adapter:{__version__}"},
                    "display": f"fhir-coaching-adapter {__version__}",
                },
            }
        ],
        "entity": [{"role": "source", "what": {"reference": reference}} for reference in evidence],
    }
    return {name: value for name, value in trail.items() if value != []}
