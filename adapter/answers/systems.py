"""The URLs that answers use, in one place."""

from __future__ import annotations

CARC = "https://x12.org/codes/claim-adjustment-reason-codes"
RARC = "https://x12.org/codes/remittance-advice-remark-codes"
ADJUDICATION = "http://terminology.hl7.org/CodeSystem/adjudication"
DISCRIMINATOR = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator"
CLAIM_DECISION = "http://hl7.org/fhir/claim-decision"
DECISION_EXTENSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ClaimResponse.decision"
REVIEW_OUTCOME_EXTENSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ClaimResponse.item.reviewOutcome"
NOTE_TYPE = "http://hl7.org/fhir/note-type"
PROVENANCE_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
DEFAULT_IDENTIFIER_SYSTEM = "https://fhir-coaching-adapter.example/claim-response"
