"""The only room that knows FHIR models: structural validation by ``fhir.resources``."""
