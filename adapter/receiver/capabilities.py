"""What we are, for whoever asks at ``/metadata``; https://hl7.org/fhir/R4/capabilitystatement.html."""

from __future__ import annotations

from adapter import __version__
from adapter.evidence.references import Json

_DATE = "2026-01-01"
"""When this statement was last changed."""


def capability_statement() -> Json:
    """A FHIR client that takes notifications; nothing can be read from us."""
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
            }
        ],
    }
