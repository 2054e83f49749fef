"""What we are, for whoever asks at ``/metadata``; https://hl7.org/fhir/R4/capabilitystatement.html."""

from __future__ import annotations

from adapter import __version__
from adapter.evidence.references import Json

_DATE = "2026-01-15"
"""When this statement was last changed."""
SUBMIT = "http://hl7.org/fhir/OperationDefinition/Claim-submit"


def capability_statement(*, submits: bool) -> Json:
    """A FHIR client that takes notifications, and maybe submissions; nothing can be read from us."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "coaching-adapter", "version": __version__},
        "implementation": {"description": "Decides coverage of health coaching claims; notify it of changes."},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "client",
                "documentation": "Takes notifications of Subscriptions at /subscriptions/{name}: R4 rest-hooks with "
                "and without payload, and topic subscriptions of the R4 and R4B backport and of R5.",
            },
            *([_SUBMITS] if submits else []),
        ],
    }


_SUBMITS: Json = {
    "mode": "server",
    "documentation": "Decides what is sent, completed by what the FHIR server has, and stores nothing. The version of "
    "FHIR is that server's. The client shows a bearer token.",
    "resource": [{"type": "Claim", "operation": [{"name": "submit", "definition": SUBMIT}]}],
}
